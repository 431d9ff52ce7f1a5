// Files of source snapshots in a folder: <directory>/<two digits>/<sha256>, an unfinished one with `.part` behind its name.
// Owns this layout. A file gets its name in one step, after its content was checked and is on the disk.
import { createHash } from "node:crypto"
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fileSize } from "../artifacts/fileSize.ts"
import { freeOn } from "../artifacts/freeOn.ts"
import { roomProblem } from "../artifacts/roomProblem.ts"
import { sha256OfFile } from "../artifacts/sha256OfFile.ts"
import { type Content, SourceMismatch, SourceStore, SourcesUnusable } from "./SourceStore.ts"

export interface Options {
  readonly directory: string
  /** Bytes of its disk that are left free, for the database beside them; 0 unless given. */
  readonly reserve?: number
}

const name = /^[0-9a-f]{64}(?:\.part)?$/

export const layer = ({ directory: given, reserve = 0 }: Options): Layer.Layer<SourceStore> =>
  Layer.sync(SourceStore, () => {
    const directory = resolve(given)
    const locate = (sha256: string) => join(directory, sha256.slice(0, 2), sha256)
    const partOf = (sha256: string) => `${locate(sha256)}.part`

    const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, SourcesUnusable> =>
      Effect.tryPromise({
        try: run,
        catch: (error) => {
          const { code, message } = error as NodeJS.ErrnoException
          return new SourcesUnusable({
            message:
              code === "ENOSPC" || code === "EDQUOT"
                ? `the disk of ${directory} is full`
                : `source snapshots in ${directory}: ${message}`,
          })
        },
      })

    const hasRoom = (more: number) =>
      Effect.suspend(() => {
        const left = reserve === 0 ? Infinity : (freeOn(directory) ?? Infinity)
        const message = roomProblem(directory, left, reserve, more)
        return message === null ? Effect.void : Effect.fail(new SourcesUnusable({ message }))
      })

    const received = ({ sha256, bytes }: Content) =>
      attempt(async () => {
        if ((await fileSize(locate(sha256))) === bytes) return null
        const size = (await fileSize(partOf(sha256))) ?? 0
        // A part that has everything and is no whole file did not hold.
        return size < bytes ? size : 0
      })

    return {
      received,
      write: ({ sha256, bytes }, { offset, data }) =>
        Effect.gen(function* () {
          const here = yield* received({ sha256, bytes })
          // Sent once more because the answer was lost, or by somebody else meanwhile.
          if (here === null) return
          if (offset !== 0 && offset !== here) {
            return yield* new SourceMismatch({
              message: `${sha256} is at byte ${here}, and the piece begins at ${offset}`,
            })
          }
          yield* hasRoom(bytes - offset)
          const end = offset + data.byteLength
          if (end > bytes) return yield* new SourceMismatch({ message: `${sha256} has more than ${bytes} bytes` })
          const part = partOf(sha256)
          yield* attempt(async () => {
            await mkdir(dirname(part), { recursive: true, mode: 0o700 })
            const file = await open(part, offset === 0 ? "w" : "a", 0o600)
            try {
              await file.writeFile(data)
              if (end === bytes) await file.sync()
            } finally {
              await file.close()
            }
          })
          if (end < bytes) return
          const found =
            offset === 0 ? createHash("sha256").update(data).digest("hex") : yield* attempt(() => sha256OfFile(part))
          if (found !== sha256) {
            yield* attempt(() => rm(part, { force: true }))
            return yield* new SourceMismatch({
              message: `${sha256} did not arrive as it was sent: its checksum differs`,
            })
          }
          yield* attempt(() => rename(part, locate(sha256)))
        }),
      locate,
      sweepUp: (isNeeded, idleMillis) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          return yield* attempt(async () => {
            let removed = 0
            for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])) {
              if (!entry.isFile() || !name.test(entry.name) || isNeeded(entry.name.slice(0, 64))) continue
              const path = join(entry.parentPath, entry.name)
              if (now - (await stat(path)).mtimeMs < idleMillis) continue
              await rm(path, { force: true })
              removed++
            }
            return removed
          })
        }),
    }
  })
