// A search space ready for use: axes over the unit cube, with conditions, derived parameters and constraints compiled
// and put in the order in which they can be evaluated. Owns the way between unit points and parameters, and finding
// out that nothing can satisfy the constraints. A unit point has one coordinate per axis; in an encoded one, NaN says
// that the trial does not have that parameter (or has a value this space does not know).
import { compile, type Expression, evaluate, holds, type VariableType } from "@sweep/domain/Expression"
import { stepsTaken } from "@sweep/domain/evaluationBudget"
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { type Axis, axisOf, followBelief, onlyValue } from "./Axis.ts"
import { random, type Random } from "../numerics/Random.ts"

/** Thrown when a space cannot be searched: an expression that is none, a cycle, constraints nothing satisfies. */
export class InvalidSpace extends Data.TaggedError("InvalidSpace")<{
  readonly message: string
  /** The parameter or the constraint it is about, as in the file. */
  readonly where: string
  /** A set of parameters that failed, when the reason is a constraint. */
  readonly sample: Parameters | null
}> {}

/** What stands for one parameter in the order of evaluation. */
export type Node =
  | { readonly _tag: "Axis"; readonly name: string; readonly when: Expression | null; readonly axis: number }
  | { readonly _tag: "Fixed"; readonly name: string; readonly when: Expression | null; readonly value: ParameterValue }
  | { readonly _tag: "Derived"; readonly name: string; readonly when: Expression | null; readonly value: Expression }

export interface Space {
  /** In the order of the file. */
  readonly axes: ReadonlyArray<Axis>
  /** Each after everything it depends on. */
  readonly nodes: ReadonlyArray<Node>
  readonly conditional: boolean
  readonly constrained: boolean
  /** The number of values of all axes multiplied, conditions and constraints left aside; often infinite. */
  readonly cells: number
  /** The parameters at a unit point, or `null` when they are against a constraint. */
  readonly decode: (unit: ArrayLike<number>) => Parameters | null
  readonly encode: (parameters: Parameters) => Float64Array
  /** The constraint that `parameters` violate, if any. */
  readonly violated: (parameters: Parameters) => string | undefined
  /** Whether every parameter that these should have is there with a value of its distribution, and no other. */
  readonly contains: (parameters: Parameters) => boolean
  /**
   * Every set of parameters within the constraints that can be put together of `valuesOf` each axis, lazily, the last
   * parameter changing fastest. A parameter whose condition is false takes no part: no set comes twice.
   */
  readonly enumerate: (valuesOf: (axis: number) => Iterable<ParameterValue>) => Generator<Parameters>
}

const typeOf = (values: ReadonlyArray<ParameterValue>): VariableType => {
  const types = new Set(values.map((value) => typeof value))
  const [only] = types
  return types.size === 1 && (only === "number" || only === "string" || only === "boolean") ? only : "any"
}

const variableType = (d: Distribution): VariableType =>
  d._tag === "Constant" ? typeOf([d.value]) : d._tag === "Categorical" ? typeOf(d.values) : "number"

const expression = (
  text: string,
  where: string,
  variables: ReadonlyMap<string, VariableType>,
  result: "boolean" | "value",
): Expression => {
  const compiled = compile(text, { variables, result })
  if (Result.isSuccess(compiled)) return compiled.success
  throw new InvalidSpace({ message: `${where}: ${compiled.failure.message} in \`${text}\``, where, sample: null })
}

/** Expressions of one space, and their characters together: compiling one takes milliseconds, and a coordinator compiles all. */
const mostExpressions = 200
const mostCharacters = 20_000

/** Throws `InvalidSpace` when there are more expressions than a coordinator can compile beside its work. */
const checkCount = ({ dimensions, derived, constraints }: SearchSpace): void => {
  const conditions = [...dimensions, ...derived].flatMap(({ when }) => (when === null ? [] : [when]))
  const texts = [...conditions, ...derived.map(({ expression: text }) => text), ...constraints]
  const characters = texts.reduce((sum, text) => sum + text.length, 0)
  if (texts.length <= mostExpressions && characters <= mostCharacters) return
  throw new InvalidSpace({
    message: `the space has ${texts.length} expressions of ${characters} characters together; at most ${mostExpressions} and ${mostCharacters} are possible: join constraints with &&, or list the values`,
    where: "constraints",
    sample: null,
  })
}

