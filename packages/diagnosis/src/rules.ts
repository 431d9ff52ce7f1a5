// The rules that read a verdict off a trial's curves: divergence, overfitting, a flat end, little progress. Owns the
// measurements and thresholds; their order is diagnose's, the sentences are the catalogues'. Everything is compared with
// the lowest evaluation, so that a verdict stands for as long as the curve stays away from it. The thresholds were
// chosen on half of the real curves of docs/verdicts.md and looked at once on the other half.
import type { CurveFeatures } from "@sweep/domain/Curve"
import type { Evidence } from "@sweep/domain/Verdict"
import { evidence } from "./evidence.ts"
import { lowestOf, mean, median, scatterOf, trendOf, wanderingOf } from "./scatter.ts"

/** Fewer evaluations than this show no course. */
export const leastEvals = 4

/** Losses this many times their lowest … */
const explosion = 1.5
/** … or, where nothing was ever gained, so many times where they started, … */
const explosionFromStart = 1.2
/** … or so many times, where they began out of all proportion, … */
const explosionOfTheHigh = 2.5
/** … while the train loss is at least this share of the eval loss: a small one that is memorised is not blown up, … */
const alike = 0.3
/** … and back by this share of all that they had fallen: the optimiser has left the road. */
const givenBack = 0.25

/** A train loss above this share of its first value has not been learned. */
const stillHigh = 0.8

/** An end this many per cent above the lowest eval loss is worse. Prechelt (1998) tries 1 to 5 for GL. */
export const riseLimit = 2.5
/** Without a train loss to compare with, twice as much. */
const riseLimitAlone = 5
/** The lowest of several evaluations lies so many times their scatter too low, by chance alone … */
const lowestByChance = 1.5
/** … and a mean that is higher by so many of its standard errors is not noise. */
const noiseLimit = 3
/** Mann–Kendall above this is a rise: one flat stretch in twenty gets there. */
const trendLimit = 1.645
/** The least scatter of an evaluation, as a share of the lowest. */
const leastScatter = 0.002
/** A longer rise as clear as this is one, whatever the curve has recovered from before. */
const longTrend = 2.5
/** The train loss fell when it is lower by so many per cent. */
const trainFallLimit = 2

/** Over the last third the eval loss changed by less than this, in per cent: flat. */
const flatLimit = 1
/** Less than this, in per cent of the first loss, is little progress. */
const littleProgress = 5
/** Train and eval loss closer than this, in per cent of the eval loss, are alike. */
const smallGapLimit = 10

/** A curve of which less is better, with the lowest evaluation and what it did since. */
export interface Shape {
  readonly steps: ReadonlyArray<number>
  readonly values: ReadonlyArray<number>
  /** Index of the lowest. */
  readonly best: number
  readonly lowest: number
  /** The standard deviation of one evaluation. */
  readonly noise: number
  /** How many evaluations came after the lowest. */
  readonly after: number
  /** What a change is measured against, so that it is a share: `null` for the value itself, 1 for metrics that are shares. */
  readonly scale: number | null
  /** Where the curve is now: the median of the last evaluations after the lowest, at most three; see `levelOf`. */
  readonly level: number
}

/** Where a stretch has got to. One that only rises is at its end; otherwise one evaluation of the last three may be off. */
const levelOf = (later: ReadonlyArray<number>): number =>
  later.every((value, i) => i === 0 || value > later[i - 1]!) ? mean(later.slice(-2)) : median(later.slice(-3))

export const shapeOf = (
  steps: ReadonlyArray<number>,
  values: ReadonlyArray<number>,
  { leastNoise = 0, scale = null as number | null } = {},
): Shape => {
  const lowest = lowestOf(values)
  const best = values.indexOf(lowest)
  const after = values.length - 1 - best
  return {
    steps,
    values,
    best,
    lowest,
    noise: Math.max(
      Math.min(scatterOf(steps, values) ?? 0, wanderingOf(values, best)),
      leastNoise,
      // A few evaluations in order show no scatter, and have some.
      leastScatter * Math.abs(scale ?? lowest),
    ),
    after,
    scale,
    level: after === 0 ? lowest : levelOf(values.slice(best + 1)),
  }
}

const isNumber = (value: number | null): value is number => value !== null

/** The step from which on the curve stayed above `limit`. */
const departure = ({ steps, values, best }: Shape, limit: number): number => {
  const within = values.findLastIndex((value, i) => i >= best && value <= limit)
  return steps[Math.min(within + 1, steps.length - 1)]!
}

/** Whether a loss has ended so many times above its lowest, and given back enough of what it had gained. */
const isBlown = (end: number, low: number, start: number, factor: number): boolean =>
  end > factor * low && end - low > givenBack * Math.max(start - low, 0)

/** The same by orders of magnitude: a first value out of all proportion makes every share of it small. */
const isBlownHigh = (end: number, low: number, start: number): boolean =>
  low > 0 && end > explosionOfTheHigh * low && Math.log(end / low) > givenBack * Math.log(start / low)

export interface Divergence {
  readonly evidence: Evidence
  readonly since: number
}

