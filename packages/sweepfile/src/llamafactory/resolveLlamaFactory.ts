// What a LLaMA-Factory sweep trains: its configuration, its model and its data, found where LLaMA-Factory would find
// them. Owns reading `base`, dataset_info.json and records of every form; the eval split is made as for any sweep, and
// takes the place of the configuration's own.
import { llamaFactoryArguments, llamaFactoryCannot, type LlamaFactorySpec } from "@sweep/domain/LlamaFactory"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as Schema from "effect/Schema"
import { type AlpacaRecord, checkAlpaca, parseRecords } from "../data/alpacaRecords.ts"
import { type DatasetEntry, type DataRecord, entryOf, forms, formOf, formsOfStage, lacks } from "../data/forms.ts"
import { exampleParameters } from "../keys/exampleParameters.ts"
import type { Given } from "../keys/SweepDraft.ts"
import { didYouMean, Field, oneOf } from "../parse/Field.ts"
import type { ParsedSweep } from "../parse/parseSweepFile.ts"
import { Source } from "../parse/Source.ts"
import { maximumBytes, parseYaml } from "../parse/YamlTree.ts"
import { readConfiguration } from "./configuration.ts"

type Json = Schema.Json
type Values = Readonly<Record<string, Json>>

/** Where something of the sweep stands, or would stand. */
const place = (parsed: ParsedSweep, key: string): Given => {
  const { source } = parsed
  const span = source.spanOf(key)
  const node = { kind: "scalar" as const, value: "", source: "", integer: false, ...span }
  return { value: "", field: new Field(source, node, key) }
}

/** Folders in which relative paths of a configuration may begin: guides are run from LLaMA-Factory's root. */
const ancestors = (path: Path.Path, from: string): ReadonlyArray<string> => {
  const found = [from]
  for (let at = from; found.length < 5 && path.dirname(at) !== at; at = path.dirname(at)) found.push(path.dirname(at))
  return found
}

export interface ReadFile {
  readonly records: ReadonlyArray<DataRecord>
  readonly path: string
  /** `null`: of several files. */
  readonly bytes: Uint8Array | null
}

export interface LlamaFactoryData {
  readonly train: ReadFile
  readonly eval: ReadFile | { readonly fraction: number; readonly seed: number }
  readonly given: Given
  readonly entry: DatasetEntry
}

interface ResolvedLlamaFactory {
  readonly base: Values
  readonly model: Given | null
  readonly data: LlamaFactoryData | undefined
}

