// What people and programs ask of a coordinator. One interface with two implementations: the coordinator itself and
// the gRPC client, so that whatever holds a SweepApi cannot tell whether the coordinator is in its process. One
// contract suite runs on both.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Artifact } from "@sweep/domain/Artifact"
import type { Slot } from "@sweep/domain/Device"
import type { Fact } from "@sweep/domain/Fact"
import type { AgentId, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Parameters } from "@sweep/domain/Parameter"
import type { QueryResult } from "@sweep/domain/QueryResult"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepResults } from "@sweep/domain/SweepResults"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import type { TrialState } from "@sweep/domain/Trial"
import type { FailureClass } from "@sweep/domain/TrialEvent"

/** No sweep or trial has this name. `known` holds the nearest names. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  message: Schema.String,
  known: Schema.Array(Schema.String),
}) {}

/** The request cannot be granted in the present state: resuming a finished sweep, a spec no backend can run. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", { message: Schema.String }) {}

/** The coordinator cannot be reached, broke off, or does not let this caller in. `message` says what to do. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  reason: Schema.Literals(["unreachable", "unreadable", "denied"]),
  message: Schema.String,
}) {}

/** Whether the coordinator was not there, or has gone: it may come back. */
export const isUnreachable = (error: unknown): error is Unavailable =>
  error instanceof Unavailable && error.reason === "unreachable"

export interface AgentStatus {
  readonly agent: AgentId
  readonly version: string
  readonly hostname: string
  readonly slots: ReadonlyArray<Slot>
  /** That its owner allows. */
  readonly trainers: ReadonlyArray<string>
  readonly running: ReadonlyArray<{ readonly sweep: SweepId; readonly trial: TrialNumber; readonly slot: number }>
  readonly state: "connected" | "draining" | "quarantined" | "suspect" | "lost"
}

/** Where a running trial is, from its newest report. */
export interface TrialProgress {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  readonly step: number
  readonly totalSteps: number | null
  /** The newest value of each metric. */
  readonly values: Readonly<Record<string, number>>
}

export type WatchEvent =
  /** First of all, and again whenever the watcher fell too far behind. */
  | { readonly _tag: "Snapshot"; readonly sweep: SweepState; readonly progress: ReadonlyArray<TrialProgress> }
  | { readonly _tag: "Recorded"; readonly fact: Fact }
  | { readonly _tag: "Progress"; readonly progress: ReadonlyArray<TrialProgress> }

export type ControlAction = "stop" | "pause" | "resume"

/**
 * `drain`: it finishes what runs and gets no more; `resume`: it gets trials again, out of a quarantine as well; `remove`:
 * its trials go to others at once, and it is not served any more.
 */
export type AgentOrder = "drain" | "resume" | "remove"

/** What a program that runs its own trials gets when it asks for one. */
export type Asked =
  | {
      readonly _tag: "Trial"
      readonly trial: TrialNumber
      readonly parameters: Parameters
      readonly seed: number
      /** Counts from 1; more when the trial was set aside and is given out again. */
      readonly attempt: number
    }
  /** Not before an open trial has ended. */
  | { readonly _tag: "Wait" }
  /** No more trials will come. */
  | { readonly _tag: "Ended"; readonly reason: string }

/** What such a program says of a trial. */
export interface Told {
  /** By growing step; values by metric name. */
  readonly reports: ReadonlyArray<{ readonly step: number; readonly values: Readonly<Record<string, number>> }>
  /** `null`: it continues. Finished without a value of the sweep's metric: the reports say it. */
  readonly end:
    | { readonly _tag: "Finished"; readonly values: Readonly<Record<string, number>> }
    | { readonly _tag: "Failed"; readonly class: FailureClass; readonly message: string }
    | null
}

/** Where the trial is after that. */
export interface Heard {
  readonly state: TrialState
  readonly objective: number | null
  /** Why it is not to continue: a stopping rule or a person ended it or set it aside. */
  readonly stop: string | null
}

/** What goes with a sweep. */
export interface Removal {
  readonly trials: number
  /** Points of metrics, of all attempts. */
  readonly points: number
  /** Of artifacts. */
  readonly files: number
  readonly bytes: number
}

/** A file of a source snapshot by its content. */
export interface SourceContent {
  /** Hexadecimal. */
  readonly sha256: string
  readonly bytes: number
}

export interface SourcePiece extends SourceContent {
  /** Where `data` begins. */
  readonly offset: number
  readonly data: Uint8Array
}

/** Files in one offer, at most. */
export const mostOffered = 5_000

