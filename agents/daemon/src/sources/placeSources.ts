// Puts the source snapshot of a sweep before an attempt: files are fetched once, folders that trials only read are shared,
// and a program gets a copy of its folder in the attempt's directory. Then trial.json and the command name the places of
// this host. Owns this order, and what of the copy goes when the attempt is over.
import { constants, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { chmod, copyFile, mkdir, readdir, readFile, rm, rmdir, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Sha256 } from "@sweep/domain/Artifact"
import {
  type Mapping,
  mappedDeep,
  mappedPath,
  mostManifestBytes,
  SnapshotManifest,
  type SnapshotRoot,
} from "@sweep/domain/Snapshot"
import type { Reason } from "@sweep/domain/Reason"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import type { Attempt } from "../attempt/Attempt.ts"
import type { AttemptDirectory } from "../attempt/AttemptDirectory.ts"
import type { Disk } from "../host/disk.ts"
import { fetchSources } from "./fetchSources.ts"
import { sha256OfFile } from "./sha256OfFile.ts"
import { type SourceCache, treeName } from "./SourceCache.ts"

const Wanted = Schema.fromJsonString(
  Schema.Struct({
    snapshot: Schema.optionalKey(
      Schema.Struct({
        sha256: Sha256,
        bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: mostManifestBytes })),
        roots: Schema.Array(Schema.String),
      }),
    ),
  }),
)
const decodeWanted = Schema.decodeUnknownEffect(Wanted)
const decodeManifest = Schema.decodeUnknownEffect(Schema.fromJsonString(SnapshotManifest))

/** Bytes: larger files are not copied for each trial, but linked to the one that all share and none may write to. */
const mostCopied = 8 * 1024 * 1024

/** Bytes of the disk that are left free. */
const leastFree = 256 * 1024 * 1024

/** The paths of a copy, beside it. */
const listName = "source-files.json"
const copyName = "source"

