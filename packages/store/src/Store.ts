// The contract of the store: facts and metrics, append-only, and the questions asked of them. Owns durability:
// what an effect of this service has returned for is committed. It decides nothing: no state machine, no verdict.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Curve, CurveFeatures } from "@sweep/domain/Curve"
import type { Fact } from "@sweep/domain/Fact"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { PointColumns } from "@sweep/domain/PointColumns"
import type { QueryResult } from "@sweep/domain/QueryResult"
import type { AttemptRecord, TrialDetails } from "@sweep/domain/SweepResults"
import type { TrialEvent } from "@sweep/domain/TrialEvent"

/** Thrown when the store cannot do its work: disk full, file damaged, owned by another process. `message` says what to do. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  reason: Schema.Literals(["locked", "corrupt", "full", "version", "io"]),
  message: Schema.String,
}) {}

/** A person's SQL that cannot be run, or may not be (anything but reading). */
export class QueryError extends Schema.TaggedError<QueryError>()("QueryError", { message: Schema.String }) {}

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

export class Store extends Context.Service<
  Store,
  {
    /** Commits the facts together, in this order. */
    readonly append: (facts: ReadonlyArray<Fact>) => Effect.Effect<void, StoreError>
    /** Every fact, in the order of their commits. */
    readonly facts: Effect.Effect<ReadonlyArray<Fact>, StoreError>
    /** Commits batches and log chunks together. Lines at or below the attempt's high-water mark are skipped, so resending is harmless. Returns the marks of the attempts named. */
    readonly ingest: (
      batches: ReadonlyArray<EventBatch>,
      logs: ReadonlyArray<LogChunk>,
    ) => Effect.Effect<ReadonlyArray<HighWater>, StoreError>
    /** Of every attempt that ever sent something. */
    readonly highWater: Effect.Effect<ReadonlyArray<HighWater>, StoreError>
    /** The greatest epoch in any fact; 0 for an empty store. */
    readonly lastEpoch: Effect.Effect<number, StoreError>

    /** At most `maxPoints` per curve, first, last, minimum and maximum kept. */
    readonly curves: (
      sweep: SweepId,
      options: {
        readonly metrics?: ReadonlyArray<string>
        readonly trials?: ReadonlyArray<TrialNumber>
        readonly maxPoints?: number
      },
    ) => Effect.Effect<ReadonlyArray<Curve>, StoreError>
    /** The last value and the best values of every metric per trial. */
    readonly lastValues: (
      sweep: SweepId,
      trial: TrialNumber,
    ) => Effect.Effect<
      ReadonlyArray<{
        readonly metric: string
        readonly step: number
        readonly last: number
        readonly min: number
        readonly max: number
      }>,
      StoreError
    >
    readonly features: (
      sweep: SweepId,
      trials?: ReadonlyArray<TrialNumber>,
    ) => Effect.Effect<ReadonlyArray<CurveFeatures>, StoreError>
    readonly details: (sweep: SweepId) => Effect.Effect<ReadonlyArray<TrialDetails>, StoreError>
    readonly attempts: (sweep: SweepId) => Effect.Effect<ReadonlyArray<AttemptRecord>, StoreError>
    /** The newest attempt's log from a byte offset on, at most `limit` bytes. */
    readonly log: (
      sweep: SweepId,
      trial: TrialNumber,
      stream: "stdout" | "stderr",
      from: { readonly epoch: Epoch | null; readonly offset: number },
      limit: number,
    ) => Effect.Effect<{ readonly epoch: Epoch | null; readonly text: string; readonly end: number }, StoreError>

    /** One statement that only reads, over the documented views. */
    readonly query: (sql: string, limit: number) => Effect.Effect<QueryResult, QueryError | StoreError>
    /** Writes `sweeps.parquet`, `trials.parquet`, `metrics.parquet`, `events.parquet` of one sweep; returns the paths. */
    readonly exportParquet: (sweep: SweepId, directory: string) => Effect.Effect<ReadonlyArray<string>, StoreError>
  }
>()("@sweep/store/Store") {}
