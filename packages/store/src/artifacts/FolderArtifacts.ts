// Artifacts in a folder: <directory>/<sweep>/<trial>/<epoch>/<path>, an unfinished file with `.part` behind its name, and
// in index.json of each trial what is whole, with its checksum. Owns this layout. A file is renamed into place before
// the index names it: after a crash it is there and unnamed at worst, and is asked for again.
import { randomUUID } from "node:crypto"
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { Artifact, type ArtifactOwner, markerFile } from "@sweep/domain/Artifact"
import { type SweepId, TrialNumber } from "@sweep/domain/Id"
import { ArtifactMismatch, ArtifactStore, ArtifactsUnusable } from "./ArtifactStore.ts"
import { fileSize } from "./fileSize.ts"
import { freeOn } from "./freeOn.ts"
import { roomProblem } from "./roomProblem.ts"
import { sha256OfFile } from "./sha256OfFile.ts"

const Index = Schema.fromJsonString(Schema.Array(Artifact))
const decodeIndex = Schema.decodeUnknownOption(Index)

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT"

/** Of a folder that is not there. */
const none = (error: unknown): [] => {
  if (isMissing(error)) return []
  throw error
}

/** To disk before anything says that it is there. */
const sync = async (path: string): Promise<void> => {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A word that only who reads this very folder knows. */
const markerOf = async (directory: string): Promise<string> => {
  const path = join(directory, markerFile)
  const found = await readFile(path, "utf8").catch(() => "")
  if (found !== "") return found.trim()
  const marker = randomUUID()
  await mkdir(directory, { recursive: true })
  await writeFile(path, `${marker}\n`)
  return marker
}

export interface Options {
  readonly directory: string
  /** Bytes of its disk that files of trials leave free, for the database beside them; 0 unless given. */
  readonly reserve?: number
  /** Bytes that are free there; the file system's answer unless given. */
  readonly free?: (directory: string) => number
}

/** Fails with `ArtifactsUnusable` when the folder cannot be written. */
export const layer = (options: Options): Layer.Layer<ArtifactStore, ArtifactsUnusable> =>
  Layer.effect(
    ArtifactStore,
    Effect.gen(function* () {
      const directory = resolve(options.directory)
      // One change at a time: the index of a trial is read, changed and written.
      const changing = yield* Semaphore.make(1)
      const one = <A, E>(effect: Effect.Effect<A, E>) => changing.withPermits(1)(effect)

      const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, ArtifactsUnusable> =>
        Effect.tryPromise({
          try: run,
          catch: (error) => {
            const { code, message } = error as NodeJS.ErrnoException
            return new ArtifactsUnusable({
              message:
                code === "ENOSPC" || code === "EDQUOT"
                  ? `the disk of ${directory} is full; free some space, and what is missing is sent again`
                  : `artifacts in ${directory}: ${message}`,
            })
          },
        })

      const { reserve = 0, free = (at) => freeOn(at) ?? Infinity } = options
      const left = Effect.suspend(() => Effect.succeed(reserve === 0 ? Infinity : free(directory))).pipe(
        Effect.catchDefect(() => Effect.succeed(Infinity)),
      )
      /** Before `more` bytes come. */
      const hasRoom = (more: number) =>
        Effect.flatMap(left, (left) => {
          const problem = roomProblem(directory, left, reserve, more)
          return problem === null
            ? Effect.void
            : Effect.fail(new ArtifactsUnusable({ message: `${problem}, and what is missing is sent again` }))
        })

      const marker = yield* attempt(() => markerOf(directory))

      const folderOf = (sweep: SweepId, trial: TrialNumber) => join(directory, sweep, String(trial))
      const fileOf = ({ sweep, trial, epoch }: ArtifactOwner, path: string) =>
        join(folderOf(sweep, trial), String(epoch), path)
      const partOf = (owner: ArtifactOwner, path: string) => `${fileOf(owner, path)}.part`

      const readIndex = async (folder: string): Promise<ReadonlyArray<Artifact>> => {
        try {
          const decoded = decodeIndex(await readFile(join(folder, "index.json"), "utf8"))
          return decoded._tag === "Some" ? decoded.value : []
        } catch (error) {
          if (isMissing(error)) return []
          throw error
        }
      }
      const writeIndex = async (folder: string, artifacts: ReadonlyArray<Artifact>) => {
        const draft = join(folder, "index.json.part")
        await writeFile(draft, JSON.stringify(artifacts))
        await sync(draft)
        await rename(draft, join(folder, "index.json"))
      }

      return {
        shared: { folder: directory, marker },
        list: (sweep, trial) =>
          attempt(async () => {
            const trials = trial === null ? await readdir(join(directory, sweep)).catch(none) : [String(trial)]
            const found: Array<Artifact> = []
            for (const name of trials) {
              if (/^[1-9]\d*$/.test(name))
                found.push(...(await readIndex(folderOf(sweep, TrialNumber.make(Number(name))))))
            }
            return found.sort((a, b) => a.trial - b.trial || a.epoch - b.epoch || (a.path < b.path ? -1 : 1))
          }),

        received: (owner, { path, bytes }) =>
          attempt(async () => {
            const whole = (await readIndex(folderOf(owner.sweep, owner.trial))).some(
              (artifact) => artifact.epoch === owner.epoch && artifact.path === path && artifact.bytes === bytes,
            )
            if (whole) return null
            const size = (await fileSize(partOf(owner, path))) ?? 0
            return size <= bytes ? size : 0
          }).pipe(Effect.tap((size) => (size === null ? Effect.void : hasRoom(bytes - size)))),

        write: (owner, { path, offset, data }) =>
          Effect.gen(function* () {
            const part = partOf(owner, path)
            // From the start means again: what is there is of an upload that was given up.
            const size = offset === 0 ? 0 : ((yield* attempt(() => fileSize(part))) ?? 0)
            if (offset !== size) {
              return yield* new ArtifactMismatch({
                message: `${path} is at byte ${size}, and the piece begins at ${offset}`,
              })
            }
            yield* hasRoom(data.byteLength)
            yield* attempt(async () => {
              await mkdir(dirname(part), { recursive: true })
              await writeFile(part, data, { flag: offset === 0 ? "w" : "a" })
            })
            return offset + data.byteLength
          }),

        place: partOf,

        complete: (owner, { path, bytes, sha256 }) =>
          Effect.gen(function* () {
            const part = partOf(owner, path)
            const size = yield* attempt(() => fileSize(part))
            const found = size === bytes ? yield* attempt(() => sha256OfFile(part)) : null
            if (found !== sha256) {
              yield* attempt(() => rm(part, { force: true }))
              const why = size === bytes ? "its checksum differs" : `it has ${size ?? 0} bytes instead of ${bytes}`
              return yield* new ArtifactMismatch({ message: `${path} did not arrive as it was sent: ${why}` })
            }
            const at = yield* Clock.currentTimeMillis
            const same = yield* one(
              attempt(async () => {
                const folder = folderOf(owner.sweep, owner.trial)
                const others = await readIndex(folder)
                const known = others.find((artifact) => artifact.epoch === owner.epoch && artifact.path === path)
                if (known !== undefined) {
                  await rm(part, { force: true })
                  return known.sha256 === sha256
                }
                await sync(part)
                await rename(part, fileOf(owner, path))
                await writeIndex(folder, [
                  ...others,
                  { trial: owner.trial, epoch: owner.epoch, path: path as Artifact["path"], bytes, sha256, at },
                ])
                return true
              }),
            )
            if (!same) {
              return yield* new ArtifactMismatch({
                message: `${path} is kept already, and what is kept does not change`,
              })
            }
          }),

        locate: (sweep, { trial, epoch, path }) => fileOf({ sweep, trial, epoch }, path),

        retain: (sweep, trial, newest, keeps) =>
          one(
            attempt(async () => {
              const folder = folderOf(sweep, trial)
              const all = await readIndex(folder)
              const kept = keeps(all)
              if (kept.length < all.length) await writeIndex(folder, kept)
              const names = new Set(kept.map((artifact) => fileOf({ sweep, ...artifact }, artifact.path)))
              const clean = async (path: string, mayCome: boolean): Promise<void> => {
                for (const entry of await readdir(path, { withFileTypes: true })) {
                  const inner = join(path, entry.name)
                  if (entry.isDirectory()) await clean(inner, mayCome)
                  else if (!names.has(inner) && !(mayCome && inner.endsWith(".part"))) await rm(inner, { force: true })
                }
                if ((await readdir(path)).length === 0) await rm(path, { recursive: true })
              }
              for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
                if (entry.isDirectory()) await clean(join(folder, entry.name), entry.name === String(newest))
              }
            }),
          ),

        sizeOf: (sweep) =>
          attempt(async () => {
            const found = { files: 0, bytes: 0 }
            const within = await readdir(join(directory, sweep), { recursive: true, withFileTypes: true }).catch(none)
            for (const entry of within) {
              if (!entry.isFile() || entry.name.startsWith("index.json")) continue
              found.files++
              found.bytes += (await fileSize(join(entry.parentPath, entry.name))) ?? 0
            }
            return found
          }),

        removeSweep: (sweep) => one(attempt(() => rm(join(directory, sweep), { recursive: true, force: true }))),
      }
    }),
  )
