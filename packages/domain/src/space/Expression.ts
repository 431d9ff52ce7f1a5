// Expressions of a sweep file (`when`, `derive`, `constraints`) in CEL, the Common Expression Language. Owns how they
// are compiled, checked and evaluated over a set of parameters, and the few functions sweeps add; where expressions
// stand in a file and what follows from their value is for its callers. Numbers are what they are in YAML and JSON: one
// kind, a double. `7 / 2` is 3.5 and `2 * rank`, `rank * 1.5`, `rank % 2 == 0` need no conversion, unlike in plain CEL
// with its int and double. Dotted names reach nested parameters: `optimizer.lr`.
import { type ASTNode, Environment, EvaluationError, ParseError, TypeError as CelTypeError } from "@marcbachmann/cel-js"
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { EvaluationRefused, matchLinearly, meter, withinLimit } from "./evaluationBudget.ts"
import type { Parameters, ParameterValue } from "./Parameter.ts"

/** What a parameter can be in an expression; `any` where its values are of several kinds. */
export type VariableType = "number" | "string" | "boolean" | "any"
export type Variables = ReadonlyMap<string, VariableType>

/** Why a text is no expression, or not one over these variables. */
export class ExpressionError extends Data.TaggedError("ExpressionError")<{
  readonly message: string
  /** Characters from the start of the text. */
  readonly offset: number
  /** The identifier nobody knows, when that is the reason. */
  readonly unknown: string | null
}> {}

/** The expression read a parameter that this trial does not have (its `when` is false). */
export class ParameterAbsent extends Data.TaggedError("ParameterAbsent")<{ readonly name: string }> {}

export class EvaluationFailed extends Data.TaggedError("EvaluationFailed")<{
  readonly message: string
  readonly offset: number
}> {}

export interface Expression {
  readonly text: string
  /** The parameters it reads, each once, in the order of the text. */
  readonly identifiers: ReadonlyArray<string>
  /** What it gives, as far as that is known before it is evaluated. */
  readonly type: VariableType
  readonly run: (scope: object) => unknown
  /** Of its tree. */
  readonly nodes: number
}

const celType = { number: "double", string: "string", boolean: "bool", any: "dyn" } as const

const environment = (unlistedVariablesAreDyn: boolean): Environment => {
  const env = new Environment({
    unlistedVariablesAreDyn,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 2_000, maxDepth: 64 },
  })
  // `int` remains for what CEL itself counts, such as size(); it mixes freely with doubles.
  for (const [left, right] of [
    ["int", "double"],
    ["double", "int"],
  ] as const) {
    env
      .registerOperator(`${left} + ${right}: double`, (a, b) => Number(a) + Number(b))
      .registerOperator(`${left} - ${right}: double`, (a, b) => Number(a) - Number(b))
      .registerOperator(`${left} * ${right}: double`, (a, b) => Number(a) * Number(b))
      .registerOperator(`${left} / ${right}: double`, (a, b) => Number(a) / Number(b))
      .registerOperator(`${left} % ${right}: double`, (a, b) => Number(a) % Number(b))
  }
  env
    .registerOperator("double % double: double", (a: number, b: number) => a % b)
    // The library mirrors it.
    .registerOperator("int == double: bool", (a, b) => Number(a) === Number(b))
  for (const name of ["abs", "ceil", "exp", "floor", "log", "log10", "log2", "round", "sqrt"] as const) {
    env.registerFunction(`${name}(double): double`, Math[name])
  }
  for (const name of ["max", "min", "pow"] as const) {
    env.registerFunction(`${name}(double, double): double`, Math[name])
  }
  return env
}

const untyped = environment(true)

const isNode = (value: unknown): value is ASTNode =>
  typeof value === "object" && value !== null && "op" in value && "args" in value

const children = (node: ASTNode): ReadonlyArray<ASTNode> => [node.args].flat(3).filter(isNode)

/** Macros that bind a variable of their own: `[8, 16].exists(r, r == rank)`. */
const binding = new Set(["all", "exists", "exists_one", "filter", "map"])

/** `a.b.c` or `a["b"]`, from the outermost node; `undefined` when it is no path of names. */
const pathOf = (node: ASTNode): string | undefined => {
  if (node.op === "id") return node.args
  if (node.op === ".") {
    const [object, key] = node.args
    const path = pathOf(object)
    return path === undefined ? undefined : `${path}.${key}`
  }
  if (node.op === "[]") {
    const [object, key] = node.args
    const path = pathOf(object)
    return path === undefined || key.op !== "value" || typeof key.args !== "string" ? undefined : `${path}.${key.args}`
  }
  return undefined
}

