// From what a file says to a spec another host can run: paths made absolute, the model's folder and every data record
// checked, files hashed, the eval split made once. Owns all reading and writing of the spec room, through effect's
// FileSystem. Mistakes in other files are reported at the line of the sweep file that names them.
import { SweepSpec, type DataFile } from "@sweep/domain/SweepSpec"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { checkModelFit, mayMisfit } from "./checkModelFit.ts"
import { modelLayers } from "./modelLayers.ts"
import { type AlpacaFile, type AlpacaRecord, readAlpaca } from "../data/alpacaRecords.ts"
import { nearestName } from "@sweep/domain/nearestName"
import { placePublished } from "./placePublished.ts"
import type { ParsedSweep } from "../parse/parseSweepFile.ts"
import { didYouMean, oneOf } from "../parse/Field.ts"
import type { Given } from "../keys/SweepDraft.ts"
import type { GivenTaskMetrics } from "../keys/readTaskMetrics.ts"
import type { Report } from "../parse/Source.ts"
import { type SpecErrors, specErrors, type SpecProblem } from "../parse/SpecProblem.ts"
import type { DataRecord } from "../data/forms.ts"
import { type LlamaFactoryData, type ReadFile, resolveLlamaFactory } from "../llamafactory/resolveLlamaFactory.ts"
import { splitRecords } from "../data/splitRecords.ts"

export interface ResolveOptions {
  /** Of the sweep file; relative paths in it start at its folder. */
  readonly absolutePath: string
  /** Where the command was called: a program is looked for there first. */
  readonly calledFrom?: string
  /** Where the files of an eval split are written; made when it is missing. */
  readonly workDirectory: string
}

export interface ResolvedSweep {
  readonly spec: SweepSpec
  readonly warnings: ReadonlyArray<SpecProblem>
}

const noFile: DataFile = { path: "", sha256: "", bytes: 0, records: 0 }

const sha256 = (bytes: Uint8Array): Effect.Effect<string> =>
  Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)).pipe(
    Effect.map((digest) => Buffer.from(digest).toString("hex")),
  )

/** A record a line: one can look at it, and a diff shows records. */
const toJson = (records: ReadonlyArray<DataRecord>): Uint8Array =>
  new TextEncoder().encode(`[\n${records.map((record) => JSON.stringify(record)).join(",\n")}\n]\n`)

/** What makes two records the same example. */
const exampleOf = (record: AlpacaRecord): string =>
  JSON.stringify([
    record["instruction"],
    record["input"] ?? "",
    record["output"],
    record["system"] ?? "",
    record["images"] ?? [],
  ])

/** The method by which a checkpoint is quantised, from its config.json. */
const quantizationOf = (config: object): string | undefined => {
  const held = "quantization_config" in config ? config.quantization_config : null
  if (typeof held !== "object" || held === null) return undefined
  return "quant_method" in held && typeof held.quant_method === "string" ? held.quant_method.slice(0, 40) : "unknown"
}

interface ReadData extends AlpacaFile {
  readonly file: DataFile
}

