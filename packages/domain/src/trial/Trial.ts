// One trial and its state machine:
//
//   pending → assigned → running → completed | stopped | failed | infeasible | cancelled
//   pending → completed          (another sweep's result stands for it)
//   assigned/running → pending   (released: the agent was lost, drained or preempted; attempt + 1)
//   pending/assigned/running ⇄ paused
//
// Owns which moves are legal. The first terminal state wins: every later fact about the trial changes nothing.
import type { AgentId, Epoch, SweepId, TrialNumber, TrialRef } from "../Id.ts"
import type { Parameters } from "../space/Parameter.ts"
import type { Reason } from "../reason/Reason.ts"
import type { Origin } from "./Origin.ts"
import type { OutOfMemory } from "./OutOfMemory.ts"
import type { FailureClass } from "./TrialEvent.ts"
import type { TrialWarning } from "./TrialWarning.ts"
import type { Verdict } from "./Verdict.ts"

export type TrialState =
  | "pending"
  | "assigned"
  | "running"
  | "paused"
  | "completed"
  | "stopped"
  | "failed"
  /** It does not fit into the memory there is, in no way that gives the same result. */
  | "infeasible"
  | "cancelled"

export const trialStates: ReadonlyArray<TrialState> = [
  "pending",
  "assigned",
  "running",
  "paused",
  "completed",
  "stopped",
  "failed",
  "infeasible",
  "cancelled",
]

/** Milliseconds its attempts ran, until `now` where one still does: what every screen and report calls its duration. */
export const ranFor = ({ busyMs, busySince }: Pick<Trial, "busyMs" | "busySince">, now: number): number =>
  busyMs + (busySince === null ? 0 : Math.max(0, now - busySince))

const terminal: ReadonlySet<TrialState> = new Set<TrialState>([
  "completed",
  "stopped",
  "failed",
  "infeasible",
  "cancelled",
])
export const isTerminal = (state: TrialState): boolean => terminal.has(state)

const legal: Readonly<Record<TrialState, ReadonlyArray<TrialState>>> = {
  pending: ["assigned", "paused", "completed", "cancelled", "stopped", "failed", "infeasible"],
  assigned: ["running", "pending", "paused", "completed", "stopped", "failed", "infeasible", "cancelled"],
  running: ["pending", "paused", "completed", "stopped", "failed", "infeasible", "cancelled"],
  paused: ["pending", "cancelled", "stopped"],
  completed: [],
  stopped: [],
  failed: [],
  infeasible: [],
  cancelled: [],
}
/** Ended without a result: there are no files of it to keep, and nothing to learn of its objective. */
export const hasFailed = (state: TrialState): boolean => state === "failed" || state === "infeasible"

export const canMove = (from: TrialState, to: TrialState): boolean => legal[from].includes(to)

export interface Failure {
  readonly class: FailureClass
  readonly message: Reason
  readonly detail: string | null
  /** Where the class is `oom` and the trainer said more. */
  readonly memory?: OutOfMemory
}

/** A member of a population took another's place: its weights and the state of its optimiser. */
export interface Exploit {
  /** Whose checkpoint it is, of which of its attempts. */
  readonly trial: TrialNumber
  readonly epoch: Epoch
  /** Optimiser steps. */
  readonly step: number
  /** The trial's own newest attempt until then: what that left is no longer resumed from. */
  readonly after: Epoch | null
  /** The trial's parameters until then. */
  readonly replaced: Parameters
  readonly reason: Reason
}

export interface Trial {
  readonly sweep: SweepId
  readonly number: TrialNumber
  readonly parameters: Parameters
  readonly seed: number
  /** Which spec revision it was made under. */
  readonly revision: number
  /** Who chose its parameters. */
  readonly origin: Origin
  readonly state: TrialState
  /** Counts from 1; 0 before the first dispatch. */
  readonly attempt: number
  /** Of the newest dispatch; `null` before the first. Only messages with this epoch are accepted. */
  readonly epoch: Epoch | null
  readonly agent: AgentId | null
  readonly slot: number | null
  /** Where the newest attempt's agent works; `null` when that is not known. */
  readonly host: string | null
  /** The value of the sweep's metric, by its `summary`; `null` while unknown. */
  readonly objective: number | null
  /** The last values reported, by metric name. */
  readonly values: Readonly<Record<string, number>>
  /** Optimiser steps it had done when it completed; `null` before, and where nobody said so. */
  readonly lastStep: number | null
  /** Why a rule or a person ended it early; `null` when it was not. */
  readonly stopReason: Reason | null
  readonly failure: Failure | null
  readonly verdict: Verdict | null
  /** The trial of another sweep whose result this is; `null` when it ran itself. */
  readonly reusedFrom: TrialRef | null
  /** Milliseconds since the Unix epoch, stamped by the coordinator. */
  readonly createdAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  /** Milliseconds that attempts ran, those that are over, and since when the present one runs. */
  readonly busyMs: number
  readonly busySince: number | null
  /** How often it has waited for its population, and the optimiser step at which it did last. */
  readonly rounds: number
  readonly waitedAt: number | null
  /** In their order; the parameters after the last one are the trial's. */
  readonly lineage: ReadonlyArray<Exploit>
  /** What a user has to know of its attempts, oldest first. */
  readonly warnings: ReadonlyArray<TrialWarning & { readonly epoch: Epoch }>
}
