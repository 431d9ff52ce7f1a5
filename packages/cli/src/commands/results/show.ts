import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { searchesEpochs, sharedSteps } from "@sweep/domain/beginning"
import { SweepApi } from "@sweep/protocol/SweepApi"
import * as flags from "../../flags.ts"
import { printJson, printText } from "../../output.ts"
import { summaryJson, trialJson } from "../../results/summary.ts"
import { waitsForResume } from "../../running/howToGoOn.ts"
import { explainApi, findCoordinator, withApi } from "../../serving/access.ts"
import { showText } from "../../terminal/showText.ts"

const all = Flag.Boolean("all").pipe(
  Flag.withDescription("Every verdict, failure and warning, not only the first of each"),
  Flag.withDefault(false),
)

export const show = Command.make(
  "show",
  { sweep: flags.sweep, all, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, all, coordinator, json }) =>
    Effect.gen(function* () {
      const alone = (yield* findCoordinator(coordinator)) === undefined
      const api = yield* SweepApi
      const state = yield* api.get(yield* flags.sweepRef(sweep))
      const waits = waitsForResume(state, alone)
      if (json)
        return yield* printJson({
          ...summaryJson(state),
          waits_for_resume: waits,
          trial_list: Array.from(state.trials.values(), trialJson(state)),
        })
      const { plannedTrials } = yield* Effect.promise(() => import("../../running/plannedTrials.ts"))
      // Only where trials may say something of it: what they said is much to read.
      const shared = searchesEpochs(state.spec)
        ? sharedSteps((yield* api.results(state.id, { maxPoints: 1 })).details)
        : null
      const lines = showText(state, { planned: plannedTrials(state), shared, all, waits, now: Date.now() })
      yield* printText(lines.join("\n"))
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Show one sweep: the best trial, the failures, the verdicts and what to do about them"),
  Command.withExamples([{ command: "sweep show quickstart", description: "What is known of the sweep 'quickstart'" }]),
)
