// Everything that is known of one sweep, as one value: what a report is rendered from and what a reader over the
// network receives. Owns the shape only.
import type { Reason } from "../reason/Reason.ts"
import type { Curve } from "../trial/Curve.ts"
import type { AgentId, TrialNumber } from "../Id.ts"
import type { SweepState } from "./SweepState.ts"
import type { TrialEventOf } from "../trial/TrialEvent.ts"

/** What the trainer said of one trial besides its metrics, from the newest attempt that said it. */
export interface TrialDetails {
  readonly trial: TrialNumber
  readonly started: TrialEventOf<"started"> | null
  readonly memory: TrialEventOf<"memory"> | null
  readonly finished: TrialEventOf<"finished"> | null
  readonly post: TrialEventOf<"post"> | null
  readonly samples: ReadonlyArray<TrialEventOf<"sample">>
}

/** One dispatch of a trial. */
export interface AttemptRecord {
  readonly trial: TrialNumber
  readonly attempt: number
  readonly agent: AgentId
  /** Milliseconds since the Unix epoch. */
  readonly assignedAt: number
  readonly endedAt: number | null
  /** How it ended: `completed`, `failed`, `released` …; `null` while it runs. */
  readonly end: string | null
  /** Why it was released. */
  readonly cause: Reason | null
}

export interface SweepResults {
  readonly sweep: SweepState
  readonly curves: ReadonlyArray<Curve>
  readonly details: ReadonlyArray<TrialDetails>
  readonly attempts: ReadonlyArray<AttemptRecord>
  /** Milliseconds since the Unix epoch at which this was read. */
  readonly at: number
}
