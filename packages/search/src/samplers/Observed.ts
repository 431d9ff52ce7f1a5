// The history as the models read it: encoded points with a loss to minimise. Owns this translation and its cache: rows
// are kept from one call to the next as long as the history continues like the one before, and give the same answer when
// it does not.
import type { Metric } from "@sweep/domain/Metric"
import { type OutcomeConstraint, violationOf } from "@sweep/domain/OutcomeConstraint"
import type { Parameters } from "@sweep/domain/Parameter"
import type { History, Observation } from "../space/History.ts"
import type { Space } from "../space/Space.ts"

export interface Observed {
  /** Encoded, one per observation; cancelled ones have a row, too. */
  readonly rows: ReadonlyArray<Float64Array>
  /** Smaller is better: a finite number where there is an objective, +∞ for a failure and for what does not fit, NaN while open or when cancelled. */
  readonly losses: Float64Array
  /**
   * For what only ranks trials: losses, with what breaks constraints on outcomes behind everything that keeps them, the nearer
   * one first (Deb, "An Efficient Constraint Handling Method for Genetic Algorithms", 2000).
   */
  readonly ranked: Float64Array
  /** How far beyond the constraints each one is that has an objective; 0: it keeps them. */
  readonly violations: Float64Array
  /** Indices with a finite loss, in the order of the history. */
  readonly finished: ReadonlyArray<number>
  readonly failed: ReadonlyArray<number>
  /** Those that need more memory than there is; their loss is +∞, too. */
  readonly infeasible: ReadonlyArray<number>
  readonly open: ReadonlyArray<number>
  /** Rows [0, kept) are the very ones of the call before. */
  readonly kept: number
}

/** Beyond any loss there is. */
const infeasible = 1e300

export const reportedBy =
  ({ objective, values }: Observation, { name }: Metric) =>
  (metric: string): number | null =>
    metric === name ? objective : (values[metric] ?? null)

export const observed = (
  space: Space,
  metric: Metric,
  outcomes: ReadonlyArray<OutcomeConstraint> = [],
): ((history: History) => Observed) => {
  let known: Array<Parameters> = []
  let rows: Array<Float64Array> = []
  const sign = metric.goal === "minimize" ? 1 : -1
  return (history) => {
    let kept = 0
    const limit = Math.min(known.length, history.length)
    while (kept < limit && known[kept] === history[kept]!.parameters) kept++
    if (kept < known.length) {
      known = known.slice(0, kept)
      rows = rows.slice(0, kept)
    }
    for (let i = kept; i < history.length; i++) {
      known.push(history[i]!.parameters)
      rows.push(space.encode(history[i]!.parameters))
    }
    const losses = new Float64Array(history.length)
    const finished: Array<number> = []
    const failed: Array<number> = []
    const tooLarge: Array<number> = []
    const open: Array<number> = []
    for (let i = 0; i < history.length; i++) {
      const { outcome, objective } = history[i]!
      if (outcome === "open" || outcome === "cancelled") {
        losses[i] = Number.NaN
        if (outcome === "open") open.push(i)
      } else if (outcome === "infeasible") {
        losses[i] = Infinity
        tooLarge.push(i)
      } else if (outcome === "failed" || objective === null || !Number.isFinite(objective)) {
        losses[i] = Infinity
        failed.push(i)
      } else {
        losses[i] = sign * objective
        finished.push(i)
      }
    }
    const violations = new Float64Array(history.length)
    let ranked = losses
    if (outcomes.length > 0) {
      ranked = Float64Array.from(losses)
      for (const i of finished) {
        const violation = violationOf(outcomes, reportedBy(history[i]!, metric))
        violations[i] = violation
        if (violation > 0) ranked[i] = infeasible * (1 + (violation === Infinity ? 1 : violation / (1 + violation)))
      }
    }
    return { rows, losses, ranked, violations, finished, failed, infeasible: tooLarge, open, kept }
  }
}
