// What samplers and stoppers may look at: the trials of one sweep so far, as plain values. Owns this view and its
// construction from a sweep's state; no clock, no store, no random source is reachable from here.
import type { SweepState } from "@sweep/domain/SweepState"
import type { Parameters } from "@sweep/domain/Parameter"
import type { Trial } from "@sweep/domain/Trial"

export type Outcome =
  /** Not ended: its parameters are taken, its objective unknown. */
  | "open"
  /** Ended with an objective. */
  | "completed"
  /** Ended early by a rule; the objective is that of its last report. */
  | "stopped"
  /** Ended without an objective, or with NaN: a place to stay away from. */
  | "failed"
  /** Needs more memory than there is: a constraint, and no word on the objective. */
  | "infeasible"
  /** Cancelled by a person: says nothing about the parameters. */
  | "cancelled"

export interface Observation {
  readonly number: number
  readonly parameters: Parameters
  readonly outcome: Outcome
  /** Of the sweep's metric, in its own unit; `null` when there is none. */
  readonly objective: number | null
  /** Further reported values by metric name, for several objectives. */
  readonly values: Readonly<Record<string, number>>
}

/** In the order of the trial numbers. */
export type History = ReadonlyArray<Observation>

const outcomeOf = (trial: Trial): Outcome => {
  switch (trial.state) {
    case "completed":
      return trial.objective === null || Number.isNaN(trial.objective) ? "failed" : "completed"
    case "stopped":
      return trial.objective === null || Number.isNaN(trial.objective) ? "failed" : "stopped"
    case "failed":
    case "infeasible":
    case "cancelled":
      return trial.state
    default:
      return "open"
  }
}

export const observe = (trial: Trial): Observation => ({
  number: trial.number,
  parameters: trial.parameters,
  outcome: outcomeOf(trial),
  objective: trial.objective,
  values: trial.values,
})

export const historyOf = (sweep: SweepState): History => Array.from(sweep.trials.values(), observe)
