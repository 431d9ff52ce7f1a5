// How `sweep run` ends: the report is written, the answer is said, the exit code follows from it.
import * as Effect from "effect/Effect"
import type { SweepId } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { exitCodes, Failure } from "../exitCodes.ts"
import { home } from "../serving/home.ts"
import { print, printJson } from "../output.ts"
import { summaryJson } from "../results/summary.ts"
import { duration, parameters, plural, result, trialNumbers, varying } from "../terminal/format.ts"
import { countByState, countByVerdict, leaders } from "../terminal/SweepView.ts"
import { writeReport } from "../results/writeReport.ts"

export const finishRun = Effect.fn("finishRun")(function* (id: SweepId, options: { readonly json: boolean }) {
  const api = yield* SweepApi
  const path = yield* writeReport(id, (yield* home).report(id))
  const sweep = yield* api.get(id)
  const first = leaders(sweep)[0]
  if (options.json) yield* printJson({ ...summaryJson(sweep), report: path })
  else {
    const counts = Object.entries(countByState(sweep)).map(([state, count]) => `${count} ${state}`)
    const verdicts = Object.entries(countByVerdict(sweep)).map(([kind, count]) => `${count} ${kind}`)
    yield* print(`\n${plural(sweep.trials.size, "trial")} in ${duration(sweep.activeMs)}: ${counts.join(", ")}`)
    if (verdicts.length > 0) yield* print(`verdicts: ${verdicts.join(", ")}`)
    if (first !== undefined) {
      const chosen = parameters(varying(sweep), first.parameters)
      yield* print(
        `best: ${trialNumbers(first)}, ${sweep.spec.metric.name} ${result(first)}${chosen === "" ? "" : ` (${chosen})`}`,
      )
    }
    yield* print(`report: ${path}`)
  }
  if (first === undefined) {
    return yield* new Failure({
      text: `no trial of ${id} completed; 'sweep show ${id}' says why, 'sweep logs ${id}/1 --stderr' shows a trainer's words`,
      exitCode: exitCodes.noResult,
    })
  }
})
