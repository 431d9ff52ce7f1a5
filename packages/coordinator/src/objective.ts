// What a trial's objective is, of everything it reported. Owns the choice by the metric's `summary` and the words for a
// metric that never arrived.
import type { Metric } from "@sweep/domain/Metric"
import { nearestName } from "@sweep/domain/nearestName"

/** The last and the extreme values of one metric of a trial. */
export interface MetricSummary {
  readonly metric: string
  readonly step: number
  readonly last: number
  readonly min: number
  readonly max: number
}

export type Objective =
  | { readonly _tag: "Known"; readonly value: number }
  | { readonly _tag: "NotFinite"; readonly message: string }
  | { readonly _tag: "NeverArrived"; readonly message: string }

const list = (names: ReadonlyArray<string>): string => {
  const shown = names.slice(0, 12).map((name) => `\`${name}\``)
  return names.length > shown.length ? `${shown.join(", ")} and ${names.length - shown.length} more` : shown.join(", ")
}

const neverArrived = (name: string, arrived: ReadonlyArray<string>): string => {
  const sentence = `the metric \`${name}\` never arrived`
  if (arrived.length === 0) return `${sentence}, nor did any other: the trainer reported nothing`
  const near = nearestName(name, arrived)
  return `${sentence}; what did: ${list([...arrived].sort())}${near === undefined ? "" : `. Did you mean \`${near}\`?`}`
}

/** `finished` holds the values of the trainer's last word, which stand in for a metric that has no curve. */
export const objectiveOf = (
  { name, goal, summary }: Metric,
  summaries: ReadonlyArray<MetricSummary>,
  finished: Readonly<Record<string, number>>,
): Objective => {
  const curve = summaries.find(({ metric }) => metric === name)
  const value =
    curve === undefined ? finished[name] : summary === "last" ? curve.last : goal === "minimize" ? curve.min : curve.max
  if (value === undefined) {
    const arrived = new Set([...summaries.map(({ metric }) => metric), ...Object.keys(finished)])
    return { _tag: "NeverArrived", message: neverArrived(name, Array.from(arrived)) }
  }
  return Number.isFinite(value)
    ? { _tag: "Known", value }
    : { _tag: "NotFinite", message: `the metric \`${name}\` was ${value}` }
}

/** The last value of every metric as a fact holds it: `null` where it is not finite. */
export const lastValues = (
  summaries: ReadonlyArray<MetricSummary>,
  finished: Readonly<Record<string, number>>,
): Record<string, number | null> => {
  const values: Record<string, number | null> = {}
  for (const [name, value] of Object.entries(finished)) values[name] = Number.isFinite(value) ? value : null
  for (const { metric, last } of summaries) values[metric] = Number.isFinite(last) ? last : null
  return values
}
