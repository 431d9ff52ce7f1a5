// Source snapshots as people and agents meet them: files named by their content, offered and sent before a sweep is
// submitted, fetched by agents that have a trial of the sweep. Owns who may read which file, that a sweep with a snapshot
// is only taken when every file of it is there, and letting go of what no sweep needs. Without a store none are taken.
import { createReadStream } from "node:fs"
import { readFile } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { SweepId } from "@sweep/domain/Id"
import { mostManifestBytes, SnapshotManifest } from "@sweep/domain/Snapshot"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { type ArtifactExchange, pieceBytes, type SourceData } from "@sweep/protocol/ArtifactExchange"
import { Caller } from "@sweep/protocol/Caller"
import { NotFound, Refused, type SweepApi, Unavailable } from "@sweep/protocol/SweepApi"
import { SourceStore, type SourcesUnusable } from "@sweep/store/SourceStore"
import type { Journal } from "../state/Journal.ts"

export interface Sources {
  readonly offer: SweepApi["Service"]["offerSources"]
  readonly put: SweepApi["Service"]["putSources"]
  readonly fetch: ArtifactExchange["Service"]["fetchSources"]
  /** Fails unless everything of the spec's snapshot is here. */
  readonly check: (spec: SweepSpec) => Effect.Effect<void, Refused | Unavailable>
  /** Lets go of files that no sweep needs. */
  readonly run: Effect.Effect<never>
}

/** Of one file. */
const mostBytes = 64 * 2 ** 30
/** How long a file stays that no sweep needs: its sweep may be about to be submitted. */
const idleMillis = 24 * 3_600_000

const decodeManifest = Schema.decodeUnknownEffect(Schema.fromJsonString(SnapshotManifest))

const unavailable = ({ message }: SourcesUnusable) => new Unavailable({ reason: "unreachable", message })

const noStore = new Refused({ message: "this coordinator takes no source snapshots" })

const none: Sources = {
  offer: () => Effect.fail(noStore),
  put: () => Effect.fail(noStore),
  fetch: () => Stream.fail(noStore),
  check: ({ snapshot }) => (snapshot === undefined ? Effect.void : Effect.fail(noStore)),
  run: Effect.never,
}

export const makeSources = Effect.fnUntraced(function* ({ state, listen }: Journal) {
  const found = yield* Effect.serviceOption(SourceStore)
  if (Option.isNone(found)) return none
  const store = found.value

  type Named = NonNullable<SweepSpec["snapshot"]>
  /** Sizes of the files of snapshots, by the manifest's name; a manifest does not change. */
  const known = new Map<string, ReadonlyMap<string, number>>()
  const filesOf = Effect.fnUntraced(function* ({ sha256 }: Named) {
    const remembered = known.get(sha256)
    if (remembered !== undefined) return remembered
    const text = yield* Effect.tryPromise({
      try: () => readFile(store.locate(sha256), "utf8"),
      catch: () =>
        new Refused({ message: `the source snapshot ${sha256.slice(0, 12)} is not here; submit the sweep again` }),
    })
    const manifest = yield* Effect.mapError(
      decodeManifest(text),
      () =>
        new Refused({ message: `the source snapshot ${sha256.slice(0, 12)} is none that this coordinator can read` }),
    )
    const files = new Map(
      manifest.roots.flatMap((root) => root.files.map((file) => [file.sha256, file.bytes] as const)),
    )
    known.set(sha256, files)
    return files
  })

  /** The sweep's snapshot, for an agent that has a trial of it. */
  const readable = Effect.fnUntraced(function* (id: SweepId) {
    const snapshot = state.sweeps.get(id)?.spec.snapshot
    if (snapshot === undefined) return yield* new NotFound({ message: `${id} has no source snapshot`, known: [] })
    const caller = yield* Caller
    for (const { state: status, agent } of state.open(id).values()) {
      if ((status === "assigned" || status === "running") && agent !== null && caller.speaksFor(agent)) return snapshot
    }
    return yield* new Refused({
      message: `no trial of ${id} is with ${caller.agents}: its sources are for agents that have one`,
    })
  })

  const read = (file: number, sha256: string, offset: number): Stream.Stream<SourceData, Unavailable> =>
    Stream.fromAsyncIterable(
      createReadStream(store.locate(sha256), { start: offset, highWaterMark: pieceBytes }) as AsyncIterable<Buffer>,
      (error) => new Unavailable({ reason: "unreachable", message: `a file of a source snapshot: ${String(error)}` }),
    ).pipe(Stream.map((data) => ({ file, data })))

  const cleanUp = Effect.gen(function* () {
    const needed = new Set<string>()
    for (const { spec } of state.sweeps.values()) {
      if (spec.snapshot === undefined) continue
      needed.add(spec.snapshot.sha256)
      // One that cannot be read needs nothing that could be read.
      const files = yield* Effect.option(filesOf(spec.snapshot))
      if (Option.isSome(files)) for (const sha256 of files.value.keys()) needed.add(sha256)
    }
    known.clear()
    yield* store.sweepUp((sha256) => needed.has(sha256), idleMillis)
  }).pipe(Effect.catch(({ message }) => Effect.logWarning(message)))

  const removed = yield* Queue.sliding<void>(1)
  listen((facts) => {
    if (facts.some(({ _tag }) => _tag === "SweepRemoved")) Queue.offerUnsafe(removed, undefined)
  })

  return {
    offer: Effect.fnUntraced(function* (contents) {
      const missing: Array<{ readonly sha256: string; readonly offset: number }> = []
      for (const content of contents) {
        if (content.bytes > mostBytes) {
          return yield* new Refused({
            message: `a file of a source snapshot has ${content.bytes} bytes; at most ${mostBytes}`,
          })
        }
        const offset = yield* Effect.mapError(store.received(content), unavailable)
        if (offset !== null) missing.push({ sha256: content.sha256, offset })
      }
      return missing
    }),

    put: (pieces) =>
      Effect.forEach(pieces, (piece) => store.write(piece, piece), { discard: true }).pipe(
        Effect.catchTags({
          SourceMismatch: ({ message }) => Effect.fail(new Refused({ message })),
          SourcesUnusable: (error) => Effect.fail(unavailable(error)),
        }),
      ),

    check: Effect.fnUntraced(function* ({ snapshot }) {
      if (snapshot === undefined) return
      if (snapshot.manifestBytes > mostManifestBytes) {
        return yield* new Refused({ message: "the list of the source snapshot's files is too long" })
      }
      const files = yield* filesOf(snapshot)
      for (const [sha256, bytes] of files) {
        if ((yield* Effect.mapError(store.received({ sha256, bytes }), unavailable)) !== null) {
          return yield* new Refused({
            message: "not every file of the source snapshot has arrived; submit the sweep again",
          })
        }
      }
    }),

    fetch: (sweep, wanted) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const snapshot = yield* readable(sweep)
          const files = yield* filesOf(snapshot)
          for (const { sha256 } of wanted) {
            if (sha256 !== snapshot.sha256 && !files.has(sha256)) {
              return yield* new Refused({ message: `${sha256} is no file of the source snapshot of ${sweep}` })
            }
          }
          return Stream.fromIterable(wanted).pipe(
            Stream.zipWithIndex,
            Stream.flatMap(([{ sha256, offset }, file]) => read(file, sha256, offset)),
          )
        }),
      ),

    run: Effect.andThen(cleanUp, Effect.forever(Effect.andThen(Queue.take(removed), cleanUp))),
  } satisfies Sources
})