export const resolveSweep = Effect.fn("resolveSweep")(function* (parsed: ParsedSweep, options: ResolveOptions) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = path.dirname(options.absolutePath)
  const { source } = parsed

  const absolute = (given: string): string => {
    const home = process.env["HOME"]
    const expanded = given.startsWith("~/") && home !== undefined ? path.join(home, given.slice(2)) : given
    return path.resolve(folder, expanded)
  }
  const report = (given: Given, message: Report): undefined => given.field.report(message)

  const kindOf = (at: string): Effect.Effect<"file" | "directory" | "missing" | "other"> =>
    fs.stat(at).pipe(
      Effect.map(({ type }) => (type === "File" ? "file" : type === "Directory" ? "directory" : "other")),
      Effect.orElseSucceed(() => "missing" as const),
    )

  /** A neighbour whose name is near that of a file that is not there. */
  const missingHint = (at: string): Effect.Effect<string | null> =>
    fs.readDirectory(path.dirname(at)).pipe(
      Effect.map((names) => {
        const near = nearestName(path.basename(at), names)
        return near === undefined ? null : `there is ${path.join(path.dirname(at), near)}`
      }),
      Effect.orElseSucceed(() => `the folder ${path.dirname(at)} does not exist either`),
    )

  const resolveModel = Effect.fnUntraced(function* (given: Given) {
    const { value } = given
    if (/^modelscope:[\w.-]+\/[\w.-]+$/.test(value)) return value
    if (value.startsWith("modelscope:")) {
      return report(given, { message: "this is no ModelScope id", expected: "`modelscope:OWNER/NAME`" })
    }
    const at = absolute(value)
    const kind = yield* kindOf(at)
    if (kind === "missing") {
      const first = value.split("/", 1)[0]!
      const isPath = /^(\.{0,2}\/|~|[A-Za-z]:\\)/.test(value) || (yield* kindOf(absolute(first))) === "directory"
      if (!isPath && /^[\w][\w.-]*(\/[\w][\w.-]*)?$/.test(value)) return value
      return report(given, {
        message: `the model \`${value}\` does not exist`,
        found: `nothing at ${at}`,
        expected: "a folder with config.json, a hub id such as Qwen/Qwen2.5-0.5B, or modelscope:ID",
        hint: isPath ? yield* missingHint(at) : null,
      })
    }
    const expected = "a folder in the transformers format: config.json, a tokenizer, safetensors"
    if (kind !== "directory") {
      return report(given, { message: `the model \`${value}\` is no folder`, found: at, expected })
    }
    const config = yield* fs.readFileString(path.join(at, "config.json")).pipe(Effect.orElseSucceed(() => undefined))
    if (config === undefined) {
      return report(given, { message: `the model's folder \`${value}\` has no config.json`, found: at, expected })
    }
    const json = yield* Effect.try(() => JSON.parse(config) as unknown).pipe(Effect.orElseSucceed(() => undefined))
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      return report(given, { message: `\`${value}/config.json\` is no JSON object`, found: at, expected })
    }
    const { trainer } = parsed.draft
    if (trainer !== "peft" && trainer !== "llamafactory") return at
    const held = quantizationOf(json)
    if (held !== undefined && trainer === "llamafactory") {
      return report(given, {
        message: `the model \`${value}\` is quantised already (${held})`,
        found: `\`quantization_config\` in ${path.join(at, "config.json")}`,
        expected: "a model in fp32, bf16 or fp16",
        hint: "LLaMA-Factory would need gptqmodel or autoawq, which its environment here does not have: give it the original model with `quantization_bit: 4` or 8",
      })
    }
    if (trainer === "llamafactory") return at
    if (held === undefined) {
      if (mayMisfit(parsed)) checkModelFit(parsed, yield* modelLayers(at))
      return at
    }
    return report(given, {
      message: `the model \`${value}\` is quantised already (${held})`,
      found: `\`quantization_config\` in ${path.join(at, "config.json")}`,
      expected: "a model in fp32, bf16 or fp16",
      hint: `the PEFT trainer has no runtime for ${held} checkpoints: give it the original model, and let \`variant: qlora\`, \`qoft\` or \`int8-lora\` quantise it`,
    })
  })

  /** The root of the repository around a folder. */
  const repositoryOf = Effect.fnUntraced(function* (from: string) {
    for (let at = from; ; at = path.dirname(at)) {
      if ((yield* kindOf(path.join(at, ".git"))) !== "missing") return [at]
      if (path.dirname(at) === at) return []
    }
  })

  const resolveFolder = Effect.fnUntraced(function* (given: Given) {
    const at = absolute(given.value)
    const kind = yield* kindOf(at)
    if (kind === "directory") return at
    return report(given, {
      message: `the folder \`${given.value}\` ${kind === "missing" ? "does not exist" : "is a file"}`,
      found: kind === "missing" ? `nothing at ${at}` : at,
      expected: "the folder that agents are sent, or `none`; relative paths start at the sweep file's folder",
      hint: kind === "missing" ? yield* missingHint(at) : null,
    })
  })

  /**
   * Where programs are looked for: in the folder that is sent; then as `wandb agent` does, from where the command was
   * called, from the repository's root, beside the file.
   */
  const basesOf = Effect.fnUntraced(function* (sent: string | undefined) {
    const called = options.calledFrom
    const bases = called === undefined ? [] : [called, ...(yield* repositoryOf(called))]
    return new Set([...(sent === undefined ? [] : [sent]), ...bases, ...(yield* repositoryOf(folder)), folder])
  })

  /** For a command that names its script itself, such as `[python, train.py]`: where that one is found. */
  const baseOfCommand = Effect.fnUntraced(function* (command: ReadonlyArray<string>, sent: string | undefined) {
    const names = command.filter((argument) => !/^[-/~$]|^https?:/.test(argument) && /[./]/.test(argument))
    for (const base of yield* basesOf(sent)) {
      for (const name of names) if ((yield* kindOf(path.resolve(base, name))) === "file") return base
    }
    return sent
  })

  /** `src.train` behind `-m`: Python finds the module from the folder that it is started in. */
  const resolveModule = Effect.fnUntraced(function* (given: Given, sent: string | undefined) {
    const stem = given.value.replaceAll(".", "/")
    for (const base of yield* basesOf(sent)) {
      for (const file of [`${stem}.py`, `${stem}/__main__.py`]) {
        if ((yield* kindOf(path.resolve(base, file))) === "file") return { at: given.value, base }
      }
    }
    return undefined
  })

  const resolveProgram = Effect.fnUntraced(function* (given: Given, sent: string | undefined) {
    const command = parsed.draft.command ?? []
    const isModule = command[command.indexOf("${program}") - 1] === "-m" && /^[A-Za-z_][\w.]*$/.test(given.value)
    const module = isModule ? yield* resolveModule(given, sent) : undefined
    if (module !== undefined) return module
    if (!path.isAbsolute(given.value) && !given.value.startsWith("~/")) {
      for (const base of yield* basesOf(sent)) {
        const at = path.resolve(base, given.value)
        if ((yield* kindOf(at)) === "file") return { at, base }
      }
    }
    const at = absolute(given.value)
    const kind = yield* kindOf(at)
    if (kind === "file") return { at, base: path.dirname(at) }
    return report(given, {
      message: `the program \`${given.value}\` ${kind === "missing" ? "does not exist" : "is no file"}`,
      found: kind === "missing" ? `nothing at ${at}` : at,
      expected:
        "a file, looked for where the command is called, at the root of the repository and beside the sweep file",
      hint: kind === "missing" ? yield* missingHint(at) : null,
    })
  })

  const readData = Effect.fnUntraced(function* (given: Given) {
    const at = absolute(given.value)
    const kind = yield* kindOf(at)
    const expected = "a file of Alpaca records (.json or .jsonl)"
    if (kind !== "file" && kind !== "other") {
      return report(given, {
        message: `the data file \`${given.value}\` ${kind === "missing" ? "does not exist" : "is a folder"}`,
        found: kind === "missing" ? `nothing at ${at}` : at,
        expected,
        hint: kind === "missing" ? yield* missingHint(at) : null,
      })
    }
    const bytes = yield* fs.readFile(at).pipe(
      Effect.catch((error) =>
        Effect.succeed(
          report(given, {
            message: `the data file \`${given.value}\` cannot be read: ${error.reason._tag}`,
            found: at,
            expected,
          }),
        ),
      ),
    )
    if (bytes === undefined) return undefined
    const alpaca = readAlpaca(bytes, /\.(jsonl|ndjson)$/i.test(at))
    for (const { record, message, found, expected: wanted, hint } of alpaca.problems) {
      const where = record === null ? given.value : `${given.value}: record ${record}`
      report(given, { message: `${where} ${message}`, found, expected: wanted, hint })
    }
    const rest = alpaca.problemCount - alpaca.problems.length
    if (rest > 0) report(given, { message: `${given.value}: ${rest} more records are wrong` })
    if (alpaca.problems.length > 0) return undefined
    const file: DataFile = {
      path: at,
      sha256: yield* sha256(bytes),
      bytes: bytes.length,
      records: alpaca.records.length,
    }
    return { ...alpaca, file } satisfies ReadData
  })

  const cannotWrite = (given: Given) => (error: { readonly reason: { readonly _tag: string } }) =>
    Effect.succeed(
      report(given, {
        message: `the split of \`${given.value}\` cannot be written: ${error.reason._tag}`,
        found: options.workDirectory,
        expected: "a folder that can be written, with room for a copy of the data",
      }),
    )

  const write = Effect.fnUntraced(function* (name: string, records: ReadonlyArray<DataRecord>) {
    const at = path.resolve(options.workDirectory, name)
    const bytes = toJson(records)
    yield* fs.makeDirectory(options.workDirectory, { recursive: true })
    // Trials of an earlier sweep may be reading a file of the same name: it changes in one step, to the same content.
    const partial = `${at}.${globalThis.crypto.randomUUID()}.partial`
    yield* fs.writeFile(partial, bytes)
    yield* fs.rename(partial, at).pipe(Effect.tapError(() => Effect.ignore(fs.remove(partial))))
    return { path: at, sha256: yield* sha256(bytes), bytes: bytes.length, records: records.length } satisfies DataFile
  })

  const resolveData = Effect.fnUntraced(function* (data: NonNullable<ParsedSweep["data"]>) {
    const { train: given, eval: wanted } = data
    const train = yield* readData(given)
    if (!("fraction" in wanted)) {
      const evaluation = yield* readData(wanted)
      if (train === undefined || evaluation === undefined) return undefined
      const seen = new Set(train.records.map(exampleOf))
      const known = evaluation.records.filter((record) => seen.has(exampleOf(record))).length
      if (known > 0) {
        wanted.field.warn({
          message: `${known} of ${evaluation.records.length} eval records are also trained on: for them the eval loss measures memory`,
        })
      }
      return { train: train.file, eval: evaluation.file }
    }
    if (train === undefined) return undefined
    if (train.records.length < 2) {
      return report(given, {
        message: `\`${given.value}\` has one record: nothing can be set aside for evaluation`,
        expected: "two records or more, or a file named by `data.eval`",
      })
    }
    const { fraction, seed } = wanted
    // The parts lie elsewhere, and paths of images start at the file's folder.
    const home = path.dirname(train.file.path)
    const records = train.records.map((record) => {
      const { images } = record
      return Array.isArray(images) ? { ...record, images: images.map((at) => path.resolve(home, String(at))) } : record
    })
    const hasImages = train.records.some((record) => Array.isArray(record["images"]))
    const parts = splitRecords(records, wanted)
    const key = yield* sha256(
      new TextEncoder().encode(JSON.stringify([train.file.sha256, fraction, seed, ...(hasImages ? [home] : [])])),
    )
    const stem = path
      .basename(given.value)
      .replace(/\.[^.]*$/, "")
      .replaceAll(/[^\w.-]/g, "_")
      .slice(0, 60)
    return yield* Effect.all({
      train: write(`${stem}-${key.slice(0, 12)}-train.json`, parts.train),
      eval: write(`${stem}-${key.slice(0, 12)}-eval.json`, parts.eval),
    }).pipe(Effect.catch(cannotWrite(given)))
  })

  /** Records of whatever form, read for LLaMA-Factory; a split, or a set made of several files, is written. */
  const placeLlamaFactory = Effect.fnUntraced(function* ({ train, eval: wanted, given }: LlamaFactoryData) {
    const stem = path
      .basename(train.path)
      .replace(/\.[^.]*$/, "")
      .replaceAll(/[^\w.-]/g, "_")
      .slice(0, 60)
    const store = Effect.fnUntraced(function* (records: ReadonlyArray<DataRecord>, part: string) {
      const content = toJson(records)
      return yield* write(`${stem}-${(yield* sha256(content)).slice(0, 12)}-${part}.json`, records)
    })
    const place = Effect.fnUntraced(function* ({ records, path: at, bytes }: ReadFile, part: string) {
      if (bytes === null) return yield* store(records, part)
      return { path: at, sha256: yield* sha256(bytes), bytes: bytes.length, records: records.length } satisfies DataFile
    })
    const both = Effect.gen(function* () {
      if (!("fraction" in wanted)) return { train: yield* place(train, "train"), eval: yield* place(wanted, "eval") }
      if (train.records.length < 2) {
        return report(given, {
          message: `\`${train.path}\` has one record: nothing can be set aside for evaluation`,
          expected: "two records or more, or a file named by `data.eval`",
        })
      }
      const parts = splitRecords(train.records, wanted)
      return { train: yield* store(parts.train, "train"), eval: yield* store(parts.eval, "eval") }
    })
    return yield* both.pipe(Effect.catch(cannotWrite(given)))
  })

  /** Both ends of every file: another model under the same path is noticed without reading gigabytes. */
  const fingerprint = Effect.fnUntraced(function* (folder: string) {
    const end = 1024 * 1024
    const parts: Array<unknown> = []
    for (const name of (yield* fs.readDirectory(folder)).sort()) {
      const at = path.join(folder, name)
      const { type, size } = yield* fs.stat(at)
      if (type !== "File") continue
      const read = (offset: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const file = yield* fs.open(at, { flag: "r" })
            yield* file.seek(BigInt(offset), "start")
            return Option.getOrElse(yield* file.readAlloc(end), () => new Uint8Array())
          }),
        )
      const ends = [yield* read(0), ...(size > end ? [yield* read(Number(size) - end)] : [])]
      parts.push([name, Number(size), ...(yield* Effect.forEach(ends, sha256))])
    }
    return yield* sha256(new TextEncoder().encode(JSON.stringify(parts)))
  })

  /** Names, the files of functions made absolute; a file that is not there, or has no such name in it, is a problem. */
  const resolveTaskMetrics = Effect.fnUntraced(function* (given: GivenTaskMetrics) {
    const metrics = yield* Effect.forEach(
      given.metrics,
      Effect.fnUntraced(function* ({ field, name, file }) {
        if (file === null) return name
        const at = absolute(file)
        const content = yield* fs.readFileString(at).pipe(Effect.orElseSucceed(() => undefined))
        if (content === undefined) {
          const missing = (yield* kindOf(at)) === "missing"
          return field.report({
            message: `the file \`${file}\` ${missing ? "does not exist" : "cannot be read"}`,
            found: missing ? `nothing at ${at}` : at,
            expected: "a Python file; relative paths start at the sweep file's folder",
            hint: missing ? yield* missingHint(at) : null,
          })
        }
        // It may be imported or assigned there, but it has to be named.
        if (new RegExp(`\\b${name}\\b`).test(content)) return `${at}:${name}`
        const functions = Array.from(content.matchAll(/^(?:async )?def ([A-Za-z]\w*)/gm), (match) => match[1]!)
        return field.report({
          message: `\`${file}\` has no function \`${name}\``,
          found: functions.length === 0 ? "no function" : oneOf(functions),
          expected: `def ${name}(predictions, references)`,
          hint: didYouMean(name, functions),
        })
      }),
    )
    const { samples, maxNewTokens } = given
    return metrics.includes(undefined)
      ? undefined
      : { metrics: metrics as ReadonlyArray<string>, samples, max_new_tokens: maxNewTokens }
  })

  const llama = parsed.llamafactory === null ? null : yield* resolveLlamaFactory(parsed, folder)
  const givenModel = llama === null ? parsed.model : llama.model
  const model = givenModel === null ? "" : yield* resolveModel(givenModel)
  const data =
    llama !== null
      ? llama.data === undefined
        ? undefined
        : yield* placeLlamaFactory(llama.data)
      : parsed.data === null
        ? { train: noFile, eval: noFile }
        : yield* resolveData(parsed.data)
  const givenFolder = parsed.sourceFolder
  const sent = givenFolder === null || givenFolder === "none" ? undefined : yield* resolveFolder(givenFolder)
  const program = parsed.program === null ? null : yield* resolveProgram(parsed.program, sent)
  const taskMetrics = parsed.taskMetrics === null ? null : yield* resolveTaskMetrics(parsed.taskMetrics)
  if (
    taskMetrics === undefined ||
    source.errors.length > 0 ||
    model === undefined ||
    data === undefined ||
    program === undefined
  ) {
    return yield* specErrors(source.errors, parsed.text)
  }
  const { draft } = parsed
  const workingDirectory =
    program !== null
      ? program.base
      : draft.trainer === "command"
        ? yield* baseOfCommand(draft.command ?? [], sent)
        : undefined
  // A folder that cannot be read fails where it is trained; its results are not reused.
  const modelFingerprint = path.isAbsolute(model) ? yield* Effect.option(fingerprint(model)) : Option.none<string>()
  const spec = new SweepSpec({
    ...draft,
    space: placePublished(parsed.read, { model, records: data.train.path === "" ? null : data.train.records }),
    ...(taskMetrics === null ? {} : { taskMetrics }),
    ...(llama?.data === undefined ? {} : { llamafactory: { base: llama.base, entry: llama.data.entry } }),
    // Which program it is does not depend on the trial; everything else does.
    command:
      draft.command?.map((argument) => (argument === "${program}" ? (program?.at ?? argument) : argument)) ?? null,
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    ...(givenFolder === null ? {} : { sourceFolder: sent ?? null }),
    model,
    ...(Option.isSome(modelFingerprint) ? { modelFingerprint: modelFingerprint.value } : {}),
    data,
    source: { path: parsed.path, text: parsed.text },
  })
  return { spec, warnings: source.warnings } satisfies ResolvedSweep
}) satisfies (
  parsed: ParsedSweep,
  options: ResolveOptions,
) => Effect.Effect<ResolvedSweep, SpecErrors, FileSystem.FileSystem | Path.Path>
