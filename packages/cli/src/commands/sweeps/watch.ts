import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Command from "effect/cli/Command"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { keepWatching } from "../../running/keepWatching.ts"
import { note, print, printJson } from "../../output.ts"
import { watchEventJson } from "../../results/watchJson.ts"

export const watch = Command.make(
  "watch",
  { sweep: flags.sweep, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, coordinator, json }) =>
    Effect.gen(function* () {
      const id = yield* flags.sweepRef(sweep)
      const events = (yield* SweepApi).watch(id)
      if (json) {
        const says = { away: note("the coordinator is away; waiting for it"), back: note("the coordinator is back") }
        return yield* Stream.runForEach(keepWatching(events, says), (event) => printJson(watchEventJson(event)))
      }
      const { follow } = yield* Effect.promise(() => import("../../terminal/follow.ts"))
      const end = yield* follow(events, {
        out: process.stdout,
        hint: "Ctrl-C leaves; the sweep continues.",
        waits: true,
      })
      if (end !== undefined) yield* print(`${id}: ${end.status}. The report: sweep report ${id}`)
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Watch a running sweep until it ends"),
  Command.withExamples([
    { command: "sweep watch quickstart", description: "The live view" },
    { command: "sweep watch quickstart --json", description: "One JSON object per event" },
  ]),
)
