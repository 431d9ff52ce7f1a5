// What evaluating an expression may cost. An expression comes from whoever may submit a sweep, and a coordinator
// evaluates it thousands of times: without a limit, nested `map`s or one regular expression that backtracks would occupy
// it for ever. Owns counting, the limit, and regular expressions in time linear in the text (RE2).
import type { ASTNode } from "@marcbachmann/cel-js"
import { RE2JS } from "re2js"

/** Nodes of the expression's tree that one evaluation may visit, plus the characters and elements it makes: about 5 ms. */
export const evaluationLimit = 50_000
/** Characters of a regular expression. RE2 itself limits what repetitions in it may add up to. */
const longestPattern = 500
const keptPatterns = 64

/** Thrown when an evaluation costs more than it may, or a regular expression is none. The message is for the user. */
export class EvaluationRefused extends Error {}

let spent = 0
let limit = Number.POSITIVE_INFINITY

const spend = (units: number): void => {
  spent += units
  if (spent > limit) {
    throw new EvaluationRefused(
      `evaluating it takes more than ${evaluationLimit} steps, which is more than an expression may cost`,
    )
  }
}

/** Steps that all evaluations of this process have taken so far: a loop over evaluations compares two moments. */
export const stepsTaken = (): number => spent

/** Runs one evaluation of an expression of so many nodes within the limit. */
export const withinLimit = <A>(nodes: number, run: () => A): A => {
  spent += nodes
  limit = spent + evaluationLimit
  try {
    const value = run()
    // A quantifier swallows errors of its elements, this one among them.
    spend(0)
    return value
  } finally {
    limit = Number.POSITIVE_INFINITY
  }
}

const patterns = new Map<string, RE2JS>()

const compilePattern = (pattern: string): RE2JS => {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  if (pattern.length > longestPattern) {
    throw new EvaluationRefused(
      `a regular expression may have ${longestPattern} characters; this one has ${pattern.length}`,
    )
  }
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    throw new EvaluationRefused(
      `\`${pattern}\` is no regular expression of RE2 (which has no look-around and no back-references): ${(error as Error).message}`,
    )
  }
  if (patterns.size >= keptPatterns) patterns.delete(patterns.keys().next().value!)
  patterns.set(pattern, compiled)
  return compiled
}

/** What the library's types leave out: how a node is evaluated, which the node replaces by a faster way when it is first run. */
type Evaluate = (
  evaluator: { readonly run: (node: ASTNode, context: unknown) => unknown },
  node: ASTNode,
  context: unknown,
) => unknown

/** Puts `around` in the place of how the node is evaluated, also once the library has chosen a faster way for it. */
const wrap = (node: ASTNode, around: (inner: Evaluate) => Evaluate): void => {
  let inner = (node as ASTNode & { readonly evaluate: Evaluate }).evaluate
  const wrapped = around((evaluator, ast, context) => inner.call(node, evaluator, ast, context))
  Object.defineProperty(node, "evaluate", {
    get: () => wrapped,
    set: (chosen: Evaluate) => {
      inner = chosen
    },
  })
}

const sizeOf = (value: unknown): number => (typeof value === "string" || Array.isArray(value) ? value.length : 0)

/** Counts every visit of the node, and the size of what it makes. */
export const meter = (node: ASTNode): void =>
  wrap(node, (inner) => (evaluator, ast, context) => {
    spend(1)
    const value = inner(evaluator, ast, context)
    spend(sizeOf(value))
    return value
  })

/** `text.matches(pattern)`, found anywhere in the text as in CEL, without backtracking. */
export const matchLinearly = (node: ASTNode, text: ASTNode, pattern: ASTNode): void =>
  wrap(node, (inner) => (evaluator, ast, context) => {
    const subject = evaluator.run(text, context)
    const expression = evaluator.run(pattern, context)
    // The library's own message for what is no text.
    if (typeof subject !== "string" || typeof expression !== "string") return inner(evaluator, ast, context)
    spend(subject.length + expression.length)
    return compilePattern(expression).matcher(subject).find()
  })

/** Whether `pattern` is all of `text`. Throws `EvaluationRefused` when RE2 does not know such an expression. */
export const matchesWhole = (pattern: string, text: string): boolean => compilePattern(pattern).matches(text)
