// Threshold: a trial ends when its value leaves the bounds a person set, or is no number. Owns that comparison.
import { type Resource, resourceAt } from "./Progress.ts"
import { end, neverPromotes, proceed, type Stopper } from "./Stopper.ts"

export interface ThresholdOptions {
  readonly resource: Resource
  readonly min_resource: number
  readonly lower: number | null
  readonly upper: number | null
  readonly action: "stop" | "pause"
}

export const threshold = ({ resource, min_resource, lower, upper, action }: ThresholdOptions): Stopper => ({
  promote: neverPromotes,
  decide: (_, curves, report) => {
    const point = resourceAt(resource, curves.get(report.trial) ?? [], report)
    if (point === null || point < min_resource) return proceed
    const { value } = report
    if (Number.isNaN(value)) return end(action, { _tag: "NotANumber" })
    const reported = Number.isFinite(value) ? value : null
    if (upper !== null && value > upper) return end(action, { _tag: "AboveBound", value: reported, bound: upper })
    if (lower !== null && value < lower) return end(action, { _tag: "BelowBound", value: reported, bound: lower })
    return proceed
  },
})
