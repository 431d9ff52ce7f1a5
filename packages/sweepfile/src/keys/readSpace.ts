// The search space of a sweep file: its parameters with every expression compiled and type-checked. Owns the order of
// derived parameters, the search for circles, and the errors of expressions, placed at the character they are about.
import { compile, type Expression, type Variables, type VariableType } from "@sweep/domain/Expression"
import type { Distribution } from "@sweep/domain/Distribution"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { Derived, Dimension, SearchSpace } from "@sweep/domain/SearchSpace"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import * as Result from "effect/Result"
import { didYouMean, type Field, oneOf } from "../parse/Field.ts"
import { isOutcome } from "./readOutcomes.ts"
import { readParameters, type ReadParameter } from "./readParameters.ts"

export interface ReadSpace {
  readonly space: SearchSpace
  readonly groups: ReadonlyArray<string>
  readonly parameters: ReadonlyArray<ReadParameter>
  /** Names in an order in which each follows what it reads. */
  readonly order: ReadonlyArray<string>
  /** By name. */
  readonly conditions: ReadonlyMap<string, Expression>
  readonly derivations: ReadonlyMap<string, Expression>
  readonly constraints: ReadonlyArray<Expression>
}

const typeOfValues = (values: ReadonlyArray<ParameterValue>): VariableType => {
  const types = new Set(values.map((value) => (value === null ? "any" : typeof value)))
  return types.size === 1 ? (types.values().next().value as VariableType) : "any"
}

const typeOf = (distribution: Distribution): VariableType =>
  distribution._tag === "Constant"
    ? typeOfValues([distribution.value])
    : distribution._tag === "Categorical"
      ? typeOfValues(distribution.values)
      : "number"

/** Where the expression's first character stands in the file; `undefined` when quoting or folding moved characters. */
const startOf = (field: Field, text: string): number | undefined => {
  const { node, source } = field
  const raw = source.text.slice(node.start, node.end)
  if (raw === text) return node.start
  return raw.slice(1, -1) === text ? node.start + 1 : undefined
}

const compileField = (
  field: Field,
  text: string,
  options: { readonly variables?: Variables; readonly result?: "boolean" | "value" },
): Expression | undefined => {
  const compiled = compile(text, options)
  if (Result.isSuccess(compiled)) return compiled.success
  const { message, offset, unknown } = compiled.failure
  const start = startOf(field, text)
  const at = start === undefined ? field.node.start : start + offset
  const end =
    unknown === null || start === undefined ? (start === undefined ? field.node.end : at + 1) : at + unknown.length
  return field.report(
    {
      message: `in the expression of \`${field.path}\`: ${message}`,
      hint:
        unknown === null
          ? null
          : isOutcome(text, Array.from((options.variables ?? new Map()).keys()))
            ? `limits on what trials report go under \`outcome_constraints: ["${text}"]\``
            : unknownHint(unknown, options.variables ?? new Map()),
    },
    { start: at, end },
  )
}

const unknownHint = (unknown: string, variables: Variables): string => {
  const known = Array.from(variables.keys())
  const dashed = known.find((name) => name.startsWith(`${unknown}-`))
  if (dashed !== undefined) return `\`${dashed}\` reads as a subtraction; in expressions a name has no \`-\``
  const near = didYouMean(unknown, known)
  if (near !== null) return near
  if (Object.hasOwn(parameterDefaults, unknown))
    return `\`${unknown}\` is not set in this file: add it to \`parameters\``
  return known.length === 0 ? "there are no parameters" : `the parameters are ${oneOf(known.slice(0, 12))}`
}

interface Raw {
  readonly parameter: ReadParameter
  readonly reads: ReadonlySet<string>
}