/** Throws `InvalidSpace`. The spec room has found the same mistakes with their line before. */
export const compileSpace = (space: SearchSpace): Space => {
  checkCount(space)
  const variables = new Map<string, VariableType>(
    space.dimensions.map((dimension) => [dimension.name, variableType(dimension.distribution)]),
  )
  const axes: Array<Axis> = []
  const named = new Map<string, Node>()
  for (const { name } of space.derived) variables.set(name, "any")
  for (const dimension of space.dimensions) {
    const { name } = dimension
    const when = dimension.when === null ? null : expression(dimension.when, name, variables, "boolean")
    const axis = axisOf(dimension)
    if (axis === null) named.set(name, { _tag: "Fixed", name, when, value: onlyValue(dimension) })
    else named.set(name, { _tag: "Axis", name, when, axis: axes.push(axis) - 1 })
  }
  for (const { name, expression: text, when: condition } of space.derived) {
    const when = condition === null ? null : expression(condition, name, variables, "boolean")
    named.set(name, { _tag: "Derived", name, when, value: expression(text, name, variables, "value") })
  }
  const constraints = space.constraints.map((text) => expression(text, `constraint \`${text}\``, variables, "boolean"))

  const nodes: Array<Node> = []
  const visit = (node: Node, path: ReadonlyArray<string>): void => {
    if (path.includes(node.name)) {
      const cycle = [...path.slice(path.indexOf(node.name)), node.name].join(" → ")
      throw new InvalidSpace({
        message: `parameters depend on each other in a circle: ${cycle}`,
        where: node.name,
        sample: null,
      })
    }
    if (nodes.includes(node)) return
    const reads = [...(node.when?.identifiers ?? []), ...(node._tag === "Derived" ? node.value.identifiers : [])]
    for (const name of reads) visit(named.get(name)!, [...path, node.name])
    nodes.push(node)
  }
  for (const node of named.values()) visit(node, [])

  const plain = nodes.every((node) => node.when === null && node._tag !== "Derived")
  const fileOrder = Array.from(named.keys())
  // Without conditions and derived parameters, the order of evaluation is the order of the file.
  const inOrder = (parameters: Parameters): Parameters =>
    plain
      ? { ...parameters }
      : Object.fromEntries(
          fileOrder.flatMap((name) => (name in parameters ? [[name, parameters[name]!] as const] : [])),
        )
  const fail = (where: string, message: string, sample: Parameters): never => {
    throw new InvalidSpace({ message: `${where}: ${message} for ${JSON.stringify(sample)}`, where, sample })
  }
  /** Conditions that nothing but all of their parameters can decide: without one of them they need not be evaluated. */
  const needsAll = new Set(
    [...nodes.flatMap(({ when }) => when ?? []), ...constraints].filter(({ text }) => !/&&|\|\||\?/.test(text)),
  )
  const truth = (condition: Expression, where: string, parameters: Parameters, whenAbsent: boolean): boolean => {
    if (needsAll.has(condition) && condition.identifiers.some((name) => !(name in parameters))) return whenAbsent
    const result = holds(condition, parameters, whenAbsent)
    return Result.isSuccess(result) ? result.success : fail(where, result.failure.message, parameters)
  }
  const active = (node: Node, parameters: Parameters): boolean =>
    node.when === null || truth(node.when, node.name, parameters, false)
  /** `undefined`: what it is derived from is absent, and so is it. */
  const derive = (node: Node & { readonly _tag: "Derived" }, parameters: Parameters): ParameterValue | undefined => {
    const result = evaluate(node.value, parameters)
    if (Result.isSuccess(result)) return result.success
    return result.failure._tag === "ParameterAbsent" ? undefined : fail(node.name, result.failure.message, parameters)
  }
  const violated = (parameters: Parameters): string | undefined =>
    constraints.find((constraint) => !truth(constraint, `constraint \`${constraint.text}\``, parameters, true))?.text

  const parametersAt = (unit: ArrayLike<number>): Parameters => {
    const parameters: Record<string, ParameterValue> = {}
    for (const node of nodes) {
      if (!active(node, parameters)) continue
      if (node._tag === "Axis") parameters[node.name] = axes[node.axis]!.decode(unit[node.axis]!)
      else if (node._tag === "Fixed") parameters[node.name] = node.value
      else {
        const value = derive(node, parameters)
        if (value !== undefined) parameters[node.name] = value
      }
    }
    return plain ? parameters : inOrder(parameters)
  }

  return {
    axes,
    nodes,
    conditional: nodes.some((node) => node._tag === "Axis" && node.when !== null),
    constrained: constraints.length > 0,
    cells: axes.reduce((product, axis) => product * axis.levels, 1),
    decode: (unit) => {
      const parameters = parametersAt(unit)
      return violated(parameters) === undefined ? parameters : null
    },
    encode: (parameters) =>
      Float64Array.from(axes, (axis) => {
        const value = parameters[axis.name]
        return value === undefined ? Number.NaN : axis.encode(value)
      }),
    violated,
    contains: (parameters) => {
      const before: Record<string, ParameterValue> = {}
      for (const node of nodes) {
        const value = active(node, before)
          ? node._tag === "Derived"
            ? derive(node, before)
            : parameters[node.name]
          : undefined
        if (active(node, before) && value === undefined && node._tag !== "Derived") return false
        if (value !== parameters[node.name]) return false
        if (value === undefined) continue
        if (node._tag === "Axis" && !axes[node.axis]!.contains(value)) return false
        if (node._tag === "Fixed" && value !== node.value) return false
        before[node.name] = value
      }
      return Object.keys(parameters).every((name) => named.has(name)) && violated(parameters) === undefined
    },
    enumerate: function* (valuesOf) {
      const parameters: Record<string, ParameterValue> = {}
      let began = stepsTaken()
      function* from(at: number): Generator<Parameters> {
        const node = nodes[at]
        if (node === undefined) {
          const broken = violated(parameters)
          if (broken !== undefined) return checkSearch(began, broken, parameters)
          yield inOrder(parameters)
          began = stepsTaken()
          return
        }
        const values = !active(node, parameters)
          ? [undefined]
          : node._tag === "Axis"
            ? valuesOf(node.axis)
            : [node._tag === "Fixed" ? node.value : derive(node, parameters)]
        for (const value of values) {
          if (value === undefined) delete parameters[node.name]
          else parameters[node.name] = value
          yield* from(at + 1)
        }
        delete parameters[node.name]
      }
      yield* from(0)
    },
  }
}

