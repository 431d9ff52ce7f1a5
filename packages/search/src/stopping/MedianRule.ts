// The median stopping rule (Golovin et al., "Google Vizier", 2017), for any percentile: a trial ends when its best value
// is worse than that percentile of the others at the same point. Owns that comparison.
import type { Goal } from "@sweep/domain/Metric"
import { lossAt, lossesAt, pointOf, type Reading, type Resource, resourceAt, valueOf } from "./Progress.ts"
import { end, neverPromotes, proceed, type Stopper } from "./Stopper.ts"

export interface MedianOptions {
  readonly resource: Resource
  /** Before this, nothing is ended. */
  readonly min_resource: number
  /** How many others must have reached the point. */
  readonly min_trials: number
  /** Of the losses, best first: 50 is the median, 25 lets only the best quarter continue. */
  readonly percentile: number
  readonly action: "stop" | "pause"
}

/** Between the values, as spreadsheets do. */
export const percentileOf = (sorted: ReadonlyArray<number>, percentile: number): number => {
  const at = ((sorted.length - 1) * percentile) / 100
  const low = sorted[Math.floor(at)]!
  const high = sorted[Math.ceil(at)]!
  return low === high ? low : low + (at - Math.floor(at)) * (high - low)
}

export const medianRule = (goal: Goal, options: MedianOptions): Stopper => ({
  promote: neverPromotes,
  decide: (_, curves, report) => {
    const { resource, min_resource, min_trials, percentile, action } = options
    const reading: Reading = { resource, goal, summary: "best" }
    const curve = curves.get(report.trial) ?? []
    const point = resourceAt(resource, curve, report)
    if (point === null || point < min_resource || point <= 0) return proceed
    const mine = lossAt(curve, point, reading)
    if (mine === null) return proceed
    const others = lossesAt(new Map(Array.from(curves).filter(([trial]) => trial !== report.trial)), point, reading)
    if (others.size < min_trials) return proceed
    const bar = percentileOf(
      Array.from(others.values()).sort((a, b) => a - b),
      percentile,
    )
    if (!(mine > bar)) return proceed
    const compared = {
      ...pointOf(resource, point),
      best: valueOf(goal, mine),
      trials: others.size,
      bar: valueOf(goal, bar),
    }
    return end(
      action,
      percentile === 50
        ? { _tag: "WorseThanMedian", ...compared }
        : { _tag: "WorseThanPercentile", percentile, ...compared },
    )
  },
})
