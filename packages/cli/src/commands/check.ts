import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as flags from "../flags.ts"
import { printJson, printLines } from "../output.ts"

export const check = Command.make(
  "check",
  {
    file: Argument.String("FILE").pipe(Argument.withDescription("A sweep file (YAML)")),
    json: flags.json,
  },
  ({ file, json }) =>
    Effect.gen(function* () {
      const { readSweepFile } = yield* Effect.promise(() => import("../readSweepFile.ts"))
      const { preview, previewLines } = yield* Effect.promise(() => import("../preview.ts"))
      const { spec, warnings } = yield* readSweepFile(file)
      const seen = preview(spec, warnings)
      yield* json ? printJson(seen) : printLines(previewLines(file, spec, seen))
    }),
).pipe(
  Command.withDescription("Check a sweep file: what it means, the first trials, the cost; nothing is run"),
  Command.withExamples([{ command: "sweep check sweeps/quickstart.yaml", description: "Before you start it" }]),
)
