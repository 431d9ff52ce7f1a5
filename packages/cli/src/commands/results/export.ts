import { createWriteStream, renameSync } from "node:fs"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { stateFailure } from "../../exitCodes.ts"
import { exportedFile } from "../../results/exportedFile.ts"
import * as flags from "../../flags.ts"
import { printJson, printLines } from "../../output.ts"
import { fileProblem } from "@sweep/domain/fileProblem"
import { makeFolder } from "../../folders.ts"

const parquet = Flag.String("parquet").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("Write Parquet files into this directory"),
)

export const exportCommand = Command.make(
  "export",
  { sweep: flags.sweep, parquet, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, parquet, coordinator, json }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const directory = resolve(parquet)
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
  Command.withDescription("Write a sweep's trials and metrics as Parquet files"),
  Command.withExamples([
    { command: "sweep export quickstart --parquet out", description: "out/trials.parquet, out/metrics.parquet …" },
  ]),
)
