// Brings the files of a source snapshot that this host lacks from the coordinator, each checked against its name, from where
// an earlier try broke off. Owns that transfer. A coordinator that is away for a moment is waited for.
import { rmSync, statSync } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { SweepId } from "@sweep/domain/Id"
import type { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { isUnreachable, type SourceContent } from "@sweep/protocol/SweepApi"
import { sha256OfFile } from "./sha256OfFile.ts"
import type { SourceCache } from "./SourceCache.ts"

/** Files in one request. */
const batch = 500
/** Tries of one file that arrives damaged. */
const mostTries = 3
const away = { times: 100, schedule: Schedule.spaced("2 seconds"), while: isUnreachable }

const fetchBatch = Effect.fnUntraced(function* (
  exchange: ArtifactExchange["Service"],
  cache: SourceCache,
  sweep: SweepId,
  contents: ReadonlyArray<SourceContent>,
) {
  const missing = contents.filter(({ sha256, bytes }) => !cache.has(sha256, bytes))
  const wanted = missing.map(({ sha256, bytes }) => {
    const size = statSync(cache.part(sha256), { throwIfNoEntry: false })?.size ?? 0
    return { sha256, offset: size <= bytes ? size : 0 }
  })
  let current: { readonly file: number; readonly handle: FileHandle } | undefined
  const close = Effect.promise(async () => {
    await current?.handle.close()
    current = undefined
  })
  // Every file is opened, so that an empty one is there, too.
  const openAt = (file: number) =>
    Effect.promise(async () => {
      const { sha256, offset } = wanted[file]!
      current = { file, handle: await open(cache.part(sha256), offset === 0 ? "w" : "a", 0o600) }
    })
  const reach = Effect.fnUntraced(function* (file: number) {
    while (current?.file !== file) {
      const next = current === undefined ? 0 : current.file + 1
      yield* close
      yield* openAt(next)
    }
  })
  yield* exchange
    .fetchSources(
      sweep,
      wanted.map(({ sha256, offset }) => ({ sha256, offset })),
    )
    .pipe(
      Stream.runForEach(({ file, data }) =>
        Effect.gen(function* () {
          if (file >= wanted.length || file < (current?.file ?? 0)) {
            return yield* Effect.fail({ message: "the coordinator sent a file that was not asked for" })
          }
          yield* reach(file)
          yield* Effect.promise(() => current!.handle.writeFile(data))
        }),
      ),
      Effect.andThen(wanted.length === 0 ? Effect.void : reach(wanted.length - 1)),
      Effect.ensuring(close),
    )
  const damaged: Array<string> = []
  for (const { sha256 } of missing) {
    if ((yield* Effect.promise(() => sha256OfFile(cache.part(sha256)))) === sha256) {
      cache.complete(sha256)
      continue
    }
    rmSync(cache.part(sha256), { force: true })
    damaged.push(sha256)
  }
  return damaged
})

/** Fails with a sentence when a file cannot be had. */
export const fetchSources = Effect.fn("fetchSources")(function* (
  exchange: ArtifactExchange["Service"],
  cache: SourceCache,
  sweep: SweepId,
  contents: ReadonlyArray<SourceContent>,
) {
  const missing = contents.filter(({ sha256, bytes }) => !cache.has(sha256, bytes))
  for (let from = 0; from < missing.length; from += batch) {
    const part = missing.slice(from, from + batch)
    let damaged: ReadonlyArray<string> = []
    for (let tries = 0; tries === 0 || (damaged.length > 0 && tries < mostTries); tries++) {
      // What arrived before it broke off is not asked for again.
      damaged = yield* Effect.suspend(() => fetchBatch(exchange, cache, sweep, part)).pipe(Effect.retry(away))
    }
    if (damaged.length > 0) {
      return yield* Effect.fail({ message: `${damaged[0]!.slice(0, 12)} did not arrive as its name says` })
    }
  }
  return missing.length
})
