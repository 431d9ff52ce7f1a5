// A file of chunks, written whole or not at all.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { stateFailure } from "../exitCodes.ts"
import { makeFolder } from "../folders.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

/** Written beside it, on the disk before it has its name: a file of that name is whole. */
export const writeWhole = <E, R>(path: string, chunks: Stream.Stream<Uint8Array, E, R>) => {
  const part = `${path}.part`
  const failed = (cause: unknown) => stateFailure(`cannot write the backup: ${fileProblem(cause)}`)
  return Effect.acquireUseRelease(
    Effect.try({
      try: () => {
        makeFolder(dirname(path))
        return openSync(part, "w", 0o600)
      },
      catch: failed,
    }),
    (file) =>
      Effect.gen(function* () {
        let size = 0
        yield* Stream.runForEach(chunks, (chunk) =>
          Effect.try({
            try: () => {
              for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at)
              size += chunk.length
            },
            catch: failed,
          }),
        )
        yield* Effect.try({
          try: () => {
            fsyncSync(file)
            renameSync(part, path)
          },
          catch: failed,
        })
        return size
      }),
    (file) =>
      Effect.sync(() => {
        closeSync(file)
        rmSync(part, { force: true })
      }),
  )
}
