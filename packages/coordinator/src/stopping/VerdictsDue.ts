// Which trials have ended and wait for their last verdict. Whoever ends a trial adds it; the loop that reaches verdicts takes
// it off. Owns this list and nothing else, so that neither side has to know the other.
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"

export class VerdictsDue {
  readonly #trials = new Map<SweepId, Set<TrialNumber>>()

  /** A trial has ended. */
  readonly add = (sweep: SweepId, trial: TrialNumber): void => {
    const known = this.#trials.get(sweep)
    if (known === undefined) this.#trials.set(sweep, new Set([trial]))
    else known.add(trial)
  }

  /** Its last verdict was reached. */
  remove(sweep: SweepId, trial: TrialNumber): void {
    const known = this.#trials.get(sweep)
    known?.delete(trial)
    if (known?.size === 0) this.#trials.delete(sweep)
  }

  /** The trials of the sweep, as they are now. */
  of(sweep: SweepId): ReadonlySet<TrialNumber> {
    return new Set(this.#trials.get(sweep))
  }

  get sweeps(): ReadonlyArray<SweepId> {
    return Array.from(this.#trials.keys())
  }

  get isEmpty(): boolean {
    return this.#trials.size === 0
  }

  /** Whether every trial of the sweep that ended has its verdict. */
  readonly isJudged = (sweep: SweepState): boolean => !this.#trials.has(sweep.id)

  /** The sweep is gone. */
  forget(sweep: SweepId): void {
    this.#trials.delete(sweep)
  }
}