/** Parameters in an order in which each follows what it reads; a circle is reported once and cut. */
const sorted = (raws: ReadonlyMap<string, Raw>): ReadonlyArray<Raw> => {
  const done = new Set<string>()
  const order: Array<Raw> = []
  const visit = (name: string, path: ReadonlyArray<string>): void => {
    const raw = raws.get(name)
    if (raw === undefined || done.has(name)) return
    if (path.includes(name)) {
      const circle = path.slice(path.indexOf(name))
      const first = raws.get(circle[0]!)!.parameter
      const field = first.takes._tag === "Derived" ? first.takes.derive : (first.when[0] ?? first.field)
      field.report({
        message: `parameters depend on each other in a circle: ${[...circle, name].join(" → ")}`,
        expected: "each parameter made from others that do not depend on it",
      })
      for (const member of circle) done.add(member)
      return
    }
    for (const read of raw.reads) visit(read, [...path, name])
    if (done.has(name)) return
    done.add(name)
    order.push(raw)
  }
  for (const name of raws.keys()) visit(name, [])
  return order
}

export const readSpace = (
  parametersField: Field,
  constraintsField: Field | undefined,
  allowJson: boolean,
): ReadSpace => {
  const { groups, parameters } = readParameters(parametersField, allowJson)
  const texts = new Map<Field, string>()
  const raws = new Map<string, Raw>()
  for (const parameter of parameters) {
    const fields = [...parameter.when, ...(parameter.takes._tag === "Derived" ? [parameter.takes.derive] : [])]
    const reads = new Set<string>()
    for (const field of fields) {
      // A group's condition belongs to each of its parameters and is read once.
      const text = texts.get(field) ?? expressionText(field)
      if (text === undefined) continue
      texts.set(field, text)
      // What does not parse is reported below, with the types at hand.
      const parsed = compile(text)
      if (Result.isSuccess(parsed)) for (const name of parsed.success.identifiers) reads.add(name)
    }
    raws.set(parameter.name, { parameter, reads })
  }

  const variables = new Map<string, VariableType>()
  for (const { name, takes } of parameters) {
    variables.set(name, takes._tag === "Searched" ? typeOf(takes.distribution) : "any")
  }
  const compiled = new Map<Field, Expression | undefined>()
  const expressionOf = (field: Field, result: "boolean" | "value"): Expression | undefined => {
    const text = texts.get(field)
    if (text === undefined) return undefined
    if (!compiled.has(field)) compiled.set(field, compileField(field, text, { variables, result }))
    return compiled.get(field)
  }

  const conditions = new Map<string, Expression>()
  const derivations = new Map<string, Expression>()
  const derived: Array<Derived> = []
  const byName = new Map<string, Dimension>()
  const order = sorted(raws).map(({ parameter }) => parameter)
  for (const parameter of order) {
    const { name, takes } = parameter
    const whens = parameter.when.map((field) => expressionOf(field, "boolean"))
    const all = whens.map((expression) => expression?.text ?? "")
    const when = all.length === 0 ? null : all.length === 1 ? all[0]! : all.map((text) => `(${text})`).join(" && ")
    if (when !== null && !whens.includes(undefined)) {
      const joined = compile(when, { variables, result: "boolean" })
      if (Result.isSuccess(joined)) conditions.set(name, joined.success)
    }
    if (takes._tag === "Searched") {
      byName.set(name, new Dimension({ name, distribution: takes.distribution, when, prior: takes.prior }))
    } else if (takes._tag === "Derived") {
      const expression = expressionOf(takes.derive, "value")
      if (expression === undefined) continue
      variables.set(name, expression.type)
      derivations.set(name, expression)
      derived.push(new Derived({ name, expression: expression.text, when }))
    }
  }

  const constraints: Array<Expression> = []
  for (const field of constraintsField?.list("a list of expressions") ?? []) {
    const text = expressionText(field)
    if (text === undefined) continue
    const expression = compileField(field, text, { variables, result: "boolean" })
    if (expression === undefined) continue
    if (expression.identifiers.length === 0) {
      field.report({ message: `the constraint \`${text}\` reads no parameter: it is the same for every trial` })
    } else constraints.push(expression)
  }

  const dimensions = parameters.flatMap(({ name }) => byName.get(name) ?? [])
  return {
    space: new SearchSpace({ dimensions, derived, constraints: constraints.map(({ text }) => text) }),
    groups,
    parameters,
    order: order.map(({ name }) => name),
    conditions,
    derivations,
    constraints,
  }
}

const expressionText = (field: Field): string | undefined => field.text("an expression in quotes")
