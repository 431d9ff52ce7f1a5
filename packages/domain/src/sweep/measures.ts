// How answers are measured beside what trials are ranked by: the task metrics of a sweep and its further objectives. Owns which
// these are and which way is better; what is said of them is the diagnosis'.
import type { Goal } from "../space/Metric.ts"
import { lossNames } from "../trial/Curve.ts"
import { builtInTaskMetrics, type SweepSpec } from "./SweepSpec.ts"

export interface Measure {
  readonly name: string
  readonly goal: Goal
}

type Measured = Pick<SweepSpec, "metric" | "metrics" | "taskMetrics">

const reportedAs = (metric: string): string => `eval/${metric.slice(metric.lastIndexOf(":") + 1)}`

/**
 * Without the metric that trials are ranked by. A function of the user's counts only where `metrics` says which way is
 * better.
 */
export const measuresOf = ({ metric, metrics = [], taskMetrics }: Measured): ReadonlyArray<Measure> => {
  const further = metrics.filter(({ name }) => name !== metric.name).map(({ name, goal }) => ({ name, goal }))
  const builtIn = (taskMetrics?.metrics ?? [])
    .filter((name) => (builtInTaskMetrics as ReadonlyArray<string>).includes(name))
    .map((name) => ({ name: reportedAs(name), goal: "maximize" as const }))
  return [
    ...further,
    ...builtIn.filter(({ name }) => name !== metric.name && !further.some((one) => one.name === name)),
  ]
}

/**
 * The metric whose course tells of the answers: what trials are ranked by, or where that is the eval loss, the first
 * measure of answers beside it. A further objective is one where it is a task metric; latency is not.
 */
export const answersMetric = (spec: Measured): Measure => {
  if (!lossNames(spec.metric.name).isEvalLoss) return spec.metric
  const ofTask = new Set((spec.taskMetrics?.metrics ?? []).map(reportedAs))
  return measuresOf(spec).find(({ name }) => ofTask.has(name)) ?? spec.metric
}
