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

/**
 * What diagnosis reads of a trial: its finite evaluations by growing step, with the train loss between them. Losses in
 * nats per token where the trainer reports them so.
 */
export interface CurveFeatures {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  /** Steps of the finite eval losses, and the losses. */
  readonly steps: ReadonlyArray<number>
  readonly evals: ReadonlyArray<number>
  /**
   * The train loss at each of them: the mean of the reports since the eval before it; where none were, that of the eval
   * before; `null` before the first report.
   */
  readonly train: ReadonlyArray<number | null>
  /** The first step at which a train or eval loss was NaN or infinite; `null` where every one was finite. */
  readonly nonFiniteStep: number | null
  /** The metric trials are ranked by, where it is not the eval loss: its finite values by growing step. */
  readonly metricSteps: ReadonlyArray<number>
  readonly metricValues: ReadonlyArray<number>
  /** How many examples an evaluation looks at, from the metric `eval/samples`; `null` where it was not reported. */
  readonly evalSamples: number | null
}

export const evalLoss = "eval/loss"
export const trainLoss = "train/loss"
/** What programs that are not ours call the two: of each trial the first that it reported is read. */
const evalLossNames: ReadonlyArray<string> = [evalLoss, "eval_loss", "eval.loss", "val_loss", "val/loss", "val.loss"]
const trainLossNames: ReadonlyArray<string> = [trainLoss, "train_loss", "train.loss", "loss"]

/** The names to look for where trials are ranked by `metric`: one of the eval loss stands for it, before all others. */
export const lossNames = (
  metric: string,
): { readonly evals: ReadonlyArray<string>; readonly train: ReadonlyArray<string>; readonly isEvalLoss: boolean } => ({
  evals: evalLossNames.toSorted((a, b) => Number(b === metric) - Number(a === metric)),
  train: trainLossNames.filter((name) => name !== metric),
  isEvalLoss: evalLossNames.includes(metric),
})

/** A trainer that reports how many examples it evaluates on lets the noise of an accuracy be computed. */
export const evalSamples = "eval/samples"

/** The features of one trial's eval and train loss, and of its ranking metric where that is another; each by growing step. */
export const curveFeatures = (
  sweep: SweepId,
  trial: TrialNumber,
  evalPoints: ReadonlyArray<CurvePoint>,
  trainPoints: ReadonlyArray<CurvePoint>,
  others: { readonly metric?: ReadonlyArray<CurvePoint>; readonly samples?: ReadonlyArray<CurvePoint> } = {},
): CurveFeatures => {
  const finite = (point: CurvePoint) => Number.isFinite(point.value)
  const evals = evalPoints.filter(finite)
  const train = trainPoints.filter(finite)
  const metric = (others.metric ?? []).filter(finite)
  const broken = [...evalPoints, ...trainPoints].filter((point) => !finite(point))
  let read = 0
  let known: number | null = null
  const trainAt = evals.map(({ step }) => {
    let sum = 0
    const from = read
    while (read < train.length && train[read]!.step <= step) sum += train[read++]!.value
    if (read > from) known = sum / (read - from)
    return known
  })
  return {
    sweep,
    trial,
    steps: evals.map(({ step }) => step),
    evals: evals.map(({ value }) => value),
    train: trainAt,
    nonFiniteStep: broken.reduce<number | null>(
      (least, { step }) => (least === null || step < least ? step : least),
      null,
    ),
    metricSteps: metric.map(({ step }) => step),
    metricValues: metric.map(({ value }) => value),
    evalSamples: (others.samples ?? []).filter(finite).at(-1)?.value ?? null,
  }
}
