// Brings kept files of a trial to this machine: each into `.part` first, from where an earlier try broke off, and in place
// once its checksum holds. A file that is there already is left alone when it is the same, and never overwritten unasked.
import { appendFile, mkdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Artifact } from "@sweep/domain/Artifact"
import type { SweepId } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { sha256OfFile } from "@sweep/store/sha256OfFile"
import { badInput, stateFailure, unavailable } from "../exitCodes.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

export interface Pulled {
  readonly path: string
  readonly bytes: number
  /** It was here already. */
  readonly present: boolean
}

const sizeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ size }) => size,
    () => null,
  )

/** Below `directory`, under the names that `nameOf` gives. */
export const pullArtifacts = Effect.fn("pullArtifacts")(function* (
  sweep: SweepId,
  artifacts: ReadonlyArray<Artifact>,
  options: {
    readonly directory: string
    readonly nameOf: (path: string) => string
    readonly force: boolean
    readonly onBytes: (bytes: number) => void
  },
) {
  const api = yield* SweepApi
  const { directory, nameOf, force, onBytes } = options
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) => stateFailure(`cannot write to ${directory}: ${fileProblem(cause)}`),
    })

  const pullOne = Effect.fnUntraced(function* (artifact: Artifact) {
    const path = join(directory, nameOf(artifact.path))
    const part = `${path}.part`
    if ((yield* attempt(() => sizeOf(path))) !== null) {
      if ((yield* attempt(() => sha256OfFile(path))) === artifact.sha256) {
        onBytes(artifact.bytes)
        return { path, bytes: artifact.bytes, present: true } satisfies Pulled
      }
      if (!force) {
        return yield* badInput(
          `${path} is there already and is another file. Take it away, give --to another directory, or overwrite it with --force.`,
        )
      }
    }
    yield* attempt(() => mkdir(dirname(path), { recursive: true }))
    // A part of another file, or one damaged, shows in the checksum; then it is fetched once more from the start.
    for (const anew of [false, true]) {
      if (anew) yield* attempt(() => rm(part, { force: true }))
      const begun = (yield* attempt(() => sizeOf(part))) ?? 0
      const offset = begun <= artifact.bytes ? begun : 0
      if (offset === 0) yield* attempt(() => rm(part, { force: true }))
      onBytes(offset)
      yield* attempt(() => appendFile(part, ""))
      yield* api.fetchArtifact(sweep, artifact, offset).pipe(
        Stream.runForEach((piece) =>
          Effect.tap(
            attempt(() => appendFile(part, piece)),
            () => Effect.sync(() => onBytes(piece.byteLength)),
          ),
        ),
      )
      if ((yield* attempt(() => sha256OfFile(part))) === artifact.sha256) {
        yield* attempt(() => rename(part, path))
        return { path, bytes: artifact.bytes, present: false } satisfies Pulled
      }
    }
    return yield* unavailable(`${artifact.path} did not arrive as it is kept (its checksum differs); try again`)
  })
  return yield* Effect.forEach(artifacts, pullOne)
})
