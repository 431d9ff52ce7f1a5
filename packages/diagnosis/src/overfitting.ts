// The three criteria of overfitting, each measured on a trial's curve features. Owns the numbers and thresholds; what
// follows from them is diagnose's work. Prechelt, "Early Stopping – But When?" (1998), for GL and UP; the thresholds are
// the ones he recommends where a source is named, and otherwise ours, checked by the simulation in the tests.
import type { CurveFeatures } from "@sweep/domain/Curve"
import { Evidence } from "@sweep/domain/Verdict"
import { nats, percent } from "./numbers.ts"

/** GL above which an eval counts as worse, in per cent of the best (Prechelt 1998, the middle class α = 2). */
const generalizationLossLimit = 2
/** How many evals in a row have to be above it: one bad eval is noise. */
const generalizationLossEvals = 2
/** UP_s: so many evals in a row each higher than the one before (Prechelt 1998, s = 3). */
const increasesLimit = 3
/** Over so many evals the gap between eval and train loss has to grow. */
const gapEvals = 3
/**
 * Rises and gaps smaller than this, in per cent of the best eval loss, are noise: four evals of a flat curve lie in
 * rising order once in 24 times. Ours.
 */
const leastRise = 0.5

/** GL > 2 at two evals in a row. */
const generalizationLoss = ({ bestStep, generalizationLoss: losses }: CurveFeatures): Evidence => {
  const recent = losses.slice(-generalizationLossEvals)
  const value = recent.length < generalizationLossEvals ? 0 : Math.min(...recent)
  const last = losses.at(-1) ?? 0
  const where =
    losses.length === 0
      ? "the last eval loss is the lowest"
      : `the last eval loss is ${percent(last)} above the lowest, of step ${bestStep}`
  return new Evidence({
    criterion: "generalization-loss",
    statement:
      `${where}; ` +
      (value > generalizationLossLimit
        ? `the last ${generalizationLossEvals} are all more than ${percent(generalizationLossLimit)} above`
        : `the last ${generalizationLossEvals} would have to be more than ${percent(generalizationLossLimit)} above`),
    value,
    threshold: generalizationLossLimit,
    holds: value > generalizationLossLimit,
  })
}

/** UP_3, of a rise that is more than noise. */
const consecutiveIncreases = (features: CurveFeatures): Evidence => {
  const { consecutiveIncreases: value } = features
  const last = features.generalizationLoss.at(-1) ?? 0
  const holds = value >= increasesLimit && last > leastRise
  const times = value === 1 ? "once" : `${value} times in a row`
  return new Evidence({
    criterion: "consecutive-increases",
    statement:
      value === 0
        ? "the eval loss did not rise at the last eval"
        : `the eval loss rose ${times} up to the last eval` +
          (value >= increasesLimit && !holds ? `, but by less than ${percent(leastRise)} in all` : ""),
    value,
    threshold: increasesLimit,
    holds,
  })
}

interface Moment {
  readonly train: number
  readonly gap: number
  readonly evalsAgo: number
}

/** The eval to compare the last one with: `gapEvals` back, or the best one where that is nearer. */
const reference = (features: CurveFeatures): Moment | undefined => {
  const { bestEval, trainAtBest, gaps, generalizationLoss: losses } = features
  if (bestEval === null) return undefined
  const after = Math.min(losses.length, gaps.length)
  if (after === 0) return undefined
  const at = (evalsAgo: number): Moment => {
    const gap = gaps.at(-1 - evalsAgo)!
    return { gap, train: bestEval * (1 + losses.at(-1 - evalsAgo)! / 100) - gap, evalsAgo }
  }
  if (after > gapEvals) return at(gapEvals)
  if (trainAtBest !== null) return { gap: bestEval - trainAtBest, train: trainAtBest, evalsAgo: losses.length }
  return after < 2 ? undefined : at(after - 1)
}

/** The train loss falls while eval − train grows. */
const wideningGap = (features: CurveFeatures): Evidence => {
  const { bestEval, trainAtLast, gaps } = features
  const before = reference(features)
  const threshold = (leastRise / 100) * (bestEval ?? 0)
  if (before === undefined || before.evalsAgo < 2 || trainAtLast === null) {
    return new Evidence({
      criterion: "widening-gap",
      statement: "no train loss to compare with over two evals since the lowest eval loss",
      value: 0,
      threshold,
      holds: false,
    })
  }
  const gap = gaps.at(-1)!
  const value = gap - before.gap
  return new Evidence({
    criterion: "widening-gap",
    statement:
      `over the last ${before.evalsAgo} evals the train loss went from ${nats(before.train)} to ${nats(trainAtLast)} ` +
      `and the gap to the eval loss from ${nats(before.gap)} to ${nats(gap)}`,
    value,
    threshold,
    holds: trainAtLast < before.train && value > threshold,
  })
}

/** All three; overfitting is any two of them. */
export const overfittingEvidence = (features: CurveFeatures): ReadonlyArray<Evidence> => [
  generalizationLoss(features),
  consecutiveIncreases(features),
  wideningGap(features),
]
