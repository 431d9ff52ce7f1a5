// Patience: a trial ends when its last values brought nothing new. Owns that count, in reported values of the metric.
import type { Goal } from "@sweep/domain/Metric"
import { lossOf, type Resource, resourceAt, valueOf } from "./Progress.ts"
import { end, neverPromotes, proceed, type Stopper } from "./Stopper.ts"

export interface PatienceOptions {
  readonly resource: Resource
  readonly min_resource: number
  /** So many values in a row without improvement. */
  readonly patience: number
  /** What counts as one: better than the best by more than this, in the metric's unit. */
  readonly min_delta: number
  readonly action: "stop" | "pause"
}

export const patience = (goal: Goal, options: PatienceOptions): Stopper => ({
  promote: neverPromotes,
  decide: (_, curves, report) => {
    const curve = (curves.get(report.trial) ?? []).filter(({ step }) => step <= report.step)
    const point = resourceAt(options.resource, curve, report)
    if (point === null || point < options.min_resource) return proceed
    let best = Infinity
    let since = 0
    for (const { value } of curve) {
      const loss = lossOf(goal, value)
      if (loss < best - options.min_delta || (best === Infinity && loss < Infinity)) {
        best = loss
        since = 0
      } else since++
    }
    if (since < options.patience) return proceed
    return end(options.action, { _tag: "NoImprovement", best: valueOf(goal, best), values: since })
  },
})
