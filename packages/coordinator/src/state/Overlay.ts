// The state as it would be if facts that are not committed were: what one decision assumes while it makes the next. Owns
// only the differences; the state below is read and never changed, and the overlay is discarded with the decision. It
// lives for one synchronous step, in which nothing else changes the state.
import { beginningOf } from "@sweep/domain/beginning"
import type { Fact, FactOf } from "@sweep/domain/Fact"
import type { AgentId, SweepId, TrialNumber } from "@sweep/domain/Id"
import { canonicalText } from "@sweep/domain/Parameter"
import { applyFact, type SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { Observation } from "@sweep/search/History"
import { LayeredMap } from "./LayeredMap.ts"
import { observeSet } from "./replicas.ts"
import type { Run, StateView } from "./StateView.ts"

/** What an overlay can assume. What follows from other facts is seen once they are committed. */
export type Assumable = FactOf<"TrialCreated" | "TrialAssigned">
export const canAssume = (fact: Fact): fact is Assumable =>
  fact._tag === "TrialCreated" || fact._tag === "TrialAssigned"

/** What differs in one sweep. */
interface Differences {
  readonly open: Map<TrialNumber, Trial>
  readonly sets: Array<Observation>
  readonly enqueued: Map<string, number>
  /** Trials that are assumed, by what their beginning is known by, and the reverse. */
  readonly beginnings: Map<string, Array<TrialNumber>>
  readonly beginningOf: Map<TrialNumber, string | null>
  readonly lastAgents: Map<TrialNumber, AgentId>
  version: string
}

/** Counts overlays, so that an answer which rests on one is never taken for an answer to another state. */
let overlays = 0

export class Overlay implements StateView {
  readonly sweeps: ReadonlyMap<SweepId, SweepState>
  lastEpoch: number
  readonly #below: StateView
  readonly #changed = new Map<SweepId, SweepState>()
  readonly #differences = new Map<SweepId, Differences>()
  readonly #number = ++overlays
  #assumed = 0

  constructor(below: StateView) {
    this.#below = below
    this.lastEpoch = below.lastEpoch
    this.sweeps = new LayeredMap(below.sweeps, this.#changed)
  }

  assume(fact: Assumable): void {
    const differences = this.#differencesOf(fact.sweep)
    const trial = applyFact(this.#changed, fact)
    if (trial === undefined) return
    const { number } = trial
    const sweep = this.#changed.get(fact.sweep)!
    if (fact._tag === "TrialAssigned") {
      this.lastEpoch = Math.max(this.lastEpoch, fact.epoch)
      differences.lastAgents.set(number, fact.agent)
    } else {
      const { enqueued, beginnings } = differences
      if (fact.origin._tag === "Enqueued") {
        const text = canonicalText(fact.parameters)
        enqueued.set(text, (enqueued.get(text) ?? 0) + 1)
      }
      const beginning = beginningOf(sweep.spec, trial)
      differences.beginningOf.set(number, beginning)
      if (beginning !== null) beginnings.set(beginning, [...(beginnings.get(beginning) ?? []), number])
    }
    differences.open.set(number, trial)
    differences.version = `${this.#below.version(fact.sweep)}+${this.#number}.${++this.#assumed}`
    const set = observeSet(sweep, number)
    differences.sets[set.number - 1] = set
  }

  /** The differences of a sweep, begun with copies of what is short; its trials, which may be many, are not copied. */
  #differencesOf(id: SweepId): Differences {
    const known = this.#differences.get(id)
    if (known !== undefined) return known
    const below = this.#below
    const sweep = below.sweeps.get(id)!
    this.#changed.set(id, { ...sweep, trials: new LayeredMap(sweep.trials) })
    const differences: Differences = {
      open: new Map(below.open(id)),
      sets: [...below.sets(id)],
      enqueued: new Map(below.enqueued(id)),
      beginnings: new Map(),
      beginningOf: new Map(),
      lastAgents: new Map(),
      version: below.version(id),
    }
    this.#differences.set(id, differences)
    return differences
  }

  open(sweep: SweepId): ReadonlyMap<TrialNumber, Trial> {
    return this.#differences.get(sweep)?.open ?? this.#below.open(sweep)
  }

  sets(sweep: SweepId): ReadonlyArray<Observation> {
    return this.#differences.get(sweep)?.sets ?? this.#below.sets(sweep)
  }

  enqueued(sweep: SweepId): ReadonlyMap<string, number> {
    return this.#differences.get(sweep)?.enqueued ?? this.#below.enqueued(sweep)
  }

  beginning(sweep: SweepState, run: Run): string | null {
    const assumed = this.#differences.get(sweep.id)?.beginningOf.get(run.number)
    return assumed === undefined ? this.#below.beginning(sweep, run) : assumed
  }

  madeAlike(sweep: SweepId, beginning: string): ReadonlyArray<TrialNumber> {
    const below = this.#below.madeAlike(sweep, beginning)
    const assumed = this.#differences.get(sweep)?.beginnings.get(beginning)
    return assumed === undefined ? below : [...below, ...assumed]
  }

  version(sweep: SweepId): string {
    return this.#differences.get(sweep)?.version ?? this.#below.version(sweep)
  }

  lastAgent(trial: Trial): AgentId | undefined {
    return this.#differences.get(trial.sweep)?.lastAgents.get(trial.number) ?? this.#below.lastAgent(trial)
  }
}
