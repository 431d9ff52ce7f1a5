// What a decision may read of the coordinator's state. The state itself answers it, and so does an overlay of facts that a
// decision assumes. Owns the questions that follow from others; nothing here changes anything.
import type { AgentId, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { Observation } from "@sweep/search/History"

/** A trial, or what will be one. */
export type Run = Pick<Trial, "number" | "parameters" | "seed">

export interface StateView {
  readonly sweeps: ReadonlyMap<SweepId, SweepState>
  /** The greatest epoch of any dispatch. */
  readonly lastEpoch: number
  /** Trials that have not ended. */
  readonly open: (sweep: SweepId) => ReadonlyMap<TrialNumber, Trial>
  /** The sets of parameters tried so far, as samplers see them. */
  readonly sets: (sweep: SweepId) => ReadonlyArray<Observation>
  /** How many trials were made of each set of parameters that a person gave, by its canonical text. */
  readonly enqueued: (sweep: SweepId) => ReadonlyMap<string, number>
  /** What the beginning of the trial, which may not be made yet, is known by; `null` when it shares it with none. */
  readonly beginning: (sweep: SweepState, run: Run) => string | null
  /** Trials of the sweep that begin so, in the order in which they were made. */
  readonly madeAlike: (sweep: SweepId, beginning: string) => ReadonlyArray<TrialNumber>
  /** Another text after every fact that changed a trial of the sweep. */
  readonly version: (sweep: SweepId) => string
  /** The agent that had the trial last. */
  readonly lastAgent: (trial: Trial) => AgentId | undefined
}

/** Trials of the sweep, the run itself among them if it is one, that differ from it in their epochs alone and share a prefix. */
export const alike = (state: StateView, sweep: SweepState, run: Run): ReadonlyArray<Trial> => {
  const beginning = state.beginning(sweep, run)
  if (beginning === null) return []
  return state.madeAlike(sweep.id, beginning).map((number) => sweep.trials.get(number)!)
}

/** Every trial that an agent has now, of all sweeps. Whoever asks for a trial and runs it is no agent. */
export function* attempts(state: StateView): Generator<Trial> {
  for (const [sweep, { spec }] of state.sweeps) {
    if (spec.trainer === "external") continue
    for (const trial of state.open(sweep).values()) {
      if (trial.state === "assigned" || trial.state === "running") yield trial
    }
  }
}
