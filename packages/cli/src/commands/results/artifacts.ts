import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { note, printJson, printLines } from "../../output.ts"
import { bytes } from "../../terminal/format.ts"
import { table } from "../../terminal/table.ts"

export const artifacts = Command.make(
  "artifacts",
  { of: flags.sweepOrTrial, coordinator: flags.coordinator, json: flags.json },
  ({ of, coordinator, json }) =>
    Effect.gen(function* () {
      const { sweep, trial } = yield* flags.sweepOrTrialRef(of)
      const api = yield* SweepApi
      const kept = yield* api.artifacts(sweep, trial ?? null)
      const total = kept.reduce((sum, file) => sum + file.bytes, 0)
      if (json) return yield* printJson({ sweep, files: kept, bytes: total })
      const rule = (yield* api.get(sweep)).spec.artifacts ?? "best"
      if (kept.length === 0) {
        return yield* note(
          rule === "none"
            ? `${of} keeps no files: its sweep file says 'artifacts: none'.`
            : `no files are kept of ${of} yet; they come when a trial has ended.`,
        )
      }
      yield* printLines([
        ...table(
          [
            { title: "trial", align: "right" },
            { title: "file" },
            { title: "size", align: "right" },
            { title: "sha256" },
          ],
          kept.map((file) => [String(file.trial), file.path, bytes(file.bytes), file.sha256.slice(0, 12)]),
        ),
        `${kept.length} files, ${bytes(total)}; kept by the rule '${rule}'. Fetch a trial's: sweep pull ${sweep}/${kept[0]!.trial}`,
      ])
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("The files that are kept of a sweep's trials, with their sizes"),
  Command.withExamples([
    { command: "sweep artifacts quickstart", description: "Of every trial" },
    { command: "sweep artifacts quickstart/3", description: "Of trial 3" },
  ]),
)
