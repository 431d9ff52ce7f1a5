// Takes the source snapshot of a sweep: the folder its program works in, and the data and model that its file names. Owns
// which folders those are, the limit on their size, and the sentences for what cannot be sent. Sending is sendSnapshot's.
import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, relative } from "node:path"
import * as Effect from "effect/Effect"
import { sha256OfFile } from "@sweep/store/sha256OfFile"
import { secretsIn } from "@sweep/domain/Secrets"
import {
  mostManifestBytes,
  type Snapshot,
  type SnapshotFile,
  type SnapshotManifest,
  SnapshotPath,
} from "@sweep/domain/Snapshot"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { fileProblem } from "@sweep/domain/fileProblem"
import * as Schema from "effect/Schema"
import { badInput } from "../../exitCodes.ts"
import { bytes as sizeText } from "../../terminal/format.ts"
import { describeFile, gitState, type ListedFile, listSources, repositoryAround, TooManyFiles } from "./listSources.ts"

export interface TakenSnapshot {
  readonly snapshot: Snapshot
  /** The manifest's JSON. */
  readonly manifest: Uint8Array
  /** Where each file lies, by its name in the snapshot. */
  readonly places: ReadonlyMap<string, { readonly path: string; readonly bytes: number }>
  /** What is not sent, for the user. */
  readonly warnings: ReadonlyArray<string>
}

export interface TakeOptions {
  /** Bytes of the program's folder and the model, together. */
  readonly limit: number
  /** The state directory. */
  readonly excluded: ReadonlyArray<string>
}

interface Folder {
  readonly from: string
  readonly work: boolean
  readonly files: Map<string, ListedFile>
}

const isPath = Schema.is(SnapshotPath)

/** A model's weights and tokenizer: nothing that a trainer of ours would run. */
const modelFile = /\.(safetensors|json|txt|model|jinja|tiktoken|vocab|merges|md)$/i

/** What of a command is a program of the user's rather than an interpreter that hosts have. */
const script = /\.(py|sh|js|mjs|ts|r|jl|pl|rb|awk)$/i

const isBelow = (path: string, folder: string): boolean => {
  const way = relative(folder, path)
  return way !== "" && !way.startsWith("..") && !isAbsolute(way)
}

/** The largest files and folders at the top, for somebody who has to leave some out. */
const largest = (files: Iterable<ListedFile>): string => {
  const sizes = new Map<string, number>()
  for (const { path, bytes } of files) {
    const top = path.includes("/") ? `${path.slice(0, path.indexOf("/"))}/` : path
    sizes.set(top, (sizes.get(top) ?? 0) + bytes)
  }
  return Array.from(sizes)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([name, size]) => `${name} ${sizeText(size)}`)
    .join(", ")
}

const total = (files: Iterable<ListedFile>): number => Array.from(files).reduce((sum, { bytes }) => sum + bytes, 0)

const waysOut =
  "List what the trials do not read in .sweepignore beside it, allow more with --source-limit 2GiB, name another folder with `source: FOLDER`, or send nothing with `source: none` where the agents' hosts have the same paths."

/** The value of a secret of this environment in a file that would be sent, with its line. */
const secretIn = async (folder: Folder): Promise<string | undefined> => {
  const secrets = secretsIn(process.env)
  if (secrets.length === 0 || !folder.work) return undefined
  for (const { path, bytes } of folder.files.values()) {
    if (bytes > 1024 * 1024) continue
    const content = await readFile(join(folder.from, path))
    for (const { name, value } of secrets) {
      const at = content.indexOf(value)
      if (at === -1) continue
      const line = content.subarray(0, at).toString("latin1").split("\n").length
      return `${join(folder.from, path)}:${line}: this is the value of ${name}, and the file would be sent to agents. Take it out, or list the file in .sweepignore.`
    }
  }
  return undefined
}

const workFolder = Effect.fnUntraced(function* (spec: SweepSpec, options: TakeOptions, warnings: Array<string>) {
  const { workingDirectory } = spec
  if (spec.trainer !== "command" || workingDirectory === undefined) return undefined
  const wanted = spec.sourceFolder ?? repositoryAround(workingDirectory) ?? workingDirectory
  // A program that lies elsewhere works there.
  const from = wanted === workingDirectory || isBelow(workingDirectory, wanted) ? wanted : workingDirectory
  const listing = yield* Effect.tryPromise({
    try: () => listSources(from, options.excluded),
    catch: (error) =>
      error instanceof TooManyFiles
        ? badInput(`${error.message}, and a sweep's agents are sent this folder. ${waysOut}`)
        : badInput(`the folder ${from} cannot be read to be sent to agents: ${fileProblem(error)}`),
  })
  const files = new Map(listing.files.map((file) => [file.path, file]))
  for (const path of listing.linkedFolders) {
    warnings.push(`${join(from, path)} is a link to a folder, and what is behind it is not sent to agents`)
  }
  for (const path of files.keys()) {
    if (isPath(path)) continue
    files.delete(path)
    warnings.push(`${JSON.stringify(join(from, path))} is not sent: no other host would take that name`)
  }
  const size = total(files.values())
  if (size > options.limit) {
    return yield* badInput(
      `the folder ${from} has ${sizeText(size)} in ${files.size} files to send to agents, and the limit is ${sizeText(options.limit)}. The largest: ${largest(files.values())}. ${waysOut}`,
    )
  }
  return { from, work: true, files } satisfies Folder
})