/** A loss that is not a number any more, or both losses blown up and not come back. */
export const divergence = (features: CurveFeatures, shape: Shape): Divergence | null => {
  const { nonFiniteStep, train, evals } = features
  if (nonFiniteStep !== null) {
    return {
      evidence: evidence("non-finite", { step: nonFiniteStep }, { value: 1, threshold: 0, holds: true }),
      since: nonFiniteStep,
    }
  }
  const known = train.filter(isNumber)
  const trainLast = known.at(-1)
  if (trainLast === undefined || evals.length < 2 || shape.after === 0 || shape.lowest <= 0) return null
  // Where no train loss was reported by the lowest evaluation, that of an untouched base model, its eval loss stands for it.
  const reported = train.slice(0, shape.best + 1).some(isNumber)
  const trainLowest = Math.min(lowestOf(known), reported ? Number.POSITIVE_INFINITY : shape.lowest)
  const trainFirst = reported ? known[0]! : evals[0]!
  // A spike that recovers at the next evaluation is none; with three evaluations only the last one can tell.
  const last = Math.min(...evals.slice(evals.length < leastEvals ? -1 : -2))
  const factor = evals.length < leastEvals ? 2 : shape.best === 0 ? explosionFromStart : explosion
  const first = evals[0]!
  const holds =
    (isBlown(last, shape.lowest, first, factor) && isBlown(trainLast, trainLowest, trainFirst, factor)) ||
    (evals.length >= leastEvals &&
      trainLast > alike * last &&
      isBlownHigh(last, shape.lowest, first) &&
      isBlownHigh(trainLast, trainLowest, trainFirst)) ||
    // Worse than at the start, by both: the train loss of a run that learns has fallen, whatever it counts in.
    (evals.length >= leastEvals &&
      Math.min(last, trainLast) > explosionFromStart * first &&
      trainLast > stillHigh * known[0]!)
  if (!holds) return null
  return {
    evidence: evidence(
      "loss-explosion",
      {
        lowest: shape.lowest,
        lowestStep: shape.steps[shape.best]!,
        last: evals.at(-1)!,
        trainLowest,
        trainLast,
      },
      { value: last / shape.lowest, threshold: factor, holds },
    ),
    since: departure(shape, shape.lowest + givenBack * Math.max(evals[0]! - shape.lowest, shape.lowest)),
  }
}

/** What the train loss did between the lowest evaluation and the last one; `null` where it was not reported. */
const trainSince = (
  train: ReadonlyArray<number | null>,
  best: number,
): { readonly from: number; readonly to: number } | null => {
  // Around the lowest and over the end, where that leaves something between: one report is noisy.
  const after = train.length - 1 - best
  const width = after >= 4 ? 2 : 1
  const at = train.slice(best, best + width).filter(isNumber)
  const next = at.length > 0 ? at : [train.slice(best).find(isNumber)].filter((value) => value !== undefined)
  const end = train.slice(-width).filter(isNumber)
  const [from, to] = [next.filter(isNumber), end]
  return from.length === 0 || to.length === 0 ? null : { from: mean(from), to: mean(to) }
}

/**
 * The highest the curve has stood above its lowest until then, for two evaluations, and come back from: a rise has to be
 * more than that. What happened before three quarters of the fall were done is warm-up.
 */
const recoveredBump = ({ values, best, lowest }: Shape): number => {
  const settled = lowest + (values[0]! - lowest) / 4
  let least = values[0]!
  let highest = 0
  for (let i = 1; i < best; i++) {
    if (least <= settled) highest = Math.max(highest, Math.min(values[i]!, values[i + 1]!) - least)
    least = Math.min(least, values[i]!)
  }
  return highest
}

export interface Rise {
  readonly holds: boolean
  readonly evidence: ReadonlyArray<Evidence>
}

/** How many scatters of one evaluation the mean of the later half of `after` evaluations has to lie above the lowest. */
const noiseLimitOf = (after: number): number => lowestByChance + noiseLimit / Math.sqrt(Math.ceil(after / 2))

/**
 * Whether the end of a curve lies above its lowest by more than noise: it stands out from the scatter of the evaluations,
 * or the rise has a direction; and it is more than what the curve has come back from before.
 */
export const isBeyondNoise = (shape: Shape): boolean => {
  const { values, best, lowest, after, noise, level } = shape
  if (after < 2) return false
  const later = values.slice(best + 1)
  const recent = later.slice(after >> 1)
  const standsOut = mean(recent) - lowest >= noiseLimitOf(after) * noise
  const steady = later.every((value, i) => value > (later[i - 1] ?? lowest))
  const trend = trendOf(later)
  const hasDirection =
    after >= 4
      ? trend >= trendLimit && level - lowest >= lowestByChance * noise
      : steady && (after >= 3 || shareOf(shape, level - lowest) >= 2 * riseLimit)
  const bump = recoveredBump(shape)
  return (
    (standsOut || hasDirection) && (Math.min(...values.slice(-2)) - lowest > bump || (after >= 6 && trend >= longTrend))
  )
}

