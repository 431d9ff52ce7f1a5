// Whether a verdict on a running trial is certain: what has been ended for it cannot recover, as a good part of curves do
// that look overfitted for an evaluation or two (docs/verdicts.md has the figures). Owns that judgement, which is harder to
// convince than the verdict's rule. Pure.
import type { CurveFeatures } from "@sweep/domain/Curve"
import { overfitting, type Shape, shapeOf } from "./rules.ts"
import { highestOf } from "./scatter.ts"

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
  Math.min(...values.slice(-2)) - lowest >= stillUp * (highestOf(values.slice(best)) - lowest)

/**
 * Overfitted for good: at three evaluations in a row, for as many steps as it took to the lowest, and without a sign of
 * coming back. A loss that is NaN or infinite is certain at once; one that has blown up and is still a number is not: three
 * of ten of those recovered.
 */
export const isCertain = (features: CurveFeatures): boolean => {
  if (features.nonFiniteStep !== null) return true
  const shape = shapeOf(features.steps, features.evals)
  const n = features.evals.length
  const [now, then] = [features.steps.at(-1) ?? 0, features.steps[shape.best] ?? 0]
  if (shape.after < inARow || now - then < patience * then || !isStillUp(shape)) return false
  return Array.from({ length: inARow }, (_, i) => asOf(features, n - i)).every(
    (seen) => overfitting(seen, shapeOf(seen.steps, seen.evals)).holds,
  )
}
