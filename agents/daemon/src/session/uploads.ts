// Hands the files of attempts that are over to the coordinator, as far as it wants them: one file after the other, each
// in pieces with a checksum, from where an earlier try broke off. Owns the queue and continuing after a failure; nothing
// waits for it but the end of an agent that drains. On a disk shared with the coordinator a file is copied into place.
import { createHash } from "node:crypto"
import { constants } from "node:fs"
import { copyFile, mkdir, open, readdir, readFile, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import {
  type ArtifactFile,
  ArtifactPath,
  adapterFolder,
  checkpointsFolder,
  checkpointStep,
  isManifest,
  markerFile,
} from "@sweep/domain/Artifact"
import { ArtifactExchange, type Offer, pieceBytes } from "@sweep/protocol/ArtifactExchange"
import type { Refused, Unavailable } from "@sweep/protocol/SweepApi"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { AttemptDirectory, AttemptRecord } from "../attempt/AttemptDirectory.ts"

export interface Uploads {
  /** `done` runs once everything wanted is there, or nothing will be. */
  readonly enqueue: (
    directory: AttemptDirectory,
    record: AttemptRecord,
    done: Effect.Effect<void>,
  ) => Effect.Effect<void>
  /** Hands the files of an attempt over that still counts as running: until everything wanted is there. */
  readonly now: (directory: AttemptDirectory, record: AttemptRecord) => Effect.Effect<void>
  /** Waits until nothing is queued. */
  readonly idle: Effect.Effect<void>
}

/** Between tries while the coordinator is away. */
const retryMillis = 5_000
const hurriedMillis = 500
/** Tries of one file that arrives damaged before it is given up. */
const mostTries = 3

const isArtifactPath = Schema.is(ArtifactPath)

/** What could be handed over: the adapter and the checkpoints, whole ones only. */
const filesOf = async (directory: AttemptDirectory): Promise<ReadonlyArray<ArtifactFile>> => {
  const found: Array<ArtifactFile> = []
  const walk = async (relative: string): Promise<void> => {
    const entries = await readdir(join(directory.path, relative), { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const path = `${relative}/${entry.name}`
      if (!isArtifactPath(path)) continue
      if (entry.isDirectory()) await walk(path)
      // What is still being written lies in a hidden folder; what is no checkpoint's is nobody's.
      else if (entry.isFile() && (path.startsWith(`${adapterFolder}/`) || checkpointStep(path) !== null)) {
        found.push({ path, bytes: (await stat(join(directory.path, path))).size })
      }
    }
  }
  await walk(adapterFolder)
  await walk(checkpointsFolder)
  // A checkpoint counts with its manifest, which therefore comes last; that of the newest after all others.
  return found.sort(
    (a, b) =>
      Number(isManifest(a.path)) - Number(isManifest(b.path)) ||
      (checkpointStep(a.path) ?? 0) - (checkpointStep(b.path) ?? 0),
  )
}

export const makeUploads: Effect.Effect<Uploads, never, Scope.Scope> = Effect.gen(function* () {
  const found = yield* Effect.serviceOption(ArtifactExchange)
  // An agent without an exchange keeps its files to itself.
  if (Option.isNone(found))
    return { enqueue: (_, __, done) => done, now: () => Effect.void, idle: Effect.void } satisfies Uploads
  const exchange = found.value
  const queue = yield* Queue.unbounded<Parameters<Uploads["enqueue"]>>()
  const quiet = Latch.makeUnsafe(true)

  const isShared = ({ folder, marker }: Offer): Effect.Effect<boolean> =>
    folder === ""
      ? Effect.succeed(false)
      : Effect.promise(() =>
          readFile(join(folder, markerFile), "utf8").then(
            (text) => text.trim() === marker,
            () => false,
          ),
        )

  /** Sends the file piece by piece from `offset` on, which may be its end. */
  const send = Effect.fnUntraced(function* (record: AttemptRecord, source: string, file: ArtifactFile, offset: number) {
    const handle = yield* Effect.acquireRelease(
      Effect.promise(() => open(source, "r")),
      (opened) => Effect.promise(() => opened.close()),
    )
    const hash = createHash("sha256")
    const buffer = Buffer.allocUnsafe(pieceBytes)
    let at = 0
    do {
      const length = Math.min(pieceBytes, file.bytes - at)
      const { bytesRead } = yield* Effect.promise(() => handle.read(buffer, 0, length, at))
      const data = Buffer.from(buffer.subarray(0, bytesRead))
      hash.update(data)
      const begin = at
      at += bytesRead
      if (bytesRead < length) return
      const isLast = at >= file.bytes
      // What is there already is read for the checksum alone; the last piece carries it in any case.
      const from = Math.min(Math.max(begin, offset), at)
      if (isLast || from < at) {
        const sha256 = isLast ? hash.digest("hex") : null
        yield* exchange.put(record, { ...file, offset: from, data: data.subarray(from - begin), sha256 })
      }
    } while (at < file.bytes)
  }, Effect.scoped)

  const copy = (source: string, place: string): Effect.Effect<boolean> =>
    Effect.promise(async () => {
      try {
        await mkdir(dirname(place), { recursive: true })
        await copyFile(source, place, constants.COPYFILE_FICLONE)
        return true
      } catch {
        return false
      }
    })

  /** One round over what is wanted. Returns the files that were refused. */
  const round = Effect.fnUntraced(function* (directory: AttemptDirectory, record: AttemptRecord) {
    const files = yield* Effect.promise(() => filesOf(directory))
    if (files.length === 0) return []
    const offer = yield* exchange.offer(record, files)
    const shared = offer.wanted.length > 0 && (yield* isShared(offer))
    const refused: Array<string> = []
    for (const { path, offset, place } of offer.wanted) {
      const file = files.find((candidate) => candidate.path === path)
      if (file === undefined) continue
      const source = join(directory.path, path)
      const copied = shared && (yield* copy(source, place))
      yield* send(record, source, file, copied ? file.bytes : offset).pipe(
        Effect.catchTag("Refused", ({ message }) => Effect.sync(() => void refused.push(message))),
      )
    }
    return refused
  })

  const upload = Effect.fnUntraced(function* (directory: AttemptDirectory, record: AttemptRecord, wait: number) {
    let told = false
    for (let tries = 1; ;) {
      const result = yield* Effect.result(round(directory, record))
      if (result._tag === "Success") {
        if (result.success.length === 0) return
        if (++tries > mostTries) {
          return yield* Effect.logWarning(
            `files of ${record.sweep}/${record.trial} were not taken: ${result.success[0]}`,
          )
        }
        continue
      }
      const error: Refused | Unavailable = result.failure
      if (error._tag === "Refused")
        return yield* Effect.logInfo(`files of ${record.sweep}/${record.trial} stay here: ${error.message}`)
      if (!told)
        yield* Effect.logInfo(`files of ${record.sweep}/${record.trial} wait for the coordinator: ${error.message}`)
      told = true
      yield* Effect.sleep(wait)
    }
  })

  const next = Effect.gen(function* () {
    const [directory, record, done] = yield* Queue.take(queue)
    // A file that cannot be read is one attempt's loss and not the queue's.
    yield* upload(directory, record, retryMillis).pipe(
      Effect.catchDefect((defect) =>
        Effect.logWarning(`files of ${record.sweep}/${record.trial} cannot be read`, defect),
      ),
    )
    yield* done
    if (Queue.sizeUnsafe(queue) === 0) quiet.openUnsafe()
  })
  yield* Effect.forkScoped(Effect.forever(next))

  return {
    enqueue: (...work) =>
      Effect.sync(() => {
        quiet.closeUnsafe()
        Queue.offerUnsafe(queue, work)
      }),
    now: (directory: AttemptDirectory, record: AttemptRecord) =>
      upload(directory, record, hurriedMillis).pipe(
        Effect.catchDefect((defect) =>
          Effect.logWarning(`files of ${record.sweep}/${record.trial} cannot be read`, defect),
        ),
      ),
    idle: quiet.await,
  }
})
