import { createWriteStream, renameSync } from "node:fs"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput, stateFailure } from "../../exitCodes.ts"
import { exportedFile } from "../../results/exportedFile.ts"
import * as flags from "../../flags.ts"
import { note, print, printJson, printLines } from "../../output.ts"
import { fileProblem } from "@sweep/domain/fileProblem"
import { makeFolder } from "../../folders.ts"

const parquet = Flag.String("parquet").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Write the sweep's trials and metrics as Parquet files into this directory"),
  Flag.optional,
)
const csv = Flag.String("csv").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Write trials.csv and metrics.csv into this directory"),
  Flag.optional,
)
const tensorboard = Flag.String("tensorboard").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Write event files that TensorBoard reads, a folder for each trial, into this directory"),
  Flag.optional,
)
/** As many as there are. */
const everyPoint = 2 ** 31 - 1
const adapter = Flag.String("adapter").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Write the adapter of the trial, or of the best one, with a model card into this directory"),
  Flag.optional,
)
const merged = Flag.String("merged").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Write the base with that adapter merged into it: a model that needs no adapter"),
  Flag.optional,
)

const gguf = Flag.String("gguf").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Write that merged model as model.gguf, for llama.cpp and Ollama (llama and qwen2 models)"),
  Flag.optional,
)

export const exportCommand = Command.make(
  "export",
  {
    of: flags.sweepOrTrial,
    parquet,
    csv,
    tensorboard,
    adapter,
    merged,
    gguf,
    coordinator: flags.coordinator,
    json: flags.json,
  },
  ({ of, parquet, csv, tensorboard, adapter, merged, gguf, coordinator, json }) =>
    Effect.gen(function* () {
      const given = [parquet, csv, tensorboard, adapter, merged, gguf].filter(Option.isSome)
      if (given.length !== 1)
        return yield* badInput(
          "expected one of --parquet DIR, --csv DIR, --tensorboard DIR, --adapter DIR, --merged DIR and --gguf DIR",
        )
      if (Option.isSome(csv) || Option.isSome(tensorboard)) {
        const tables = yield* Effect.promise(() => import("../../results/writeTables.ts"))
        const id = yield* flags.sweepRef(of)
        const results = yield* (yield* SweepApi).results(id, { maxPoints: everyPoint })
        const target = resolve(given[0]!.value)
        const paths = yield* Effect.try({
          try: () => (Option.isSome(csv) ? tables.writeCsv(target, results) : tables.writeTensorBoard(target, results)),
          catch: (cause) => stateFailure(`cannot write to ${target}: ${fileProblem(cause)}`),
        })
        return yield* json ? printJson({ sweep: id, files: paths }) : printLines(paths)
      }
      if (Option.isNone(parquet)) {
        const { exportModel } = yield* Effect.promise(() => import("../../models/exportModel.ts"))
        const kind = Option.isSome(adapter) ? "adapter" : Option.isSome(merged) ? "merged" : "gguf"
        const { name, target, notes } = yield* exportModel(of, kind, given[0]!.value)
        for (const said of notes) yield* note(`warning: ${said}`)
        return yield* json ? printJson({ trial: name, kind, directory: target }) : print(`${target}: ${name}, ${kind}`)
      }
      const id = yield* flags.sweepRef(of)
      const directory = resolve(parquet.value)
      const written = new Map<string, { readonly path: string; readonly out: ReturnType<typeof createWriteStream> }>()
      const open = (file: string) => {
        let target = written.get(file)
        if (target === undefined) {
          makeFolder(directory)
          const path = exportedFile(directory, file)
          if (path === undefined) throw new Error(`the coordinator sent a file with the name ${JSON.stringify(file)}`)
          target = { path, out: createWriteStream(`${path}.part`) }
          written.set(file, target)
        }
        return target
      }
      const attempt = <A>(promise: () => Promise<A>) =>
        Effect.tryPromise({
          try: promise,
          catch: (cause) => stateFailure(`cannot write to ${directory}: ${fileProblem(cause)}`),
        })
      yield* (yield* SweepApi).exportParquet(id).pipe(
        Stream.runForEach(({ file, chunk }) =>
          attempt(async () => {
            const { out } = open(file)
            await new Promise<void>((done, fail) => {
              out.once("error", fail)
              out.write(chunk, () => done())
            })
          }),
        ),
      )
      for (const { path, out } of written.values()) {
        yield* attempt(async () => {
          await new Promise<void>((done) => out.end(done))
          renameSync(`${path}.part`, path)
        })
      }
      const paths = Array.from(written.values(), ({ path }) => path)
      yield* json ? printJson({ sweep: id, files: paths }) : printLines(paths)
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription(
    "Write a sweep's trials and metrics as Parquet files, or a trial's model as a folder to hand on",
  ),
  Command.withExamples([
    { command: "sweep export quickstart --parquet out", description: "out/trials.parquet, out/metrics.parquet …" },
    {
      command: "sweep export quickstart/3 --merged model",
      description: "A model that needs no adapter, with its card",
    },
  ]),
)