/** Every parameter read below `node`, with where. */
function* reads(
  node: ASTNode,
  bound: ReadonlySet<string> = new Set(),
): Generator<{ readonly name: string; readonly offset: number }> {
  const path = pathOf(node)
  if (path !== undefined) {
    if (!bound.has(path.split(".", 1)[0]!)) yield { name: path, offset: node.start }
    return
  }
  if (node.op === "rcall" && binding.has(node.args[0]) && node.args[2][0]?.op === "id") {
    const [, receiver, [variable, ...body]] = node.args
    yield* reads(receiver, bound)
    const inner = new Set([...bound, String(variable!.args)])
    for (const child of body) yield* reads(child, inner)
    return
  }
  for (const child of children(node)) yield* reads(child, bound)
}

/** Integer literals become doubles, except where CEL counts with them: an index, an argument of a string's method. */
const widen = (node: ASTNode): void => {
  for (const child of children(node)) {
    if (child.op === "value" && typeof child.args === "bigint") {
      const counts = node.op === "rcall" || (node.op === "[]" && node.args[1] === child)
      if (!counts) Object.assign(child, { args: Number(child.args) })
    } else widen(child)
  }
}

function* nodesOf(node: ASTNode): Generator<ASTNode> {
  yield node
  for (const child of children(node)) yield* nodesOf(child)
}

/** Whether something in it may be evaluated more than once, or twice as large as what it is made of. */
const loops = (node: ASTNode): boolean => node.op === "rcall" && (binding.has(node.args[0]) || node.args[0] === "bind")

const parse = (env: Environment, text: string) => {
  // A root that is a literal has no parent to be widened by; its value is converted when it is evaluated.
  const parsed = env.parse(text)
  widen(parsed.ast)
  const nodes = Array.from(nodesOf(parsed.ast))
  for (const node of nodes) {
    if (node.op === "rcall" && node.args[0] === "matches") matchLinearly(node, node.args[1], node.args[2][0]!)
  }
  // Without a loop, an evaluation visits every node once at most.
  if (nodes.some(loops)) for (const node of nodes) meter(node)
  return Object.assign(parsed, { nodes: nodes.length })
}

const kinds: Readonly<Record<string, string>> = {
  double: "a number",
  int: "a number",
  uint: "a number",
  string: "text",
  bool: "true/false",
  null: "null",
  dyn: "a value",
}
const kind = (name: string): string => {
  const type = (/^dyn<(.+)>$/.exec(name)?.[1] ?? name).replace(/<.*/, "")
  return kinds[type] ?? (type.startsWith("$") ? "a group of parameters" : `a ${type}`)
}

const tokens: Readonly<Record<string, string>> = {
  RPAREN: "`)`",
  RBRACKET: "`]`",
  RBRACE: "`}`",
  COLON: "`:`",
  IDENTIFIER: "a name",
}

/** The library's message in the words of a sweep file. */
const explain = (error: ParseError | CelTypeError | EvaluationError): string => {
  const overload = /^no such overload: (\S+) (\S+) (\S+)$/.exec(error.summary)
  if (overload !== null) {
    const [, left, operator, right] = overload
    return `\`${operator}\` cannot be applied to ${kind(left!)} and ${kind(right!)}`
  }
  const bool = /^(Logical operator|Ternary condition).*got '(.+)'$/.exec(error.summary)
  if (bool !== null) {
    const what =
      bool[1] === "Logical operator" ? "`&&` and `||` join conditions" : "what stands before `?` is a condition"
    return `${what}, which are true or false; this one is ${kind(bool[2]!)}`
  }
  const call = /^found no matching overload for '(?:.+\.)?(\w+)\((.*)\)'$/.exec(error.summary)
  if (call !== null) {
    const [, name, types] = call
    return `there is no function \`${name}\` of ${types === "" ? "nothing" : types!.split(", ").map(kind).join(" and ")}`
  }
  const token = /^Expected (\w+), got (\w+)$/.exec(error.summary)
  if (token !== null) {
    const [, expected, got] = token
    return `${tokens[expected!] ?? expected!.toLowerCase()} is missing${got === "EOF" ? " at the end" : ""}`
  }
  if (error.code === "unexpected_token" && error.summary.endsWith("EOF")) return "the expression ends too early"
  if (error.code === "unexpected_character" && error.summary.endsWith(": ="))
    return "`=` is no operator; compare with `==`"
  if (error.code === "reserved_identifier") return `${error.summary.replace(/^.*: /, "")} is a reserved word of CEL`
  return error.summary.charAt(0).toLowerCase() + error.summary.slice(1)
}

const isCelError = (error: unknown): error is ParseError | CelTypeError | EvaluationError =>
  error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError

const typeNames: Readonly<Record<string, VariableType>> = {
  double: "number",
  int: "number",
  uint: "number",
  string: "string",
  bool: "boolean",
}

/** The nested object whose paths are the dotted names. */
const nest = (entries: Iterable<readonly [string, unknown]>): Record<string, unknown> => {
  const root: Record<string, unknown> = {}
  for (const [name, value] of entries) {
    const keys = name.split(".")
    let at = root
    for (const key of keys.slice(0, -1)) {
      const next = Object.hasOwn(at, key) ? at[key] : undefined
      at = (typeof next === "object" && next !== null ? next : (at[key] = {})) as Record<string, unknown>
    }
    at[keys.at(-1)!] = value
  }
  return root
}

