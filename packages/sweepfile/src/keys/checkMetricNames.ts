// That the PEFT trainer will report the metrics a sweep is judged by: a misspelt one would leave every trial without a
// result. A trainer of one's own reports what it likes.
import type { Metric } from "@sweep/domain/Metric"
import type { OutcomeConstraint } from "@sweep/domain/OutcomeConstraint"
import { didYouMean, type Field, type Fields, oneOf } from "../parse/Field.ts"

const reported = [
  "eval/loss",
  "eval/perplexity",
  "eval/token_accuracy",
  "eval/best_loss",
  "eval/best_step",
  "train/loss",
  "train/learning_rate",
  "train/grad_norm",
  "train/tokens_per_second",
]

/** Said once, when a trial has ended: fit for a limit, and no curve to rank trials by. */
const atTheEnd = ["memory/device_gib", "memory/host_gib"]

/** `taskMetrics`: the names of those that the file adds, without `eval/`. */
export const checkMetricNames = (
  top: Fields,
  metrics: ReadonlyArray<Metric>,
  taskMetrics: ReadonlyArray<string>,
): void => {
  const known = [...reported, ...taskMetrics.map((name) => `eval/${name}`)]
  const one = top.get("metric")
  const fields: ReadonlyArray<Field> = one === undefined ? (top.get("metrics")?.list("") ?? []) : [one]
  for (const [i, { name }] of metrics.entries()) {
    if (known.includes(name)) continue
    const field = fields[i]
    field?.report({
      message: `the PEFT trainer reports no metric \`${name}\``,
      expected: oneOf(known),
      hint: didYouMean(name, known) ?? "other metrics of answers come from `task_metrics`",
    })
  }
}

/** The same for `outcome_constraints`: a misspelt metric would leave no trial feasible. */
export const checkOutcomeNames = (
  field: Field,
  outcomes: ReadonlyArray<OutcomeConstraint>,
  taskMetrics: ReadonlyArray<string>,
): void => {
  const known = [...reported, ...atTheEnd, ...taskMetrics.map((name) => `eval/${name}`)]
  const items = field.node.kind === "scalar" ? [field] : (field.list("") ?? [])
  for (const [i, { metric }] of outcomes.entries()) {
    if (known.includes(metric)) continue
    items[i]?.report({
      message: `the PEFT trainer reports no metric \`${metric}\``,
      expected: oneOf(known),
      hint: didYouMean(metric, known) ?? "other metrics of answers come from `task_metrics`",
    })
  }
}
