// `outcome_constraints`: limits on what trials report, each as text (`eval/loss <= 1.3`). Owns their grammar, which is not that
// of expressions: a metric's name may hold `/`, which an expression divides by. What a trial is made of stands under
// `constraints` and is checked before it runs; what is reported here is known only after.
import { Comparison, OutcomeConstraint } from "@sweep/domain/OutcomeConstraint"
import type { Field } from "../parse/Field.ts"

const form = /^\s*([^\s<>=!]+)\s*(<=|>=|<|>|==|!=|=)\s*(\S.*?)\s*$/u
const expected = 'a metric, `<=`, `<`, `>=` or `>`, and a number, such as "eval/loss <= 1.3"'

/** Whether an expression that failed looks like one of these: its metric is no parameter. */
export const isOutcome = (text: string, parameters: ReadonlyArray<string>): boolean => {
  const found = form.exec(text)
  return (
    found !== null &&
    (Comparison.literals as ReadonlyArray<string>).includes(found[2]!) &&
    Number.isFinite(Number(found[3])) &&
    found[1]!.includes("/") &&
    !found[1]!.split("/").some((part) => parameters.includes(part))
  )
}

const readOne = (field: Field, parameters: ReadonlyArray<string>): OutcomeConstraint | undefined => {
  const text = field.text(expected)
  if (text === undefined) return undefined
  const found = form.exec(text)
  if (found === null)
    return field.report({ message: `\`${text}\` is no constraint on an outcome`, found: text, expected })
  const [, metric, comparison, limitText] = found
  const limit = Number(limitText)
  if (!(Comparison.literals as ReadonlyArray<string>).includes(comparison!)) {
    return field.report({
      message: `\`${comparison}\` is no limit: a value that is measured hardly ever equals another one`,
      found: text,
      expected,
    })
  }
  if (parameters.includes(metric!)) {
    return field.report({
      message: `\`${metric}\` is a parameter, and not what a trial reports`,
      found: text,
      expected: "the name of a metric",
      hint: `constraints on parameters go under \`constraints: ["${text}"]\`, and no trial is made that breaks them`,
    })
  }
  if (limitText === "" || !Number.isFinite(limit)) {
    return field.report({
      message: `the limit of \`${metric}\` is \`${limitText}\`, which is no number`,
      found: text,
      expected,
      hint: "units are those in which the metric is reported",
    })
  }
  return new OutcomeConstraint({ metric: metric!, comparison: comparison as Comparison, limit })
}

/** `undefined` with mistakes. */
export const readOutcomes = (
  field: Field,
  parameters: ReadonlyArray<string>,
): ReadonlyArray<OutcomeConstraint> | undefined => {
  const items = field.node.kind === "scalar" ? [field] : (field.list("a list of constraints on outcomes") ?? [])
  const read = items.map((item) => readOne(item, parameters))
  if (read.includes(undefined)) return undefined
  const constraints = read as ReadonlyArray<OutcomeConstraint>
  for (const [i, { metric, comparison, limit }] of constraints.entries()) {
    const upper = comparison.startsWith("<")
    const against = constraints.find(
      (other) => other.metric === metric && upper && other.comparison.startsWith(">") && other.limit > limit,
    )
    if (against !== undefined) {
      items[i]!.report({
        message: `nothing keeps both \`${metric} ${comparison} ${limit}\` and \`${metric} ${against.comparison} ${against.limit}\``,
      })
    }
    if (
      constraints.findIndex((other) => other.metric === metric && other.comparison.startsWith(upper ? "<" : ">")) < i
    ) {
      items[i]!.report({
        message: `\`${metric}\` has two ${upper ? "upper" : "lower"} limits`,
        expected: "one of them",
      })
    }
  }
  return constraints
}
