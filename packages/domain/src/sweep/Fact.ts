// Everything the system knows is a fact, appended once and never edited. Owns the vocabulary of facts; the state they
// add up to is SweepState's fold.
import * as Schema from "effect/Schema"
import { ArtifactFile, Sha256 } from "../trial/Artifact.ts"
import { AgentId, Epoch, SweepId, TrialNumber } from "../Id.ts"
import { Parameters } from "../space/Parameter.ts"
import { SweepSpec } from "./SweepSpec.ts"
import { OutOfMemory } from "../trial/OutOfMemory.ts"
import { FailureClass } from "../trial/TrialEvent.ts"
import { StoredReason } from "../reason/Reason.ts"
import { StoredOrigin } from "../trial/Origin.ts"
import { TrialWarning } from "../trial/TrialWarning.ts"
import { Verdict } from "../trial/Verdict.ts"

/**
 * The version of this vocabulary. Raise it with every new kind of fact, field or value: a program of an older version
 * then refuses the database with a sentence. `npm run check` compares the vocabulary with the last release's (releases/).
 * 1: release 0.1.0. 3: reasons and origins are codes, where there were sentences before.
 */
export const factVersion = 3

/** Milliseconds since the Unix epoch on the coordinator's clock: for people; no decision rests on it. */
const at = { at: Schema.Finite }
const ofSweep = { ...at, sweep: SweepId }
const ofTrial = { ...ofSweep, trial: TrialNumber }
const ofAttempt = { ...ofTrial, epoch: Epoch }
/** JSON has no NaN: `null` stands for "not a finite number". */
const Objective = Schema.NullOr(Schema.Finite)
const Values = Schema.Record(Schema.String, Schema.NullOr(Schema.Finite))

export const Fact = Schema.TaggedUnion({
  SweepSubmitted: {
    ...ofSweep,
    spec: SweepSpec,
    /** Of sweep and of the coordinator's parts, for reproduction. */
    versions: Schema.Record(Schema.String, Schema.String),
  },
  /** A new revision: wider ranges, more values, more trials. */
  SweepExtended: { ...ofSweep, revision: Schema.Int, spec: SweepSpec },
  SweepPaused: ofSweep,
  SweepResumed: ofSweep,
  /** No new trials and every open one is cancelled. */
  SweepStopped: { ...ofSweep, reason: StoredReason },
  /** Every trial has ended and no more will come. */
  SweepFinished: { ...ofSweep, reason: StoredReason },
  /**
   * The sweep is gone, and with it every fact that was recorded of it: this one stands in their place, so that its id is
   * given to no other sweep, and epochs continue beyond `epoch`, the greatest of any dispatch so far.
   */
  SweepRemoved: { ...ofSweep, epoch: Epoch },

  TrialCreated: {
    ...ofTrial,
    parameters: Parameters,
    seed: Schema.Int,
    revision: Schema.Int,
    origin: StoredOrigin,
  },
  TrialAssigned: {
    ...ofAttempt,
    attempt: Schema.Int,
    agent: AgentId,
    slot: Schema.Int,
    /** Where the agent works, when it said so: another host of that name does not know what became of the attempt. */
    host: Schema.optionalKey(Schema.String),
  },
  TrialStarted: ofAttempt,
  /** Back to pending: the attempt is over without a result (lost, drained, preempted, paused sweep …). */
  TrialReleased: { ...ofAttempt, cause: StoredReason },
  /** A rule or a person asked the running attempt to end; the trial ends as `stopped` when the agent confirms. */
  TrialStopRequested: { ...ofTrial, reason: StoredReason },
  /**
   * `rule`: why a stopping rule set it aside; absent when a person did. `step`: of a member of a population, where it
   * waits for the others.
   */
  TrialPaused: { ...ofTrial, rule: Schema.optionalKey(StoredReason), step: Schema.optionalKey(Schema.Finite) },
  TrialResumed: ofTrial,
  /** A member of a population that waits resumes from the newest checkpoint of another's attempt, with `parameters`. */
  TrialExploited: {
    ...ofTrial,
    from: Schema.Struct({ trial: TrialNumber, epoch: Epoch, step: Schema.Int }),
    parameters: Parameters,
    reason: StoredReason,
  },
  TrialCompleted: { ...ofAttempt, objective: Objective, step: Schema.Finite, values: Values },
  /** The same run has been made in another sweep: its result stands for this trial's. */
  TrialReused: {
    ...ofTrial,
    from: Schema.Struct({ sweep: SweepId, trial: TrialNumber }),
    objective: Schema.Finite,
    values: Values,
  },
  TrialStopped: { ...ofTrial, reason: StoredReason, objective: Objective, values: Values },
  /** Of the class `oom`: the trial ends as infeasible, and `memory` says what was tried. */
  TrialFailed: {
    ...ofTrial,
    class: FailureClass,
    message: StoredReason,
    detail: Schema.NullOr(Schema.String),
    memory: Schema.optionalKey(OutOfMemory),
  },
  TrialCancelled: { ...ofTrial, reason: StoredReason },
  /** Something about this attempt that a user has to know; the trial continues as it would without. */
  TrialWarned: { ...ofAttempt, warning: TrialWarning },
  /** Files of the attempt are kept, whole: from now on they do not change. */
  ArtifactsKept: {
    ...ofAttempt,
    files: Schema.Array(Schema.Struct({ ...ArtifactFile.fields, sha256: Sha256 })),
  },
  VerdictReached: { ...ofTrial, verdict: Verdict },

  AgentConnected: { ...at, agent: AgentId, version: Schema.String, devices: Schema.Array(Schema.String) },
  /** It said that it takes no more, and left when it had nothing to do. */
  AgentLeft: { ...at, agent: AgentId },
  AgentLost: { ...at, agent: AgentId, reason: StoredReason },
  /** A user decided about the agent, and said why in words of their own: no new trials, trials again, or not to be served any more. */
  AgentOrdered: { ...at, agent: AgentId, order: Schema.Literals(["drain", "resume", "remove"]), reason: Schema.String },
  /** From here on it is another history than the one the backup was taken of: epochs begin beyond `epoch`. */
  StoreRestored: {
    ...at,
    epoch: Epoch,
    /** The backup; empty when nobody restored one, and an agent knew of more than the store. */
    from: Schema.String,
    agent: Schema.optionalKey(AgentId),
  },
})
export type Fact = typeof Fact.Type
export type FactOf<T extends Fact["_tag"]> = Extract<Fact, { readonly _tag: T }>

/** Where facts hold what was a sentence once. */
const codes: Readonly<Partial<Record<Fact["_tag"], "reason" | "cause" | "rule" | "message" | "origin">>> = {
  SweepStopped: "reason",
  SweepFinished: "reason",
  TrialCreated: "origin",
  TrialReleased: "cause",
  TrialStopRequested: "reason",
  TrialPaused: "rule",
  TrialExploited: "reason",
  TrialStopped: "reason",
  TrialFailed: "message",
  TrialCancelled: "reason",
  AgentLost: "reason",
}

/** Whether a fact, as it was read, holds a sentence where there is a code today. */
export const isOlderFact = (read: Fact): boolean => {
  const name = codes[read._tag]
  return name !== undefined && typeof (read as unknown as Readonly<Record<string, unknown>>)[name] === "string"
}

export const sweepOf = (fact: Fact): SweepId | null => ("sweep" in fact ? fact.sweep : null)
export const trialOf = (fact: Fact): TrialNumber | null => ("trial" in fact ? fact.trial : null)
