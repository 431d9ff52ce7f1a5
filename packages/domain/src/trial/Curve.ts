// Curves and the numbers diagnosis reads off them. Owns the shapes and, as the definition that every store's query has
// to agree with, the computation of the features from two curves. No verdict is reached here.
import type { SweepId, TrialNumber } from "../Id.ts"

export interface CurvePoint {
  /** Optimiser steps done. */
  readonly step: number
  readonly value: number
}

/** One metric of one trial, by growing step. Where attempts overlap, the newest attempt's value stands. */
export interface Curve {
  readonly trial: TrialNumber
  readonly metric: string
  readonly points: ReadonlyArray<CurvePoint>
}

/** What the overfitting criteria need of a trial (Prechelt 1998 for GL and UP). Losses in nats per token. */
export interface CurveFeatures {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  readonly evals: number
  readonly firstEval: number | null
  /** The lowest eval loss and the step it was reached at. */
  readonly bestEval: number | null
  readonly bestStep: number | null
  readonly lastEval: number | null
  readonly lastStep: number | null
  /** GL of each eval after the best: 100 · (E_va(t) / E_opt(t) − 1), in per cent, the last ones (at most 8), oldest first. */
  readonly generalizationLoss: ReadonlyArray<number>
  /** How many evals in a row, up to the last one, were each higher than the one before (UP). */
  readonly consecutiveIncreases: number
  /** Train loss at the eval of the lowest eval loss and at the last eval: the mean of the reports since the eval before it. */
  readonly trainAtBest: number | null
  readonly trainAtLast: number | null
  /** eval − train at the last evals (at most 8), oldest first. */
  readonly gaps: ReadonlyArray<number>
  /** Whether any train or eval loss was NaN or infinite. */
  readonly nonFinite: boolean
}

export const evalLoss = "eval/loss"
export const trainLoss = "train/loss"

/** How many of the newest evals the lists of `CurveFeatures` hold. */
export const featureWindow = 8

/**
 * The features of one trial's eval and train loss curves, both by growing step. Everything but `nonFinite` looks at
 * finite values only. The train loss at an eval is the mean of the train losses reported since the eval before it; where
 * none were, that of the eval before. GL is undefined, and the list empty, where the lowest loss is not positive.
 */
export const curveFeatures = (
  sweep: SweepId,
  trial: TrialNumber,
  evalPoints: ReadonlyArray<CurvePoint>,
  trainPoints: ReadonlyArray<CurvePoint>,
): CurveFeatures => {
  const finite = (point: CurvePoint) => Number.isFinite(point.value)
  const evals = evalPoints.filter(finite)
  const train = trainPoints.filter(finite)
  let best = evals[0]
  for (const point of evals) if (best !== undefined && point.value < best.value) best = point
  const last = evals.at(-1)

  let read = 0
  let known: number | null = null
  let trainAtBest: number | null = null
  let increases = 0
  const losses: Array<number> = []
  const gaps: Array<number> = []
  for (const [i, { step, value }] of evals.entries()) {
    let sum = 0
    const from = read
    while (read < train.length && train[read]!.step <= step) sum += train[read++]!.value
    if (read > from) known = sum / (read - from)
    if (known !== null) gaps.push(value - known)
    if (step === best!.step) trainAtBest = known
    if (step > best!.step && best!.value > 0) losses.push(100 * (value / best!.value - 1))
    increases = i > 0 && value > evals[i - 1]!.value ? increases + 1 : 0
  }
  return {
    sweep,
    trial,
    evals: evals.length,
    firstEval: evals[0]?.value ?? null,
    bestEval: best?.value ?? null,
    bestStep: best?.step ?? null,
    lastEval: last?.value ?? null,
    lastStep: last?.step ?? null,
    generalizationLoss: losses.slice(-featureWindow),
    consecutiveIncreases: increases,
    trainAtBest,
    trainAtLast: known,
    gaps: gaps.slice(-featureWindow),
    nonFinite: evals.length < evalPoints.length || train.length < trainPoints.length,
  }
}
