import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { printJson } from "../../output.ts"
import { printable } from "../../terminal/format.ts"

const followFlag = Flag.Boolean("follow").pipe(
  Flag.withAlias("f"),
  Flag.withDescription("Go on until the trial ends"),
  Flag.withDefault(false),
)
const stderr = Flag.Boolean("stderr").pipe(
  Flag.withDescription("Standard error instead of standard output"),
  Flag.withDefault(false),
)

export const logs = Command.make(
  "logs",
  { trial: flags.trial, follow: followFlag, stderr, coordinator: flags.coordinator, json: flags.json },
  ({ trial, follow, stderr, coordinator, json }) =>
    Effect.gen(function* () {
      const ref = yield* flags.trialRef(trial)
      const stream = stderr ? "stderr" : "stdout"
      yield* (yield* SweepApi)
        .logs(ref.sweep, ref.trial, { stream, follow })
        .pipe(
          Stream.runForEach((text) =>
            json ? printJson({ ...ref, stream, text }) : Effect.sync(() => process.stdout.write(printable(text))),
          ),
        )
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Print what a trial's trainer wrote to standard output (or --stderr)"),
  Command.withExamples([
    { command: "sweep logs quickstart/3", description: "The log of trial 3" },
    { command: "sweep logs quickstart/3 -f --stderr", description: "Follow its standard error" },
  ]),
)
