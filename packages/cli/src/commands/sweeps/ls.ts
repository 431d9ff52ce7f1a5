import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { SweepApi } from "@sweep/protocol/SweepApi"
import * as flags from "../../flags.ts"
import { print, printJson, printLines, printTable } from "../../output.ts"
import { summaryJson } from "../../results/summary.ts"
import { waitsForResume } from "../../running/howToGoOn.ts"
import { explainApi, findCoordinator, withApi } from "../../serving/access.ts"
import { printable, result } from "../../terminal/format.ts"
import { countByState, leaders, outlook } from "../../terminal/SweepView.ts"

const ids = Flag.Boolean("ids").pipe(Flag.withDescription("Only the ids, one a line"), Flag.withDefault(false))

export const ls = Command.make(
  "ls",
  { coordinator: flags.coordinator, ids, json: flags.json },
  ({ coordinator, ids, json }) =>
    Effect.gen(function* () {
      const alone = (yield* findCoordinator(coordinator)) === undefined
      const sweeps = yield* (yield* SweepApi).list
      if (ids) return yield* sweeps.length === 0 ? Effect.void : printLines(sweeps.map(({ id }) => id))
      if (json) {
        return yield* printJson(
          sweeps.map((sweep) => ({ ...summaryJson(sweep), waits_for_resume: waitsForResume(sweep, alone) })),
        )
      }
      if (sweeps.length === 0) return yield* print("No sweeps yet. Start one: sweep run sweeps/quickstart.yaml")
      const { plannedTrials } = yield* Effect.promise(() => import("../../running/plannedTrials.ts"))
      const anyFailed = sweeps.some((sweep) => countByState(sweep).failed !== undefined)
      yield* printTable(
        [
          { title: "sweep" },
          { title: "status" },
          { title: "trials", align: "right" },
          ...(anyFailed ? [{ title: "failed", align: "right" as const }] : []),
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
            waitsForResume(sweep, alone) ? "waiting" : sweep.status,
            `${done}/${planned ?? "∞"}`,
            ...(anyFailed ? [String(countByState(sweep).failed ?? "")] : []),
            best === undefined ? "–" : result(best),
            sweep.spec.metric.name,
            new Date(sweep.createdAt).toISOString().slice(0, 16).replace("T", " "),
            printable(sweep.spec.name),
          ]
        }),
      )
      const waiting = sweeps.filter((sweep) => waitsForResume(sweep, alone))
      if (waiting.length > 0) {
        const which = waiting.length === 1 ? waiting[0]!.id : "the sweeps that wait"
        yield* print(`\nNothing runs ${which}; resume: sweep resume ${waiting.length === 1 ? which : "SWEEP"}`)
      }
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("List the sweeps, newest first"),
  Command.withExamples([
    { command: "sweep ls", description: "All sweeps of the state directory" },
    { command: "sweep ls --json", description: "The same for a program" },
  ]),
)
