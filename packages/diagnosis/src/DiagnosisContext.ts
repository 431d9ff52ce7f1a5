// What a verdict rests on beside the curves.
import type { Goal } from "@sweep/domain/Metric"
import type { Parameters } from "@sweep/domain/Parameter"
import type { Trainer } from "@sweep/domain/SweepSpec"

export interface DiagnosisContext {
  /** Whether the trial has ended; a running one is never called underfitting. */
  readonly finished: boolean
  readonly parameters: Parameters
  /** With `peft`, parameters that are not set have the trainer's defaults, and advice may name them. */
  readonly trainer: Trainer
  /** Optimiser steps the trial was to do, or did; `null` while unknown. Gives steps as epochs. */
  readonly totalSteps: number | null
  /** The metric trials are ranked by, or of answers beside it, and whether less or more of it is better. */
  readonly metric: string
  readonly goal: Goal
  /** What trials are ranked by, where that is another one. */
  readonly rankedBy?: string
}