/** How many points are drawn before a space counts as one that nothing satisfies. */
export const rejectionLimit = 10_000

/**
 * Steps of expressions that looking for one point may take, about a tenth of a second: whoever looks may be the coordinator,
 * which does nothing else meanwhile.
 */
const searchLimit = 1_000_000

/** Throws `InvalidSpace` once too much was spent since `began` on points that `constraint` does not let through. */
const checkSearch = (began: number, constraint: string, sample: Parameters): void => {
  if (stepsTaken() - began <= searchLimit) return
  const where = `constraint \`${constraint}\``
  throw new InvalidSpace({
    message: `${where}: no set of parameters that satisfies it was found in ${searchLimit} steps of evaluation; make the constraints cheaper, or leave out values that they rule out`,
    where,
    sample,
  })
}

/** A unit point by the person's distributions and beliefs. */
export const drawUnit = (space: Space, from: Random): Float64Array =>
  Float64Array.from(space.axes, (axis) => {
    const u = from.uniform()
    return axis.belief === null ? u : followBelief(axis.belief, u)
  })

/** The first drawn point within the constraints; `undefined` when none of `rejectionLimit` is. */
export const drawFeasible = (space: Space, from: Random): Parameters | undefined => {
  const began = stepsTaken()
  for (let attempt = 0; attempt < (space.constrained ? rejectionLimit : 1); attempt++) {
    const parameters = space.decode(drawUnit(space, from))
    if (parameters !== null) return parameters
    if (stepsTaken() - began > searchLimit) return undefined
  }
  return undefined
}

/** Throws `InvalidSpace`, with the constraint and a set of parameters that failed it, when no draw is feasible. */
export const checkFeasible = (space: Space, definition: SearchSpace): void => {
  if (!space.constrained) return
  const began = stepsTaken()
  if (drawFeasible(space, random(0, 0, "feasible")) !== undefined) return
  const unconstrained = compileSpace({ ...definition, constraints: [] })
  const sample = unconstrained.decode(drawUnit(unconstrained, random(0, 0, "feasible")))!
  const text = space.violated(sample)!
  checkSearch(began, text, sample)
  throw new InvalidSpace({
    message: `none of ${rejectionLimit} sets of parameters drawn satisfies the constraints; \`${text}\` fails for ${JSON.stringify(sample)}`,
    where: `constraint \`${text}\``,
    sample,
  })
}

/** Conditions that were not true in any of `draws` draws: parameters no trial will have. */
export const neverActive = (space: Space, draws = 2_000): ReadonlyArray<string> => {
  const waiting = new Set(space.nodes.filter((node) => node.when !== null).map((node) => node.name))
  const from = random(0, 0, "conditions")
  for (let i = 0; i < draws && waiting.size > 0; i++) {
    const parameters = space.decode(drawUnit(space, from))
    if (parameters !== null) for (const name in parameters) waiting.delete(name)
  }
  return Array.from(waiting)
}