const declare = (variables: Variables, needed: ReadonlySet<string>): Environment => {
  const env = environment(false)
  const root = nest(Array.from(variables, ([name, type]) => [name, celType[type]] as const))
  for (const [name, type] of Object.entries(root)) {
    if (!needed.has(name)) continue
    if (typeof type === "string") env.registerVariable(name, type)
    else env.registerVariable({ name, schema: type as Record<string, string> })
  }
  return env
}

/**
 * The expression that `text` is. With `variables`, its identifiers have to be among them and it is type-checked; without,
 * only its syntax is. `result: "boolean"` asks for a condition.
 */
export const compile = (
  text: string,
  options: { readonly variables?: Variables; readonly result?: "boolean" | "value" } = {},
): Result.Result<Expression, ExpressionError> => {
  const failure = (message: string, offset = 0, unknown: string | null = null) =>
    Result.fail(new ExpressionError({ message, offset, unknown }))
  if (text.trim() === "") return failure("the expression is empty")
  try {
    const run = parse(untyped, text)
    const found = Array.from(reads(run.ast))
    const { variables } = options
    let checked = run.check()
    if (variables !== undefined) {
      const missing = found.find(({ name }) => !variables.has(name))
      if (missing !== undefined) {
        return failure(`unknown parameter \`${missing.name}\``, missing.offset, missing.name)
      }
      const needed = new Set(found.map(({ name }) => name.split(".", 1)[0]!))
      for (const name of needed) {
        if (untyped.hasVariable(name)) {
          return failure(`\`${name}\` is a word of CEL: a parameter of that name cannot stand in an expression`)
        }
      }
      checked = parse(declare(variables, needed), text).check()
    }
    if (!checked.valid) throw checked.error
    const celResult = checked.type ?? "dyn"
    const type = typeNames[celResult] ?? "any"
    if (options.result === "boolean" && type !== "boolean" && celResult !== "dyn") {
      return failure(`the condition gives ${kind(celResult)}; it has to give true or false`)
    }
    if (options.result === "value" && type === "any" && celResult !== "dyn" && celResult !== "null") {
      return failure(`the expression gives ${kind(celResult)}; a parameter is a number, text, true/false or null`)
    }
    return Result.succeed({
      text,
      identifiers: [...new Set(found.map(({ name }) => name))],
      type,
      run,
      nodes: run.nodes,
    })
  } catch (error) {
    // Anything else comes from a function the expression called: an invalid regular expression, say.
    return isCelError(error) ? failure(explain(error), error.range?.start ?? 0) : failure(String(error))
  }
}

const scopeOf = (parameters: Parameters): object => {
  for (const name in parameters) if (name.includes(".")) return nest(Object.entries(parameters))
  return parameters
}

/**
 * The value of `expression` for `parameters` (flat, with dotted names). Parameters that the trial does not have are
 * missing from them, not null: reading one gives `ParameterAbsent`, unless `&&` or `||` decides without it.
 */
export const evaluate = (
  expression: Expression,
  parameters: Parameters,
): Result.Result<ParameterValue, ParameterAbsent | EvaluationFailed> => {
  const failure = (message: string, offset = 0) => Result.fail(new EvaluationFailed({ message, offset }))
  let value: unknown
  try {
    value = withinLimit(expression.nodes, () => expression.run(scopeOf(parameters)))
  } catch (error) {
    if (error instanceof EvaluationRefused) return failure(error.message)
    const absent = expression.identifiers.find((name) => !Object.hasOwn(parameters, name))
    if (absent !== undefined) return Result.fail(new ParameterAbsent({ name: absent }))
    // Anything else comes from a function the expression called: an invalid regular expression, say.
    return isCelError(error) ? failure(explain(error), error.range?.start ?? 0) : failure(String(error))
  }
  if (typeof value === "bigint") value = Number(value)
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? Result.succeed(value) : failure(`the expression gives ${value}`)
    case "string":
    case "boolean":
      return Result.succeed(value)
    default:
      return value === null
        ? Result.succeed(null)
        : failure("the expression gives a list or a map; a parameter is a number, text, true/false or null")
  }
}

/**
 * Whether a condition is true. A condition that needs a parameter the trial does not have is `whenAbsent`: `false` for
 * `when` (what depends on an absent parameter is absent, too), `true` for a constraint (it says nothing of this trial).
 */
export const holds = (
  expression: Expression,
  parameters: Parameters,
  whenAbsent: boolean,
): Result.Result<boolean, EvaluationFailed> => {
  const value = evaluate(expression, parameters)
  if (Result.isSuccess(value)) {
    return typeof value.success === "boolean"
      ? Result.succeed(value.success)
      : Result.fail(
          new EvaluationFailed({
            message: `the condition gives ${JSON.stringify(value.success)}, not true or false`,
            offset: 0,
          }),
        )
  }
  return value.failure._tag === "ParameterAbsent" ? Result.succeed(whenAbsent) : Result.fail(value.failure)
}