/** A difference in per cent of the lowest value, or of the scale of a metric that is a share. */
const shareOf = ({ scale, lowest }: Shape, difference: number): number => {
  const base = scale ?? Math.abs(lowest)
  return base > 0 ? (100 * difference) / base : 0
}

/** How far above its lowest a curve ends, whether that is more than noise, and whether the train loss fell meanwhile. */
export const overfitting = (features: CurveFeatures, shape: Shape): Rise => {
  const { steps, lowest, best, level, after, noise, values } = shape
  const lowestStep = steps[best]!
  if (after === 0) {
    const found = { value: 0, threshold: riseLimit, holds: false }
    return { holds: false, evidence: [evidence("eval-lowest", { lowest, lowestStep }, found)] }
  }
  const since = trainSince(features.train, best)
  const limit = since === null ? riseLimitAlone : riseLimit
  const rise = level - lowest
  const percent = shareOf(shape, rise)
  const isRise = after >= 2 && percent >= limit && shareOf(shape, Math.min(...values.slice(-2)) - lowest) >= limit / 2
  const isClear = isBeyondNoise(shape)
  const fell = since === null ? 0 : 100 * (1 - since.to / since.from)
  const isFalling = since === null || fell >= trainFallLimit
  return {
    holds: isRise && isClear && isFalling,
    evidence: [
      evidence(
        "eval-rise",
        { lowest, lowestStep, level, percent },
        { value: percent, threshold: limit, holds: isRise },
      ),
      evidence(
        "beyond-noise",
        { rise, noise },
        { value: rise, threshold: noiseLimitOf(after) * noise, holds: isClear },
      ),
      since === null
        ? evidence("train-missing", {}, { value: 0, threshold: trainFallLimit, holds: false })
        : evidence("train-falls", since, { value: fell, threshold: trainFallLimit, holds: isFalling }),
    ],
  }
}

export interface Flatness {
  readonly holds: boolean
  readonly since: number
  readonly evidence: Evidence
}

/** Whether the last third has gone nowhere: the change from its first half to its second, beside the noise of both. */
export const flatEnd = ({ steps, values, best, lowest, noise, scale }: Shape): Flatness => {
  const n = values.length
  /** How much the curve fell over its last evaluations, from the first half of them to the second, in per cent. */
  const fallOf = (tail: ReadonlyArray<number>) => {
    const half = tail.length >> 1
    const before = mean(tail.slice(0, half))
    const base = scale ?? Math.abs(before)
    const share = (difference: number): number => (base > 0 ? (100 * difference) / base : 0)
    return { fell: share(before - mean(tail.slice(-half))), chance: share(2 * noise * Math.sqrt(2 / half)) }
  }
  const third = n < 6 ? 3 : Math.max(4, Math.ceil(n / 3))
  const limit = n < 6 ? flatLimit / 2 : flatLimit
  const { fell, chance } = fallOf(values.slice(-third))
  // With few evaluations a rise is as likely the next turn of the curve as its end.
  const isFlat = n < 6 ? Math.abs(fell) < limit : fell < limit || (fell < chance && fell < 5 * limit)
  // The lowest is long ago; or the curve came to rest in the middle of its last third.
  const isOld = n >= 6 && n - 1 - best >= Math.max(4, Math.ceil(n / 3))
  const fifth = Math.max(6, Math.ceil(n / 5))
  const rests = n >= 2 * fifth && fallOf(values.slice(-fifth)).fell < limit / 4
  const holds = isFlat || isOld || rests
  // Since the first evaluation that no later one betters by more than the limit, or than noise.
  const near = lowest + Math.max(((scale ?? Math.abs(lowest)) * flatLimit) / 100, noise)
  const since = steps[values.findIndex((value) => value <= near)]!
  return {
    holds,
    since,
    evidence: evidence(
      "flat-end",
      { evals: third, percent: -fell, fromStep: steps[n - third]!, since },
      { value: fell, threshold: limit, holds },
    ),
  }
}

/** Whether the trial learned little, train and eval loss alike. */
export const underfitting = (features: CurveFeatures, { lowest }: Shape): Rise => {
  const first = features.evals[0]!
  const last = features.evals.at(-1)!
  const known = features.train.filter(isNumber)
  const [trainFirst, trainLast] = [known[0], known.at(-1)]
  if (trainFirst === undefined || trainLast === undefined || first <= 0 || trainFirst <= 0)
    return { holds: false, evidence: [] }
  const progress = 100 * (1 - lowest / first)
  const trained = 100 * (1 - trainLast / trainFirst)
  const gap = last - trainLast
  const apart = (100 * gap) / last
  const found = [
    evidence(
      "progress",
      { percent: progress, from: first, to: lowest },
      { value: progress, threshold: littleProgress, holds: progress < littleProgress },
    ),
    evidence(
      "train-progress",
      { percent: trained, from: trainFirst, to: trainLast },
      { value: trained, threshold: littleProgress, holds: trained < littleProgress },
    ),
    evidence(
      "small-gap",
      { gap, percent: apart },
      { value: Math.abs(apart), threshold: smallGapLimit, holds: Math.abs(apart) < smallGapLimit },
    ),
  ]
  return { holds: found.every(({ holds }) => holds), evidence: found }
}
