// Where the files of source snapshots are kept, each once, named by its content. Owns the contract: a file comes in pieces
// that can continue where they broke off, and counts once its content is what its name says. FolderSources.ts keeps it.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What was sent does not fit what is there, or the name. `message` is for a person. */
export class SourceMismatch extends Schema.TaggedError<SourceMismatch>()("SourceMismatch", {
  message: Schema.String,
}) {}

/** The disk is full, or cannot be written or read. `message` says which file and why. */
export class SourcesUnusable extends Schema.TaggedError<SourcesUnusable>()("SourcesUnusable", {
  message: Schema.String,
}) {}

/** A file by its content: hexadecimal SHA-256 and size. */
export interface Content {
  readonly sha256: string
  readonly bytes: number
}

export class SourceStore extends Context.Service<
  SourceStore,
  {
    /** Bytes of a file that are here already; `null` when it is whole. */
    readonly received: (content: Content) => Effect.Effect<number | null, SourcesUnusable>
    /** Appends a piece at `offset`, which has to be how far the file is. The last piece completes it. */
    readonly write: (
      content: Content,
      piece: { readonly offset: number; readonly data: Uint8Array },
    ) => Effect.Effect<void, SourceMismatch | SourcesUnusable>
    /** Where a whole file lies, to be read. */
    readonly locate: (sha256: string) => string
    /** Removes every file that `isNeeded` does not name and that nothing was written to for `idleMillis`. Returns how many. */
    readonly sweepUp: (
      isNeeded: (sha256: string) => boolean,
      idleMillis: number,
    ) => Effect.Effect<number, SourcesUnusable>
  }
>()("@sweep/store/SourceStore") {}