export class SweepApi extends Context.Service<
  SweepApi,
  {
    readonly status: Effect.Effect<
      {
        readonly version: string
        readonly pid: number
        readonly home: string
        readonly agents: ReadonlyArray<AgentStatus>
      },
      Unavailable
    >
    /** Which of the files of a source snapshot are missing, and from which byte on. */
    readonly offerSources: (
      contents: ReadonlyArray<SourceContent>,
    ) => Effect.Effect<ReadonlyArray<{ readonly sha256: string; readonly offset: number }>, Refused | Unavailable>
    /**
     * Pieces of such files, together at most 1 MiB; those of a file come in order. `Refused` means that the file has to be
     * offered again.
     */
    readonly putSources: (pieces: ReadonlyArray<SourcePiece>) => Effect.Effect<void, Refused | Unavailable>
    /** Of a spec with a snapshot, every file has to be there. */
    readonly submit: (spec: SweepSpec) => Effect.Effect<SweepId, Refused | Unavailable>
    /** Without trials' values it is a light list; newest first. */
    readonly list: Effect.Effect<ReadonlyArray<SweepState>, Unavailable>
    readonly get: (sweep: SweepId) => Effect.Effect<SweepState, NotFound | Unavailable>
    readonly results: (
      sweep: SweepId,
      options: {
        readonly maxPoints: number
        /** Curves of these metrics and trials are enough: a coordinator in this process reads no others; one elsewhere may. */
        readonly metrics?: ReadonlyArray<string>
        readonly trials?: ReadonlyArray<TrialNumber>
      },
    ) => Effect.Effect<SweepResults, NotFound | Unavailable>
    /** Ends when the sweep has ended and everything about it was sent. */
    readonly watch: (sweep: SweepId) => Stream.Stream<WatchEvent, NotFound | Unavailable>
    readonly control: (
      sweep: SweepId,
      trial: TrialNumber | null,
      action: ControlAction,
      reason: Reason,
    ) => Effect.Effect<void, NotFound | Refused | Unavailable>
    /** An order to an agent that stands until the next one, also over restarts of the coordinator. */
    readonly orderAgent: (
      agent: AgentId,
      order: AgentOrder,
      reason: string,
    ) => Effect.Effect<void, NotFound | Refused | Unavailable>
    /** The newest lines of an agent's own log, the oldest first; only of a connected agent of version 2. */
    readonly agentLog: (agent: AgentId) => Effect.Effect<ReadonlyArray<string>, NotFound | Unavailable>
    /** Only of a sweep with an external trainer. */
    readonly ask: (sweep: SweepId) => Effect.Effect<Asked, NotFound | Refused | Unavailable>
    readonly tell: (
      sweep: SweepId,
      trial: TrialNumber,
      told: Told,
    ) => Effect.Effect<Heard, NotFound | Refused | Unavailable>
    /** Appends a revision of the sweep, made from `revision`; one that has ended continues. Returns the new number. */
    readonly extend: (
      sweep: SweepId,
      spec: SweepSpec,
      revision: number,
    ) => Effect.Effect<number, NotFound | Refused | Unavailable>
    /** The trial once more with some parameters changed, once per seed of the sweep. Returns the new numbers. */
    readonly clone: (
      sweep: SweepId,
      trial: TrialNumber,
      changes: Parameters,
    ) => Effect.Effect<ReadonlyArray<TrialNumber>, NotFound | Refused | Unavailable>
    /** Removes a sweep that has ended, with all that is kept of it. `preview` only says what would go, or refuses. */
    readonly remove: (
      sweep: SweepId,
      options: { readonly preview: boolean },
    ) => Effect.Effect<Removal, NotFound | Refused | Unavailable>
    readonly logs: (
      sweep: SweepId,
      trial: TrialNumber,
      options: { readonly stream: "stdout" | "stderr"; readonly follow: boolean },
    ) => Stream.Stream<string, NotFound | Unavailable>
    readonly query: (sql: string, limit: number) => Effect.Effect<QueryResult, Refused | Unavailable>
    /** A copy of the whole database as of one moment, in chunks of at most 1 MiB. */
    readonly backup: Stream.Stream<Uint8Array, Unavailable>
    /** The files of one sweep, whole, in chunks of at most 1 MiB. */
    readonly exportParquet: (
      sweep: SweepId,
    ) => Stream.Stream<{ readonly file: string; readonly chunk: Uint8Array }, NotFound | Unavailable>
    /** The files that are kept of one trial, or of all of the sweep. */
    readonly artifacts: (
      sweep: SweepId,
      trial: TrialNumber | null,
    ) => Effect.Effect<ReadonlyArray<Artifact>, NotFound | Unavailable>
    /** The bytes of one of them from `offset` on. */
    readonly fetchArtifact: (
      sweep: SweepId,
      artifact: Pick<Artifact, "trial" | "epoch" | "path">,
      offset: number,
    ) => Stream.Stream<Uint8Array, NotFound | Unavailable>
  }
>()("@sweep/protocol/SweepApi") {}
