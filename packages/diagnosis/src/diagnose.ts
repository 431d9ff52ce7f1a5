// From a trial's curve features to a verdict. Owns the rules and their order: what cannot be judged and what is broken
// come first, overfitting before the milder findings, healthy last. Pure; the words of advice are in advice.ts.
//
//   diverged       a loss is not finite, or eval and train loss are both far above where they started
//   inconclusive   too few evals for any of the following
//   overfitting    two of the three criteria in overfitting.ts hold
//   plateaued      no new lowest eval loss for long, though nothing got worse
//   underfitting   the trial is over and learned little, train and eval loss alike
//   healthy        none of these
import type { CurveFeatures } from "@sweep/domain/Curve"
import { Evidence, Verdict, type VerdictKind } from "@sweep/domain/Verdict"
import { adviceFor } from "./advice.ts"
import type { DiagnosisContext } from "./DiagnosisContext.ts"
import { nats, percent } from "./numbers.ts"
import { overfittingEvidence } from "./overfitting.ts"

/** Fewer evals than this say nothing: UP_3 alone needs four, GL at two evals three. Ours. */
export const leastEvals = 3
/** Both losses above this multiple of where they were: the optimiser left the road. Ours. */
const explosion = 1.5
/** Evals without a new lowest one after which a curve is flat. Ours: with two evals an epoch, two epochs. */
const plateauEvals = 4
/** Less progress than this, in per cent of the first eval loss, is little. Ours. */
const littleProgress = 5
/** This many per cent above the sweep's lowest eval loss is far behind. Ours. */
const farBehind = 25
/** A gap below this share of the eval loss says that train and eval loss are alike, in per cent. Ours. */
const smallGap = 10

const evidence = (criterion: string, statement: string, value: number, threshold: number, holds: boolean): Evidence =>
  new Evidence({ criterion, statement, value, threshold, holds })

const divergence = (features: CurveFeatures): ReadonlyArray<Evidence> => {
  const { firstEval, lastEval, trainAtBest, trainAtLast, nonFinite } = features
  const found = [
    evidence(
      "non-finite",
      nonFinite ? "a train or eval loss was NaN or infinite" : "every loss is finite",
      nonFinite ? 1 : 0,
      0,
      nonFinite,
    ),
  ]
  if (firstEval !== null && lastEval !== null && firstEval > 0) {
    const ratio = lastEval / firstEval
    const trainRose =
      trainAtLast !== null &&
      (trainAtBest === null ? trainAtLast > firstEval * explosion : trainAtLast > trainAtBest * explosion)
    if (ratio > explosion) {
      found.push(
        evidence(
          "loss-explosion",
          `the eval loss went from ${nats(firstEval)} to ${nats(lastEval)}` +
            (trainRose ? ", and the train loss rose with it" : "; the train loss did not rise with it"),
          ratio,
          explosion,
          trainRose,
        ),
      )
    }
  }
  return found
}

const plateau = ({ bestStep, bestEval, generalizationLoss: losses }: CurveFeatures): Evidence =>
  evidence(
    "evals-without-improvement",
    losses.length === 0
      ? "the last eval loss is the lowest so far"
      : `${losses.length >= 8 ? "8 or more" : losses.length} evals since the lowest eval loss of ${nats(bestEval ?? 0)} at step ${bestStep}`,
    losses.length,
    plateauEvals,
    losses.length >= plateauEvals,
  )

const underfit = (features: CurveFeatures, sweepBest: number | null): ReadonlyArray<Evidence> => {
  const { firstEval, bestEval, gaps } = features
  const gap = gaps.at(-1)
  if (firstEval === null || bestEval === null || firstEval <= 0 || bestEval <= 0) return []
  const progress = 100 * (1 - bestEval / firstEval)
  const behind = sweepBest === null || sweepBest <= 0 ? 0 : 100 * (bestEval / sweepBest - 1)
  const found = [
    evidence(
      "progress",
      `the eval loss fell by ${percent(progress)}, from ${nats(firstEval)} to ${nats(bestEval)}`,
      progress,
      littleProgress,
      progress < littleProgress,
    ),
  ]
  if (sweepBest !== null) {
    found.push(
      evidence(
        "behind-the-sweep",
        behind <= 0
          ? "no trial of the sweep has a lower eval loss"
          : `its lowest eval loss is ${percent(behind)} above the sweep's lowest, ${nats(sweepBest)}`,
        behind,
        farBehind,
        behind > farBehind,
      ),
    )
  }
  if (gap !== undefined) {
    const share = (100 * gap) / bestEval
    found.push(
      evidence(
        "small-gap",
        `the eval loss is ${nats(gap)} ${gap < 0 ? "below" : "above"} the train loss at the end`.replace("-", ""),
        share,
        smallGap,
        share < smallGap,
      ),
    )
  }
  return found
}

const holds = (list: ReadonlyArray<Evidence>, criterion: string): boolean =>
  list.some((one) => one.criterion === criterion && one.holds)

/** What is to be said of a trial with these curves. */
export const diagnose = (features: CurveFeatures, context: DiagnosisContext): Verdict => {
  const verdict = (kind: VerdictKind, sinceStep: number | null, found: ReadonlyArray<Evidence>): Verdict =>
    new Verdict({ kind, sinceStep, evidence: found, advice: adviceFor(kind, features, context) })

  const diverged = divergence(features)
  if (diverged.some((one) => one.holds))
    return verdict(
      "diverged",
      features.bestStep,
      diverged.filter((one) => one.holds),
    )

  if (features.evals < leastEvals) {
    const needed = evidence(
      "evals",
      `${features.evals === 1 ? "1 eval" : `${features.evals} evals`} so far; a verdict needs ${leastEvals}`,
      features.evals,
      leastEvals,
      false,
    )
    return verdict("inconclusive", null, [needed])
  }

  const overfitting = overfittingEvidence(features)
  if (overfitting.filter((one) => one.holds).length >= 2) return verdict("overfitting", features.bestStep, overfitting)

  const underfitting = context.finished ? underfit(features, context.sweepBest) : []
  if (
    holds(underfitting, "small-gap") &&
    (holds(underfitting, "progress") || holds(underfitting, "behind-the-sweep"))
  ) {
    return verdict("underfitting", null, underfitting)
  }

  const flat = plateau(features)
  if (flat.holds) return verdict("plateaued", features.bestStep, [flat, ...overfitting])

  return verdict("healthy", null, [...overfitting, ...underfitting])
}
