import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { home } from "../../serving/home.ts"
import { print, printJson } from "../../output.ts"

const output = Flag.String("output").pipe(
  Flag.withAlias("o"),
  Flag.withMetavar("FILE"),
  Flag.withDescription("Where to write it; without it, into the state directory"),
  Flag.optional,
)

export const report = Command.make(
  "report",
  { sweep: flags.sweep, output, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, output, coordinator, json }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const { writeReport } = yield* Effect.promise(() => import("../../results/writeReport.ts"))
      const path = yield* writeReport(id, Option.getOrElse(output, () => "") || (yield* home).report(id))
      yield* json ? printJson({ sweep: id, report: path }) : print(path)
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Write the report of a sweep: one HTML file that opens anywhere"),
  Command.withExamples([
    { command: "sweep report quickstart", description: "Write it and print where it is" },
    { command: "sweep report quickstart -o report.html", description: "Write it here" },
  ]),
)
