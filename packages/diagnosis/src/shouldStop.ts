// Whether a running trial is ended for its verdict. Owns that decision alone; acting on it is the coordinator's. Harder
// to convince than the verdict: what has been ended cannot recover, as a good part of curves that look overfitted for an
// evaluation or two do (docs/verdicts.md has the figures).
import type { CurveFeatures } from "@sweep/domain/Curve"
import { overfitting, type Shape, shapeOf } from "./rules.ts"

/** The rule has to have held at so many evaluations in a row, of the same lowest one. */
const inARow = 3
/** So many times the steps to the lowest evaluation have gone by since. */
const patience = 1
/** The end is still at least this share of the highest rise above the lowest: nothing is being given back. */
const stillUp = 0.5

/** The features as they were when the trial had made its first `evals` evaluations. */
const asOf = (features: CurveFeatures, evals: number): CurveFeatures => ({
  ...features,
  steps: features.steps.slice(0, evals),
  evals: features.evals.slice(0, evals),
  train: features.train.slice(0, evals),
})

const isStillUp = ({ values, best, lowest }: Shape): boolean =>
  Math.min(...values.slice(-2)) - lowest >= stillUp * (Math.max(...values.slice(best)) - lowest)

/**
 * With `overfitting: {action: stop}` a trial ends that has overfitted for good: at three evaluations in a row, for as many
 * steps as it took to the lowest, and without a sign of coming back. Its best checkpoint is kept. A loss that is NaN or
 * infinite ends it at once; one that has blown up and is still a number does not: three of ten of those recovered. With
 * `flag`, nothing is stopped.
 */
export const shouldStop = (features: CurveFeatures, action: "flag" | "stop"): boolean => {
  if (action === "flag") return false
  if (features.nonFiniteStep !== null) return true
  const shape = shapeOf(features.steps, features.evals)
  const n = features.evals.length
  const [now, then] = [features.steps.at(-1) ?? 0, features.steps[shape.best] ?? 0]
  if (shape.after < inARow || now - then < patience * then || !isStillUp(shape)) return false
  return Array.from({ length: inARow }, (_, i) => asOf(features, n - i)).every(
    (seen) => overfitting(seen, shapeOf(seen.steps, seen.evals)).holds,
  )
}
