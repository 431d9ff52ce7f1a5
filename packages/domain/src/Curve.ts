// Curves and the numbers diagnosis reads off them. Owns the shapes and, as the definition that every store's query has
// to agree with, the computation of the features from two curves. No verdict is reached here.
import type { SweepId, TrialNumber } from "./Id.ts"

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
