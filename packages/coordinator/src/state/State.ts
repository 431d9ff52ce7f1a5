// What the coordinator knows, in memory: the fold of every fact, and the indices that let a decision be made without
// walking 100,000 trials. Owns these indices and nothing else; it is changed by facts alone, so that a restart arrives
// at the same state. Nothing is awaited in here.
import { beginningOf } from "@sweep/domain/beginning"
import type { Fact, FactOf } from "@sweep/domain/Fact"
import type { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { canonicalText } from "@sweep/domain/Parameter"
import { applyFact, type SweepState } from "@sweep/domain/SweepState"
import { isTerminal, type Trial } from "@sweep/domain/Trial"
import type { Observation } from "@sweep/search/History"
import { observeSet } from "./replicas.ts"
import { isBugRetry, type Releases } from "./retry.ts"
import type { Run, StateView } from "./StateView.ts"

const keyOf = ({ sweep, number }: Trial): string => `${sweep}/${number}`

const none: Releases = { total: 0, bugs: 0 }

export class State implements StateView {
  readonly sweeps = new Map<SweepId, SweepState>()
  /** Ids of sweeps that are gone, which no other sweep gets. */
  readonly removed = new Set<SweepId>()
  /** The greatest epoch of any dispatch. */
  lastEpoch = 0
  readonly #epochs = new Map<Epoch, { readonly sweep: SweepId; readonly trial: TrialNumber; readonly agent: AgentId }>()
  /** Of attempts whose files are kept, their SHA-256 by path. */
  readonly #digests = new Map<Epoch, Map<string, string>>()
  readonly #open = new Map<SweepId, Map<TrialNumber, Trial>>()
  readonly #sets = new Map<SweepId, Array<Observation>>()
  /** Of each sweep, how many trials were made of a set of parameters that a person gave, by its text. */
  readonly #enqueued = new Map<SweepId, Map<string, number>>()
  /** Of each sweep, the trials that share a prefix, by what their beginning is known by, and what that is of each trial. */
  readonly #beginnings = new Map<SweepId, Map<string, Array<TrialNumber>>>()
  readonly #beginningOf = new Map<SweepId, Map<TrialNumber, string | null>>()
  readonly #versions = new Map<SweepId, number>()
  readonly #releases = new Map<string, Releases>()
  /** Paused trials that a stopping rule has set aside. */
  readonly #setAside = new Set<string>()
  /** Of open trials, the agent that had them last: it has their checkpoints. */
  readonly #lastAgents = new Map<string, AgentId>()

  /** What users have ordered of agents: to take no trials, or not to be served. */
  readonly orders = new Map<AgentId, "drain" | "remove">()

  apply(fact: Fact): Trial | undefined {
    if (fact._tag === "AgentOrdered") {
      if (fact.order === "resume") this.orders.delete(fact.agent)
      else this.orders.set(fact.agent, fact.order)
    }
    if (fact._tag === "SweepRemoved") this.#forget(fact)
    if (fact._tag === "ArtifactsKept") {
      const digests = this.#digests.get(fact.epoch) ?? new Map<string, string>()
      // The first one holds: a file that is kept does not change.
      for (const { path, sha256 } of fact.files) if (!digests.has(path)) digests.set(path, sha256)
      this.#digests.set(fact.epoch, digests)
    }
    if (fact._tag === "StoreRestored") this.lastEpoch = Math.max(this.lastEpoch, fact.epoch)
    const trial = applyFact(this.sweeps, fact)
    if (fact._tag === "SweepSubmitted" && !this.#open.has(fact.sweep)) {
      this.#open.set(fact.sweep, new Map())
      this.#sets.set(fact.sweep, [])
      this.#enqueued.set(fact.sweep, new Map())
      this.#beginnings.set(fact.sweep, new Map())
      this.#beginningOf.set(fact.sweep, new Map())
    }
    if (trial === undefined) return undefined
    if (fact._tag === "TrialCreated" && fact.origin._tag === "Enqueued") {
      const taken = this.#enqueued.get(fact.sweep)!
      const text = canonicalText(fact.parameters)
      taken.set(text, (taken.get(text) ?? 0) + 1)
    }
    if (fact._tag === "TrialCreated") {
      const beginning = beginningOf(this.sweeps.get(fact.sweep)!.spec, trial)
      const known = this.#beginnings.get(fact.sweep)!
      this.#beginningOf.get(fact.sweep)!.set(trial.number, beginning)
      if (beginning !== null) known.set(beginning, [...(known.get(beginning) ?? []), trial.number])
    }
    if (fact._tag === "TrialAssigned") {
      this.lastEpoch = Math.max(this.lastEpoch, fact.epoch)
      this.#epochs.set(fact.epoch, { sweep: trial.sweep, trial: trial.number, agent: fact.agent })
    }
    const open = this.#open.get(trial.sweep)!
    const key = keyOf(trial)
    if (fact._tag === "TrialPaused" && fact.rule !== undefined) this.#setAside.add(key)
    if (trial.state !== "paused") this.#setAside.delete(key)
    if (isTerminal(trial.state)) {
      open.delete(trial.number)
      this.#releases.delete(key)
      this.#lastAgents.delete(key)
    } else {
      if (trial.agent !== null) this.#lastAgents.set(key, trial.agent)
      open.set(trial.number, trial)
      // What a paused sweep gave back was asked for, as often as a person likes.
      if (fact._tag === "TrialReleased" && this.sweeps.get(trial.sweep)!.status !== "paused") {
        const { total, bugs } = this.#releases.get(key) ?? none
        this.#releases.set(key, { total: total + 1, bugs: bugs + (isBugRetry(fact.cause) ? 1 : 0) })
      }
    }
    const sweep = this.sweeps.get(trial.sweep)!
    this.#versions.set(sweep.id, (this.#versions.get(sweep.id) ?? 0) + 1)
    const set = observeSet(sweep, trial.number)
    // Samplers take the same array for a history that has only grown, and this one changes parameters in its middle.
    if (fact._tag === "TrialExploited") this.#sets.set(sweep.id, [...this.sets(sweep.id)])
    this.#sets.get(trial.sweep)![set.number - 1] = set
    return trial
  }

  #forget({ sweep: id, epoch: last }: FactOf<"SweepRemoved">): void {
    this.removed.add(id)
    this.lastEpoch = Math.max(this.lastEpoch, last)
    for (const [epoch, { sweep }] of this.#epochs) {
      if (sweep !== id) continue
      this.#epochs.delete(epoch)
      this.#digests.delete(epoch)
    }
    for (const number of this.open(id).keys()) {
      const key = `${id}/${number}`
      this.#releases.delete(key)
      this.#setAside.delete(key)
      this.#lastAgents.delete(key)
    }
    for (const index of [this.#open, this.#sets, this.#enqueued, this.#beginnings, this.#beginningOf, this.#versions]) {
      index.delete(id)
    }
  }

  trial(sweep: SweepId, number: TrialNumber): Trial | undefined {
    return this.sweeps.get(sweep)?.trials.get(number)
  }

  /** The trial of which `epoch` is or was an attempt. */
  trialOf(epoch: Epoch): Trial | undefined {
    const ref = this.#epochs.get(epoch)
    return ref === undefined ? undefined : this.trial(ref.sweep, ref.trial)
  }

  /** The agent that the attempt was given to. */
  holderOf(epoch: Epoch): AgentId | undefined {
    return this.#epochs.get(epoch)?.agent
  }

  /** SHA-256 of a file of the attempt that is kept, as it was when it came. */
  digestOf(epoch: Epoch, path: string): string | undefined {
    return this.#digests.get(epoch)?.get(path)
  }

  /** The trial whose newest attempt `epoch` is, while it has not ended: what is reported of it counts. */
  current(epoch: Epoch): Trial | undefined {
    const trial = this.trialOf(epoch)
    return trial !== undefined && trial.epoch === epoch && !isTerminal(trial.state) ? trial : undefined
  }

  /** The trial that `epoch` is running now, as far as the coordinator knows. */
  inFlight(epoch: Epoch): Trial | undefined {
    const trial = this.current(epoch)
    return trial?.state === "assigned" || trial?.state === "running" ? trial : undefined
  }

  /** Trials that have not ended. */
  open(sweep: SweepId): ReadonlyMap<TrialNumber, Trial> {
    return this.#open.get(sweep) ?? new Map()
  }

  /** The sets of parameters tried so far, as samplers see them. */
  sets(sweep: SweepId): ReadonlyArray<Observation> {
    return this.#sets.get(sweep) ?? []
  }

  /** What the beginning of the trial, which may not be made yet, is known by; `null` when it shares it with none. */
  beginning(sweep: SweepState, run: Run): string | null {
    const known = this.#beginningOf.get(sweep.id)?.get(run.number)
    return known === undefined ? beginningOf(sweep.spec, run) : known
  }

  /** Trials of the sweep that begin so. */
  madeAlike(sweep: SweepId, beginning: string): ReadonlyArray<TrialNumber> {
    return this.#beginnings.get(sweep)?.get(beginning) ?? []
  }

  /** How many trials were made of each set of parameters that a person gave, by its canonical text. */
  enqueued(sweep: SweepId): ReadonlyMap<string, number> {
    return this.#enqueued.get(sweep) ?? new Map()
  }

  /** Counts the facts that changed a trial of the sweep. */
  version(sweep: SweepId): string {
    return String(this.#versions.get(sweep) ?? 0)
  }

  releases(trial: Trial): Releases {
    return this.#releases.get(keyOf(trial)) ?? none
  }

  /** Whether a stopping rule has set the trial aside. */
  readonly isSetAside = (trial: Trial): boolean => this.#setAside.has(keyOf(trial))

  /** The agent that had the trial last. */
  lastAgent(trial: Trial): AgentId | undefined {
    return this.#lastAgents.get(keyOf(trial))
  }
}

/** A copy that later facts do not change. */
export const snapshotOf = (sweep: SweepState): SweepState => ({ ...sweep, trials: new Map(sweep.trials) })
