// What a trial's objective is, of everything it reported. Owns the choice by the metric's `summary` and the reason of a
// metric that never arrived.
import type { CurvePoint } from "@sweep/domain/Curve"
import { isBetter, type Metric } from "@sweep/domain/Metric"
import { nearestName } from "@sweep/domain/nearestName"
import type { PlainReason } from "@sweep/domain/Reason"

export interface Reported {
  /** The last value of every metric. */
  readonly summaries: ReadonlyArray<{ readonly metric: string; readonly last: number }>
  /** The curve of the sweep's metric, by growing step. */
  readonly points: ReadonlyArray<CurvePoint>
  /** The values of the trainer's last word, which stand in for a metric that has no curve. */
  readonly finished: Readonly<Record<string, number>>
}

export type Objective =
  | { readonly _tag: "Known"; readonly value: number }
  | { readonly _tag: "NotFinite"; readonly why: PlainReason }
  | { readonly _tag: "NeverArrived"; readonly why: PlainReason }

/** Names of other metrics that a reason tells. */
const mostNamed = 12

const neverArrived = (metric: string, arrived: ReadonlyArray<string>, help: string | null): PlainReason => {
  if (arrived.length === 0) return { _tag: "NothingReported", metric, help }
  const named = arrived.toSorted().slice(0, mostNamed)
  const more = arrived.length - named.length
  return {
    _tag: "MetricMissing",
    metric,
    arrived: named,
    more: more === 0 ? null : more,
    near: nearestName(metric, arrived) ?? null,
    help,
  }
}

/**
 * The best value of a curve. A value at step 0 is the untouched base model's, whatever the parameters: no checkpoint
 * of the trial has it, and it counts only when there is nothing else.
 */
const bestOf = (
  goal: Metric["goal"],
  points: ReadonlyArray<CurvePoint>,
  untrainedAtZero: boolean,
): number | undefined => {
  const trained = untrainedAtZero ? points.filter(({ step }) => step > 0) : points
  let best: number | undefined
  for (const { value } of trained.length > 0 ? trained : points) {
    if (best === undefined || (Number.isFinite(value) && (!Number.isFinite(best) || isBetter(goal, value, best)))) {
      best = value
    }
  }
  return best
}

export const objectiveOf = (
  { name, goal, summary }: Metric,
  { summaries, points, finished }: Reported,
  untrainedAtZero = true,
  /** The page that says how a metric is reported. */
  help: string | null = null,
): Objective => {
  const value = (summary === "last" ? points.at(-1)?.value : bestOf(goal, points, untrainedAtZero)) ?? finished[name]
  if (value === undefined) {
    const arrived = new Set([...summaries.map(({ metric }) => metric), ...Object.keys(finished)])
    return { _tag: "NeverArrived", why: neverArrived(name, Array.from(arrived), help) }
  }
  return Number.isFinite(value)
    ? { _tag: "Known", value }
    : { _tag: "NotFinite", why: { _tag: "MetricNotFinite", metric: name, value: String(value) } }
}

/** The last value of every metric as a fact holds it: `null` where it is not finite. */
export const lastValues = ({ summaries, finished }: Reported): Record<string, number | null> => {
  const values: Record<string, number | null> = {}
  for (const [name, value] of Object.entries(finished)) values[name] = Number.isFinite(value) ? value : null
  for (const { metric, last } of summaries) values[metric] = Number.isFinite(last) ? last : null
  return values
}
