import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as flags from "../../flags.ts"
import { printJson, printText } from "../../output.ts"

export const check = Command.make(
  "check",
  {
    file: Argument.String("FILE").pipe(Argument.withDescription("A sweep file (YAML)")),
    json: flags.json,
  },
  ({ file, json }) =>
    Effect.gen(function* () {
      const { readSweepFile } = yield* Effect.promise(() => import("../../running/readSweepFile.ts"))
      const { preview } = yield* Effect.promise(() => import("../../running/preview.ts"))
      const { describeSweep, renderDescription } = yield* Effect.promise(() => import("@sweep/sweepfile/describeSweep"))
      const { spec, neverActive, warnings } = yield* readSweepFile(file)
      const description = describeSweep(spec, { ...preview(spec), neverActive }, warnings)
      yield* json ? printJson(description) : printText(renderDescription(description))
    }),
).pipe(
  Command.withDescription("Check a sweep file: what it means, the first trials, the cost; nothing is run"),
  Command.withExamples([{ command: "sweep check sweeps/quickstart.yaml", description: "Before you start it" }]),
)
