// The state of one sweep as the fold of its facts. Owns the fold and nothing else: a restarted coordinator, the
// tests and the store's SQL views all arrive at the same state. Facts that are no longer legal (an old epoch, a trial
// that has ended) change nothing, so replaying or resending a fact is harmless.
import type { Reason } from "../reason/Reason.ts"
import type { Fact } from "./Fact.ts"
import type { SweepId, TrialNumber } from "../Id.ts"
import type { SweepSpec } from "./SweepSpec.ts"
import { canMove, isTerminal, type Trial, type TrialState } from "../trial/Trial.ts"

export type SweepStatus = "running" | "paused" | "stopped" | "finished"

export interface SweepState {
  readonly id: SweepId
  readonly spec: SweepSpec
  readonly revision: number
  readonly status: SweepStatus
  readonly versions: Readonly<Record<string, string>>
  /** In the order of their numbers. */
  readonly trials: ReadonlyMap<TrialNumber, Trial>
  readonly createdAt: number
  readonly endedAt: number | null
  /** Milliseconds it was running before `activeSince`; a pause, and the time after its end, do not count. */
  readonly activeMs: number
  /** `null` while it is not running. */
  readonly activeSince: number | null
  /** Why it stopped or finished. */
  readonly reason: Reason | null
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const finiteValues = (values: Readonly<Record<string, number | null>>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? Number.NaN]))

/** The time of an attempt that has just ended is added up. */
const settleTime = (trial: Trial, at: number): Trial =>
  trial.state === "running" || trial.busySince === null
    ? trial
    : { ...trial, busyMs: trial.busyMs + Math.max(0, at - trial.busySince), busySince: null }

/** What `fact` makes of one trial; the same object when it changes nothing. */
const foldTrial = (trial: Trial, fact: Fact): Trial => {
  const move = (state: TrialState, change: Partial<Trial>): Trial =>
    canMove(trial.state, state) ? { ...trial, ...change, state } : trial
  const current = "epoch" in fact ? fact.epoch === trial.epoch : true
  switch (fact._tag) {
    case "TrialAssigned":
      return move("assigned", {
        attempt: fact.attempt,
        epoch: fact.epoch,
        agent: fact.agent,
        slot: fact.slot,
        host: fact.host ?? null,
      })
    case "TrialStarted":
      return current ? move("running", { startedAt: trial.startedAt ?? fact.at, busySince: fact.at }) : trial
    case "TrialReleased":
      return current ? move("pending", { agent: null, slot: null }) : trial
    case "TrialStopRequested":
      return isTerminal(trial.state) ? trial : { ...trial, stopReason: fact.reason }
    case "TrialPaused":
      return move("paused", {
        agent: null,
        slot: null,
        ...(fact.step !== undefined && { rounds: trial.rounds + 1, waitedAt: fact.step }),
      })
    case "TrialResumed":
      return move("pending", {})
    case "TrialExploited": {
      const { from, parameters, reason } = fact
      const exploit = { ...from, after: trial.epoch, replaced: trial.parameters, reason }
      return trial.state === "paused" ? move("pending", { parameters, lineage: [...trial.lineage, exploit] }) : trial
    }
    case "TrialCompleted":
      return current && trial.state !== "pending"
        ? move("completed", {
            endedAt: fact.at,
            objective: fact.objective,
            values: finiteValues(fact.values),
            lastStep: fact.step,
          })
        : trial
    case "TrialReused":
      return trial.state === "pending"
        ? move("completed", {
            endedAt: fact.at,
            objective: fact.objective,
            values: finiteValues(fact.values),
            reusedFrom: fact.from,
          })
        : trial
    case "TrialStopped":
      return move("stopped", {
        endedAt: fact.at,
        stopReason: fact.reason,
        objective: fact.objective,
        values: finiteValues(fact.values),
      })
    case "TrialFailed":
      // What runs out of memory says of its parameters that they do not fit, and nothing else.
      return move(fact.class === "oom" ? "infeasible" : "failed", {
        endedAt: fact.at,
        failure: {
          class: fact.class,
          message: fact.message,
          detail: fact.detail,
          ...(fact.memory !== undefined && { memory: fact.memory }),
        },
      })
    case "TrialCancelled":
      return move("cancelled", { endedAt: fact.at, stopReason: fact.reason })
    case "TrialWarned":
      return { ...trial, warnings: [...trial.warnings, { ...fact.warning, epoch: fact.epoch }] }
    case "VerdictReached":
      return { ...trial, verdict: fact.verdict }
    default:
      return trial
  }
}

