// Threshold: a trial ends when its value leaves the bounds a person set, or is no number. Owns that comparison.
import { type Resource, resourceAt } from "./Progress.ts"
import { neverPromotes, proceed, type Stopper } from "./Stopper.ts"

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
    const reason = Number.isNaN(value)
      ? "its value is not a number"
      : upper !== null && value > upper
        ? `${value} is above ${upper}`
        : lower !== null && value < lower
          ? `${value} is below ${lower}`
          : null
    if (reason === null) return proceed
    return action === "pause" ? { _tag: "Pause", reason } : { _tag: "Stop", reason }
  },
})
