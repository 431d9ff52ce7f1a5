// What an agent and the coordinator exchange about the files of trials, beside the session, so that metrics never wait
// for them. One interface with two implementations: the coordinator itself and the gRPC client of an agent.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Artifact, ArtifactFile, ArtifactOwner } from "@sweep/domain/Artifact"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { NotFound, Refused, Unavailable } from "./SweepApi.ts"

/** Bytes of a file in one message, at most. */
export const pieceBytes = 1024 * 1024

export interface Wanted {
  readonly path: string
  /** Bytes that the coordinator has already. */
  readonly offset: number
  /** Where an agent that shares the folder may put the file. */
  readonly place: string
}

export interface Offer {
  readonly wanted: ReadonlyArray<Wanted>
  /** The folder, and what its `markerFile` says: who reads the same there shares it. */
  readonly folder: string
  readonly marker: string
}

export interface Piece extends ArtifactFile {
  /** Where `data` begins. */
  readonly offset: number
  readonly data: Uint8Array
  /** Of the whole file, hexadecimal, with the last piece; `null` with every other. */
  readonly sha256: string | null
}

/** A file of a source snapshot by its content, from a byte on. */
export interface WantedSource {
  readonly sha256: string
  readonly offset: number
}

/** `file`: which of those that were asked for. Pieces of a file come in order, and files one after the other. */
export interface SourceData {
  readonly file: number
  readonly data: Uint8Array
}

export type Kept = Pick<Artifact, "epoch" | "path" | "bytes" | "sha256">

export class ArtifactExchange extends Context.Service<
  ArtifactExchange,
  {
    /** Which of the files of an attempt that is over are wanted. */
    readonly offer: (
      owner: ArtifactOwner,
      files: ReadonlyArray<ArtifactFile>,
    ) => Effect.Effect<Offer, Refused | Unavailable>
    /** Pieces of a file come in order; `Refused` means that it has to be sent again from the start. */
    readonly put: (owner: ArtifactOwner, piece: Piece) => Effect.Effect<void, Refused | Unavailable>
    /** The files of the checkpoints that are kept of a trial's newest attempt with one; empty when there is none. */
    readonly listCheckpoint: (
      sweep: SweepId,
      trial: TrialNumber,
    ) => Effect.Effect<ReadonlyArray<Kept>, Refused | Unavailable>
    readonly fetch: (
      sweep: SweepId,
      trial: TrialNumber,
      file: Pick<Kept, "epoch" | "path">,
    ) => Stream.Stream<Uint8Array, NotFound | Refused | Unavailable>
    /** Files of the source snapshot of a sweep, its manifest among them; only for an agent that has a trial of the sweep. */
    readonly fetchSources: (
      sweep: SweepId,
      wanted: ReadonlyArray<WantedSource>,
    ) => Stream.Stream<SourceData, NotFound | Refused | Unavailable>
  }
>()("@sweep/protocol/ArtifactExchange") {}