/** A folder of its own: what the trial writes beside the sources is its alone. */
const copyRoot = async (cache: SourceCache, root: SnapshotRoot, to: string): Promise<void> => {
  for (const { path, sha256, bytes, executable } of root.files) {
    const place = join(to, path)
    await mkdir(dirname(place), { recursive: true })
    if (bytes > mostCopied) {
      await symlink(cache.file(sha256), place)
      continue
    }
    await copyFile(cache.file(sha256), place, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await chmod(place, executable === true ? 0o755 : 0o644)
    if ((await sha256OfFile(place)) !== sha256) {
      throw new Error(`${path} of the source snapshot has changed on this host`)
    }
  }
}

/** Links to the one copy of each file: our trainers only read. */
const shareRoot = (cache: SourceCache, root: SnapshotRoot): string => {
  const to = cache.tree(treeName(root))
  if (existsSync(to)) return to
  const draft = `${to}.part`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  for (const { path, sha256 } of root.files) {
    mkdirSync(dirname(join(draft, path)), { recursive: true })
    linkSync(cache.file(sha256), join(draft, path))
  }
  renameSync(draft, to)
  return to
}

const place = Effect.fnUntraced(function* (
  attempt: Attempt,
  cache: SourceCache,
  exchange: ArtifactExchange["Service"],
  disk: Disk,
) {
  const { directory, record } = attempt
  const text = readFileSync(directory.trial, "utf8")
  const { snapshot } = yield* decodeWanted(text)
  if (snapshot === undefined) return
  const { sha256, bytes } = snapshot
  yield* fetchSources(exchange, cache, record.sweep, [{ sha256, bytes }])
  const { roots } = yield* decodeManifest(readFileSync(cache.file(sha256), "utf8"))
  if (roots.length !== snapshot.roots.length) {
    return yield* Effect.fail({ message: "the snapshot's folders are not those of the sweep" })
  }
  const contents = Array.from(
    new Map(roots.flatMap(({ files }) => files.map((file) => [file.sha256, file] as const))).values(),
  )
  const missing = contents.filter((file) => !cache.has(file.sha256, file.bytes))
  const more = missing.reduce((sum, file) => sum + file.bytes, 0)
  cache.use(sha256, roots)
  cache.makeRoom(more, sha256)
  if (disk.free() - more < leastFree) {
    return yield* Effect.fail({
      message: `it needs ${Math.ceil(more / 2 ** 20)} MiB, and the disk of ${cache.file("")} has ${Math.floor(disk.free() / 2 ** 20)} MiB free`,
    })
  }
  const fetched = yield* fetchSources(exchange, cache, record.sweep, contents)
  if (fetched > 0) {
    yield* Effect.logInfo(
      `${attempt.name}: fetched ${fetched} of ${contents.length} files of its source snapshot ${sha256.slice(0, 12)}`,
    )
  }
  const mappings: Array<Mapping> = []
  const copied: Array<string> = []
  for (const [i, root] of roots.entries()) {
    const from = snapshot.roots[i]!
    if (!root.work) {
      mappings.push({ from, to: shareRoot(cache, root) })
      continue
    }
    const to = join(directory.path, copied.length === 0 ? copyName : `${copyName}-${i}`)
    rmSync(to, { recursive: true, force: true })
    mkdirSync(to)
    copied.push(...root.files.map(({ path }) => join(to, path)))
    writeFileSync(join(directory.path, listName), JSON.stringify(copied))
    yield* Effect.promise(() => copyRoot(cache, root, to))
    mappings.push({ from, to })
  }
  const { snapshot: _, ...trial } = JSON.parse(text) as Record<string, unknown>
  // By these a trainer recognises checkpoints of the same run, wherever they were made.
  const { training, llamafactory } = JSON.parse(readFileSync(directory.assigned, "utf8")) as Record<string, unknown>
  const here = { ...mappedDeep(trial, mappings), snapshot, assigned: { training, llamafactory } }
  writeFileSync(directory.trial, `${JSON.stringify(here, null, 1)}\n`)
  if (record.command !== null) {
    attempt.record = { ...attempt.record, command: record.command.map((argument) => mappedPath(argument, mappings)) }
    yield* attempt.save
  }
})

/** For an attempt of a sweep with a source snapshot. Fails with a sentence when it cannot be had here. */
export const placeSources = Effect.fn("placeSources")(function* (
  attempt: Attempt,
  cache: SourceCache | undefined,
  disk: Disk,
) {
  const exchange = yield* Effect.serviceOption(ArtifactExchange)
  if (cache === undefined || Option.isNone(exchange)) return
  yield* cache.lock.withPermit(place(attempt, cache, exchange.value, disk)).pipe(
    Effect.catchDefect((defect) => Effect.fail({ message: defect instanceof Error ? defect.message : String(defect) })),
    Effect.mapError(({ message }): Reason => ({ _tag: "SourcesUnreachable", problem: message })),
  )
})

/** What was copied goes; what the trial wrote beside it stays. */
export const removeCopy = async (directory: AttemptDirectory): Promise<void> => {
  const list = join(directory.path, listName)
  let paths: ReadonlyArray<string>
  try {
    paths = JSON.parse(await readFile(list, "utf8")) as ReadonlyArray<string>
  } catch {
    return
  }
  const folders = new Set<string>()
  for (const path of paths) {
    await rm(path, { force: true })
    for (let at = dirname(path); at.length > directory.path.length; at = dirname(at)) folders.add(at)
  }
  for (const folder of Array.from(folders).sort((a, b) => b.length - a.length)) {
    // Python leaves its caches wherever it reads modules.
    await rm(join(folder, "__pycache__"), { recursive: true, force: true })
    if ((await readdir(folder).catch(() => ["?"])).length === 0) await rmdir(folder).catch(() => undefined)
  }
  await rm(list, { force: true })
}