/**
 * Adds `fact` to the sweeps it is about, in place: a coordinator with 100,000 trials folds millions of facts at its
 * start. The trials themselves are immutable values. Returns the trial the fact changed, if any.
 */
export const applyFact = (sweeps: Map<SweepId, SweepState>, fact: Fact): Trial | undefined => {
  if (!("sweep" in fact)) return undefined
  if (fact._tag === "SweepSubmitted") {
    if (!sweeps.has(fact.sweep)) {
      sweeps.set(fact.sweep, {
        id: fact.sweep,
        spec: fact.spec,
        revision: 1,
        status: "running",
        versions: fact.versions,
        trials: new Map(),
        createdAt: fact.at,
        endedAt: null,
        activeMs: 0,
        activeSince: fact.at,
        reason: null,
      })
    }
    return undefined
  }
  if (fact._tag === "SweepRemoved") {
    sweeps.delete(fact.sweep)
    return undefined
  }
  const sweep = sweeps.get(fact.sweep) as Mutable<SweepState> | undefined
  if (sweep === undefined) return undefined
  const trials = sweep.trials as Map<TrialNumber, Trial>
  const rest = () => {
    if (sweep.activeSince === null) return
    sweep.activeMs += Math.max(0, fact.at - sweep.activeSince)
    sweep.activeSince = null
  }
  const ended = sweep.status === "stopped" || sweep.status === "finished"
  switch (fact._tag) {
    case "SweepExtended":
      // A finished sweep that is extended has work again.
      sweep.spec = fact.spec
      sweep.revision = fact.revision
      sweep.status = "running"
      sweep.endedAt = null
      sweep.reason = null
      sweep.activeSince ??= fact.at
      return undefined
    case "SweepPaused":
      if (ended) return undefined
      sweep.status = "paused"
      rest()
      return undefined
    case "SweepResumed":
      if (sweep.status !== "paused") return undefined
      sweep.status = "running"
      sweep.activeSince ??= fact.at
      return undefined
    case "SweepStopped":
    case "SweepFinished":
      if (!ended) {
        sweep.status = fact._tag === "SweepStopped" ? "stopped" : "finished"
        sweep.endedAt = fact.at
        sweep.reason = fact.reason
        rest()
      }
      return undefined
    case "TrialCreated": {
      if (trials.has(fact.trial)) return undefined
      const trial: Trial = {
        sweep: fact.sweep,
        number: fact.trial,
        parameters: fact.parameters,
        seed: fact.seed,
        revision: fact.revision,
        origin: fact.origin,
        state: "pending",
        attempt: 0,
        epoch: null,
        agent: null,
        slot: null,
        host: null,
        objective: null,
        values: {},
        lastStep: null,
        stopReason: null,
        failure: null,
        verdict: null,
        reusedFrom: null,
        createdAt: fact.at,
        startedAt: null,
        endedAt: null,
        busyMs: 0,
        busySince: null,
        rounds: 0,
        waitedAt: null,
        lineage: [],
        warnings: [],
      }
      trials.set(fact.trial, trial)
      return trial
    }
    default: {
      const before = trials.get(fact.trial)
      if (before === undefined) return undefined
      const after = settleTime(foldTrial(before, fact), fact.at)
      if (after === before) return undefined
      trials.set(fact.trial, after)
      return after
    }
  }
}

export const foldFacts = (facts: Iterable<Fact>): Map<SweepId, SweepState> => {
  const sweeps = new Map<SweepId, SweepState>()
  for (const fact of facts) applyFact(sweeps, fact)
  return sweeps
}
