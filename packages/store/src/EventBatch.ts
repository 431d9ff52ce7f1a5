// What agents send of an attempt, and how much of it is committed.
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { PointColumns } from "@sweep/domain/PointColumns"
import type { TrialEvent } from "@sweep/domain/TrialEvent"

/** A run of spool lines of one attempt: `firstSeq` … `lastSeq` without a hole. */
export interface EventBatch {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  readonly epoch: Epoch
  readonly firstSeq: number
  readonly lastSeq: number
  readonly points: PointColumns
  /** The lines that are not metrics. */
  readonly events: ReadonlyArray<TrialEvent>
}

export interface LogChunk {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  readonly epoch: Epoch
  readonly stream: "stdout" | "stderr"
  /** Byte offset of the chunk in the attempt's log. */
  readonly offset: number
  readonly text: string
  /** Byte offset after the chunk. */
  readonly end: number
}

/** Up to where an attempt's spool and logs are committed. */
export interface HighWater {
  readonly epoch: Epoch
  readonly seq: number
  readonly stdout: number
  readonly stderr: number
}