/** Reports at the sweep file's lines. `folder`: of the sweep file. */
export const resolveLlamaFactory = Effect.fn("resolveLlamaFactory")(function* (parsed: ParsedSweep, folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { base: given, inline } = parsed.llamafactory!
  const exists = (at: string) => fs.exists(at).pipe(Effect.orElseSucceed(() => false))

  const readBase = Effect.fnUntraced(function* (file: Given, at: string) {
    const text = yield* fs.readFileString(at).pipe(Effect.orElseSucceed(() => undefined))
    if (text === undefined) {
      file.field.report({
        message: `the configuration \`${file.value}\` cannot be read`,
        found: (yield* exists(at)) ? at : `nothing at ${at}`,
        expected: "a YAML file of LLaMA-Factory; relative paths start at the sweep file's folder",
      })
      return {}
    }
    const source = new Source(file.value, text.replace(/^\ufeff/, ""))
    if (Buffer.byteLength(text) > maximumBytes) {
      file.field.report({
        message: `the configuration \`${file.value}\` is too large`,
        found: `${text.length} characters`,
      })
      return {}
    }
    const { root, problems } = parseYaml(source.text, (offset) => source.lineOf(offset))
    for (const { start, end, message, expected, hint } of problems)
      source.report({ start, end }, "", { message, expected, hint })
    const fields =
      root === undefined ? undefined : new Field(source, root, "").map(undefined, "a map of LLaMA-Factory's keys")
    const values = fields === undefined ? {} : readConfiguration(fields)
    const shown = 5
    for (const { line, message, found, expected, hint } of source.errors.slice(0, shown))
      file.field.report({ message: `${file.value}:${line}: ${message}`, found, expected, hint })
    for (const { line, message, hint } of source.warnings)
      file.field.warn({ message: `${file.value}:${line}: ${message}`, hint })
    const rest = source.errors.length - shown
    if (rest > 0) file.field.report({ message: `${file.value}: ${rest} more mistakes` })
    return values
  })

  const baseAt = given === null ? null : path.resolve(folder, given.value)
  const fromFile: Values = given === null || baseAt === null ? {} : yield* readBase(given, baseAt)
  const base: Values = { ...fromFile, ...inline }
  const at = given ?? place(parsed, "model_name_or_path")
  const starts = [
    folder,
    ...(baseAt === null ? ancestors(path, folder) : ancestors(path, path.dirname(baseAt))),
    process.cwd(),
  ]
  const findFirst = Effect.fnUntraced(function* (relative: string) {
    for (const start of starts) {
      const candidate = path.resolve(start, relative)
      if (yield* exists(candidate)) return candidate
    }
    return undefined
  })

  const named = base["model_name_or_path"]
  const local = typeof named === "string" ? yield* findFirst(named) : undefined
  const model: Given | null =
    parsed.model ?? (typeof named === "string" ? { value: local ?? named, field: at.field } : null)
  if (model === null) {
    place(parsed, "model").field.report({
      message: "the sweep does not say which model is trained",
      expected: "`model`, or `model_name_or_path` in the configuration",
    })
  }

  for (const example of exampleParameters(parsed.read)) {
    const spec: LlamaFactorySpec = { base, entry: {} }
    const cannot = llamaFactoryCannot(llamaFactoryArguments(spec, "", example).arguments)
    if (cannot === undefined) continue
    place(parsed, "parameters").field.report({ message: cannot })
    break
  }

  const readFile = Effect.fnUntraced(function* (file: Given, where: string) {
    if (!/\.(json|jsonl|ndjson)$/i.test(where)) {
      return file.field.report({
        message: `the data file \`${file.value}\` is neither JSON nor JSON lines`,
        found: where,
        hint: `sweep data convert ${file.value} --to alpaca`,
      })
    }
    const bytes = yield* fs.readFile(where).pipe(Effect.orElseSucceed(() => undefined))
    if (bytes === undefined) {
      return file.field.report({
        message: `the data file \`${file.value}\` cannot be read`,
        found: `nothing at ${where}`,
      })
    }
    const read = parseRecords(bytes, /\.(jsonl|ndjson)$/i.test(where))
    if ("broken" in read) {
      for (const { record, message, found, expected, hint } of read.broken.problems) {
        const what = record === null ? file.value : `${file.value}: record ${record}`
        file.field.report({ message: `${what} ${message}`, found, expected, hint })
      }
      return undefined
    }
    if (read.records.length === 0) return file.field.report({ message: `${file.value} holds no records` })
    return { records: read.records as ReadonlyArray<DataRecord>, path: where, bytes } satisfies ReadFile
  })

  const stages = new Set(
    exampleParameters(parsed.read).map((example) =>
      String(llamaFactoryArguments({ base, entry: {} }, "", example).arguments["stage"] ?? "sft"),
    ),
  )

  /** The entry for records that come without one, and whether all of them fit it. */
  const checkRecords = (file: Given, records: ReadonlyArray<DataRecord>, described: DatasetEntry | undefined) => {
    const form = formOf(records[0])
    if (described === undefined && form === undefined) {
      const fields = typeof records[0] === "object" && records[0] !== null ? Object.keys(records[0]).slice(0, 8) : []
      return file.field.report({
        message: `${file.value}: record 1 is of no form that is known here`,
        found: fields.length === 0 ? "no object" : `the fields ${oneOf(fields)}`,
        expected: oneOf(forms),
      })
    }
    const entry = described ?? entryOf(form!, records)
    if (described === undefined || form !== undefined) {
      for (const stage of stages) {
        const allowed = formsOfStage[stage]
        if (allowed === undefined || allowed.includes(form!)) continue
        return file.field.report({
          message: `${file.value}: \`stage: ${stage}\` cannot be trained on ${form} records`,
          expected: oneOf(allowed),
          hint: stage === "dpo" || stage === "rm" ? "each record needs `chosen` and `rejected`" : null,
        })
      }
    }
    const alpaca =
      described === undefined &&
      form === "alpaca" &&
      Object.hasOwn(records[0]!, "instruction") &&
      Object.hasOwn(records[0]!, "output")
    const problems = alpaca
      ? checkAlpaca(records as ReadonlyArray<AlpacaRecord>).problems.map(
          ({ record, message, found, expected, hint }) => ({ record, message, found, expected, hint }),
        )
      : records.flatMap((record, i) => {
          const missing = lacks(entry, record)
          return missing === undefined
            ? []
            : [{ record: i + 1, message: `has no \`${missing}\``, found: null, expected: null, hint: null }]
        })
    for (const { record, message, found, expected, hint } of problems.slice(0, 3))
      file.field.report({ message: `${file.value}: record ${record} ${message}`, found, expected, hint })
    if (problems.length > 3)
      file.field.report({ message: `${file.value}: ${problems.length - 3} more records are wrong` })
    return problems.length > 0 ? undefined : entry
  }

  /** From the sweep file's own `data`. */
  const ownData = Effect.fnUntraced(function* (data: NonNullable<ParsedSweep["data"]>) {
    const train = yield* readFile(data.train, path.resolve(folder, data.train.value))
    if (train === undefined) return undefined
    const entry = checkRecords(data.train, train.records, undefined)
    if ("fraction" in data.eval) {
      return entry === undefined
        ? undefined
        : ({ train, eval: data.eval, given: data.train, entry } satisfies LlamaFactoryData)
    }
    const evaluated = yield* readFile(data.eval, path.resolve(folder, data.eval.value))
    if (evaluated === undefined || entry === undefined) return undefined
    if (checkRecords(data.eval, evaluated.records, entry) === undefined) return undefined
    return { train, eval: evaluated, given: data.train, entry } satisfies LlamaFactoryData
  })

  /** From the configuration's `dataset`, by way of dataset_info.json. */
  const baseData = Effect.fnUntraced(function* () {
    const names = (value: Json | undefined): ReadonlyArray<string> =>
      typeof value === "string"
        ? value.split(",").map((name) => name.trim())
        : Array.isArray(value)
          ? value.map(String)
          : []
    const wanted = names(base["dataset"])
    const directory = typeof base["dataset_dir"] === "string" ? base["dataset_dir"] : "data"
    const lost = (message: string, found: string | null, hint: string | null = null) =>
      at.field.report({
        message,
        found,
        expected: "`data: {train: FILE, eval: FILE}` in the sweep file, or files where the configuration says",
        hint,
      })
    if (wanted.length === 0) return lost("neither the sweep nor the configuration says what is trained on", null)
    const infoAt = yield* findFirst(path.join(directory, "dataset_info.json"))
    if (infoAt === undefined)
      return lost(
        `the data of \`dataset: ${wanted.join(",")}\` is not here`,
        `no ${directory}/dataset_info.json in ${folder} or above the configuration`,
      )
    const text = yield* fs.readFileString(infoAt).pipe(Effect.orElseSucceed(() => "{}"))
    const info = yield* Effect.try(() => JSON.parse(text) as Record<string, Record<string, Json>>).pipe(
      Effect.orElseSucceed(() => undefined),
    )
    if (info === undefined) return lost("dataset_info.json is no JSON", infoAt)
    const load = Effect.fnUntraced(function* (name: string) {
      const entry = info[name]
      if (entry === undefined)
        return lost(`dataset_info.json has no \`${name}\``, infoAt, didYouMean(name, Object.keys(info)))
      const { file_name: file, ...rest } = entry
      if (typeof file !== "string")
        return lost(
          `the data set \`${name}\` comes from a hub or a script`,
          JSON.stringify(entry).slice(0, 120),
          "download it, and name the file in `data`",
        )
      const where = path.resolve(path.dirname(infoAt), file)
      const read = yield* readFile({ value: `${name} (${where})`, field: at.field }, where)
      if (read === undefined) return undefined
      const described = Object.fromEntries(
        Object.entries(rest).filter(([key]) => ["formatting", "ranking", "columns", "tags"].includes(key)),
      )
      const known = Object.keys(described).length === 0 ? undefined : described
      const checked = checkRecords({ value: `${name} (${where})`, field: at.field }, read.records, known)
      return checked === undefined ? undefined : { ...read, entry: checked }
    })
    const parts = yield* Effect.forEach(wanted, load)
    const evaluated = yield* Effect.forEach(names(base["eval_dataset"]), load)
    const all = [...parts, ...evaluated]
    if (all.includes(undefined)) return undefined
    const [first, ...others] = all as ReadonlyArray<ReadFile & { readonly entry: DatasetEntry }>
    if (others.some(({ entry }) => JSON.stringify(entry) !== JSON.stringify(first!.entry)))
      return lost(
        "the configuration's data sets are described differently",
        wanted.join(", "),
        "take one, or bring them into one form: sweep data convert",
      )
    const together = (files: ReadonlyArray<ReadFile | undefined>): ReadFile => {
      const one = files[0]!
      return files.length === 1 ? one : { ...one, bytes: null, records: files.flatMap((file) => file!.records) }
    }
    const size = base["val_size"]
    const fraction =
      typeof size !== "number" || size <= 0 ? 0.1 : size < 1 ? size : size / together(parts).records.length
    return {
      train: together(parts),
      eval: evaluated.length > 0 ? together(evaluated) : { fraction: Math.min(0.9, fraction), seed: 7 },
      given: at,
      entry: first!.entry,
    } satisfies LlamaFactoryData
  })

  const data = parsed.data === null ? yield* baseData() : yield* ownData(parsed.data)
  return { base, model, data } satisfies ResolvedLlamaFactory
})
