import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { print, printJson, printLines } from "../../output.ts"
import { summaryJson } from "../../results/summary.ts"
import { printable, result } from "../../terminal/format.ts"
import { leaders, outlook } from "../../terminal/SweepView.ts"
import { table } from "../../terminal/table.ts"

export const ls = Command.make("ls", { coordinator: flags.coordinator, json: flags.json }, ({ coordinator, json }) =>
  Effect.gen(function* () {
    const sweeps = yield* (yield* SweepApi).list
    if (json) return yield* printJson(sweeps.map(summaryJson))
    if (sweeps.length === 0) return yield* print("No sweeps yet. Start one: sweep run sweeps/quickstart.yaml")
    const { plannedTrials } = yield* Effect.promise(() => import("../../running/plannedTrials.ts"))
    yield* printLines(
      table(
        [
          { title: "sweep" },
          { title: "status" },
          { title: "trials", align: "right" },
          { title: "best", align: "right" },
          { title: "metric" },
          { title: "created" },
          { title: "name" },
        ],
        sweeps.map((sweep) => {
          const planned = plannedTrials(sweep)
          const { done } = outlook({ sweep, progress: new Map(), planned }, sweep.createdAt)
          const best = leaders(sweep)[0]
          return [
            sweep.id,
            sweep.status,
            `${done}/${planned ?? "∞"}`,
            best === undefined ? "–" : result(best),
            sweep.spec.metric.name,
            new Date(sweep.createdAt).toISOString().slice(0, 16).replace("T", " "),
            printable(sweep.spec.name),
          ]
        }),
      ),
    )
  }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("List the sweeps, newest first"),
  Command.withExamples([
    { command: "sweep ls", description: "All sweeps of the state directory" },
    { command: "sweep ls --json", description: "The same for a program" },
  ]),
)