const modelFolder = Effect.fnUntraced(function* (spec: SweepSpec, left: number, warnings: Array<string>) {
  const { model } = spec
  if (!isAbsolute(model)) return undefined
  const files = new Map<string, ListedFile>()
  const names = yield* Effect.promise(() => readdir(model, { recursive: true }).catch(() => []))
  for (const name of names) {
    if (name.split("/").some((part) => part.startsWith("."))) continue
    if (spec.trainer !== "command" && !modelFile.test(name)) continue
    const file = yield* Effect.promise(() => describeFile(model, name))
    if (file !== undefined && file !== "folder" && isPath(file.path)) files.set(file.path, file)
  }
  const size = total(files.values())
  if (size <= left) return { from: model, work: false, files } satisfies Folder
  warnings.push(
    `the model ${model} (${sizeText(size)}) is not sent: agents' hosts need it at the same path, or allow it with --source-limit`,
  )
  return undefined
})

/** `undefined` when the sweep reads nothing that could be sent, or wants nothing sent. */
export const takeSnapshot = Effect.fn("takeSnapshot")(function* (spec: SweepSpec, options: TakeOptions) {
  if (spec.sourceFolder === null) return undefined
  const warnings: Array<string> = []
  const work = yield* workFolder(spec, options, warnings)
  const folders: Array<Folder> = work === undefined ? [] : [work]
  /** A file that the sweep names: sent whether it is ignored or not. */
  const add = Effect.fnUntraced(function* (at: string) {
    if (at === "" || !isAbsolute(at)) return
    const within = work !== undefined && isBelow(at, work.from)
    const from = within ? work.from : dirname(at)
    let folder = folders.find((known) => known.from === from && known.work === within)
    if (folder === undefined) {
      folder = { from, work: false, files: new Map() }
      folders.push(folder)
    }
    const file = yield* Effect.promise(() => describeFile(from, relative(from, at)))
    if (file === undefined || file === "folder") return yield* badInput(`${at} cannot be read any more`)
    if (!isPath(file.path))
      return yield* badInput(`${at} cannot be sent to agents: its name has a character that no other host would take`)
    folder.files.set(file.path, file)
  })
  const { train, eval: evaluation } = spec.data
  yield* add(train.path)
  yield* add(evaluation.path)
  if (work !== undefined) {
    for (const argument of spec.command ?? []) {
      if (!isAbsolute(argument) || !(isBelow(argument, work.from) || script.test(argument))) continue
      const found = yield* Effect.promise(() => describeFile(dirname(argument), basename(argument)))
      if (found !== undefined && found !== "folder") yield* add(argument)
    }
  }
  const model = yield* modelFolder(
    spec,
    options.limit - (work === undefined ? 0 : total(work.files.values())),
    warnings,
  )
  if (model !== undefined) folders.push(model)
  const filled = folders.filter(({ files }) => files.size > 0)
  if (filled.length === 0) return undefined
  for (const folder of filled) {
    const secret = yield* Effect.promise(() => secretIn(folder))
    if (secret !== undefined) return yield* badInput(secret)
  }

  const places = new Map<string, { readonly path: string; readonly bytes: number }>()
  const roots: Array<SnapshotManifest["roots"][number]> = []
  for (const { from, work: isWork, files } of filled) {
    const hashed: Array<SnapshotFile> = []
    for (const { path, bytes, executable } of Array.from(files.values()).sort((a, b) => (a.path < b.path ? -1 : 1))) {
      const at = join(from, path)
      const sha256 = yield* Effect.tryPromise({
        try: () => sha256OfFile(at),
        catch: (error) => badInput(`${at} cannot be read to be sent to agents: ${fileProblem(error)}. ${waysOut}`),
      })
      places.set(sha256, { path: at, bytes })
      hashed.push({ path, sha256, bytes, ...(executable ? { executable } : {}) } as SnapshotFile)
    }
    roots.push({ work: isWork, files: hashed })
  }
  const manifest = Buffer.from(JSON.stringify({ format: 1, roots } satisfies SnapshotManifest))
  if (manifest.byteLength > mostManifestBytes) {
    return yield* badInput(`the folder ${filled[0]!.from} has too many files to send to agents. ${waysOut}`)
  }
  const repository = work === undefined ? undefined : repositoryAround(work.from)
  const git = repository === undefined ? undefined : yield* Effect.promise(() => gitState(repository))
  const all = roots.flatMap(({ files }) => files)
  return {
    snapshot: {
      sha256: createHash("sha256").update(manifest).digest("hex"),
      manifestBytes: manifest.byteLength,
      files: all.length,
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
      roots: filled.map(({ from }) => from),
      ...(git === undefined ? {} : { git }),
    },
    manifest,
    places,
    warnings,
  } satisfies TakenSnapshot
})
