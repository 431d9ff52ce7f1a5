// Where the files that trials leave are kept. Owns the contract: a file comes in pieces, in order, each answered with how
// far it is, so that an upload continues where it broke off; it counts only once all of it is there and its checksum
// holds. FolderArtifacts.ts keeps it.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Artifact, ArtifactFile, ArtifactOwner } from "@sweep/domain/Artifact"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"

/** What was sent does not fit what is there, or what was promised. `message` is for the agent's log. */
export class ArtifactMismatch extends Schema.TaggedError<ArtifactMismatch>()("ArtifactMismatch", {
  message: Schema.String,
}) {}

/** The disk is full, or cannot be written or read. `message` says which file and why. */
export class ArtifactsUnusable extends Schema.TaggedError<ArtifactsUnusable>()("ArtifactsUnusable", {
  message: Schema.String,
}) {}

export class ArtifactStore extends Context.Service<
  ArtifactStore,
  {
    /** The folder, and what its `markerFile` says: who reads the same there shares it. */
    readonly shared: { readonly folder: string; readonly marker: string }
    /** Of one trial, or of all of the sweep: whole files only, by trial, attempt and path. */
    readonly list: (
      sweep: SweepId,
      trial: TrialNumber | null,
    ) => Effect.Effect<ReadonlyArray<Artifact>, ArtifactsUnusable>
    /** Bytes of a file that are here already; `null` when it is whole. */
    readonly received: (owner: ArtifactOwner, file: ArtifactFile) => Effect.Effect<number | null, ArtifactsUnusable>
    /** Appends a piece at `offset`, which has to be how far the file is. Returns how far it is then. */
    readonly write: (
      owner: ArtifactOwner,
      piece: { readonly path: string; readonly offset: number; readonly data: Uint8Array },
    ) => Effect.Effect<number, ArtifactMismatch | ArtifactsUnusable>
    /** Where a writer on a file system shared with this store may put the file instead of sending it, before `complete`. */
    readonly place: (owner: ArtifactOwner, path: string) => string
    /** The file is all there: it is kept if it has this size and checksum (hexadecimal SHA-256), else thrown away. */
    readonly complete: (
      owner: ArtifactOwner,
      file: ArtifactFile & { readonly sha256: string },
    ) => Effect.Effect<void, ArtifactMismatch | ArtifactsUnusable>
    /** Where a whole file lies, to be read. */
    readonly locate: (sweep: SweepId, artifact: Pick<Artifact, "trial" | "epoch" | "path">) => string
    /**
     * Removes all of the trial but what `keeps` chooses, and what of other attempts than `newest` is not whole: files of
     * the newest may be on their way.
     */
    readonly retain: (
      sweep: SweepId,
      trial: TrialNumber,
      newest: Epoch | null,
      keeps: (all: ReadonlyArray<Artifact>) => ReadonlyArray<Artifact>,
    ) => Effect.Effect<void, ArtifactsUnusable>
    /** What lies on the disk of the sweep, files that are not whole included. */
    readonly sizeOf: (
      sweep: SweepId,
    ) => Effect.Effect<{ readonly files: number; readonly bytes: number }, ArtifactsUnusable>
    /** Nothing happens when there is nothing of it. */
    readonly removeSweep: (sweep: SweepId) => Effect.Effect<void, ArtifactsUnusable>
  }
>()("@sweep/store/ArtifactStore") {}
