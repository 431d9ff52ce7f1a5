import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import { styleText } from "node:util"
import { searchesEpochs, type SharedSteps, sharedSteps } from "@sweep/domain/beginning"
import { answerOf } from "@sweep/diagnosis/answer"
import { adviceSentence } from "@sweep/diagnosis/sentence"
import { evalLoss } from "@sweep/domain/Curve"
import { formatTrialRef } from "@sweep/domain/Id"
import { takeovers } from "@sweep/domain/lineage"
import type { SweepState } from "@sweep/domain/SweepState"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import * as flags from "../../flags.ts"
import { printJson, printLines } from "../../output.ts"
import { certaintyLines, nextLines } from "../../results/answerLines.ts"
import { budgetUsed, summaryJson, trialJson } from "../../results/summary.ts"
import {
  duration,
  number,
  parameters,
  parameterValue,
  printable,
  result,
  runsOf,
  takeoverText,
  trialNumbers,
  varying,
  warningText,
} from "../../terminal/format.ts"
import { countByState, leaders } from "../../terminal/SweepView.ts"
import { verdictSentence, verdictWord } from "../../terminal/verdictStyle.ts"

/** How much of each limit is used. */
const budgetLines = (sweep: SweepState, now: number): ReadonlyArray<string> => {
  const { budget, metric } = sweep.spec
  const used = budgetUsed(sweep, now)
  const parts = [
    ...(budget.trials === null ? [] : [`${used.trials} of ${budget.trials} trials`]),
    ...(budget.gpuHours === null ? [] : [`${number(used.gpu_hours)} of ${budget.gpuHours} GPU hours`]),
    ...(budget.hours === null ? [] : [`${number(used.hours)} of ${budget.hours} hours`]),
    ...(metric.target === null ? [] : [`until ${metric.name} reaches ${number(metric.target)}`]),
  ]
  return parts.length === 0 ? [] : [`budget     ${parts.join(", ")}`]
}

const showText = (sweep: SweepState, planned: number | null, shared: SharedSteps | null): ReadonlyArray<string> => {
  const bold = (text: string) => styleText("bold", text)
  const { spec } = sweep
  const names = varying(sweep)
  const counts = Object.entries(countByState(sweep)).map(([state, count]) => `${count} ${state}`)
  const best = leaders(sweep)
  const lines = [
    `${bold(printable(spec.name))}  (${sweep.id}, ${sweep.status}${sweep.reason === null ? "" : `: ${printable(sweep.reason)}`})`,
    ...(spec.description === "" ? [] : [printable(spec.description)]),
    ...(spec.model === "" ? [] : [`model      ${spec.model}`]),
    ...(spec.data.train.path === ""
      ? []
      : [
          `data       ${spec.data.train.path} (${spec.data.train.records} records), eval ${spec.data.eval.path} (${spec.data.eval.records})`,
        ]),
    ...(spec.learned === undefined
      ? []
      : [`warm start ${spec.learned.length} results of ${Array.from(new Set(spec.warmStart)).join(", ")}`]),
    `search     ${spec.method} over ${names.join(" × ") || "one point"}; seed ${spec.seed}`,
    `trials     ${counts.join(", ") || "none yet"} of ${planned ?? "∞"}`,
    ...budgetLines(sweep, Date.now()),
    ...(shared === null
      ? []
      : [
          `shared     ${shared.runs} went on from shorter ones: ${shared.steps.toLocaleString("en")} of ${shared.of.toLocaleString("en")} steps not trained twice`,
        ]),
    ...(sweep.revision === 1 ? [] : [`revision   ${sweep.revision}`]),
    ...(sweep.endedAt === null ? [] : [`took       ${duration(sweep.activeMs)}`]),
    "",
  ]
  const first = best[0]
  if (first === undefined) return [...lines, `No trial has an objective (${spec.metric.name}) yet.`]
  lines.push(bold(`best: ${trialNumbers(first)}, ${spec.metric.name} ${result(first)}${runsOf(first, spec)}`))
  for (const name of names)
    if (name in first.parameters) lines.push(`  ${name}: ${parameterValue(first.parameters[name]!)}`)
  const { verdict } = first.trials[0]
  if (verdict !== null) lines.push(`  verdict: ${verdictWord(verdict)}`)
  if (best[1] !== undefined) {
    lines.push(`  runner-up: ${trialNumbers(best[1])}, ${result(best[1])} (${parameters(names, best[1].parameters)})`)
  }
  const answer = answerOf(sweep, Date.now())!
  lines.push(...[...nextLines(answer), ...certaintyLines(answer)].map((line) => `  ${line}`))
  const flagged = Array.from(sweep.trials.values()).filter(
    ({ verdict, values }) =>
      // Without an eval loss there is nothing to judge, and nothing is flagged for that.
      verdict !== null && verdict.kind !== "healthy" && (verdict.kind !== "inconclusive" || evalLoss in values),
  )
  if (flagged.length > 0) {
    lines.push("", bold("verdicts"))
    for (const trial of flagged) {
      lines.push(`  #${trial.number} ${parameters(names, trial.parameters)}`, `     ${verdictSentence(trial.verdict!)}`)
      const advice = trial.verdict!.advice[0]
      if (advice !== undefined) lines.push(`     → ${adviceSentence(advice, "en")}`)
    }
  }
  const handedOn = takeovers(sweep.trials)
  if (handedOn.length > 0) {
    lines.push("", bold("lineage"))
    for (const takeover of handedOn) lines.push(`  ${takeoverText(takeover)}`)
  }
  const reused = Array.from(sweep.trials.values()).filter((trial) => trial.reusedFrom !== null)
  if (reused.length > 0) {
    lines.push("", bold("reused"))
    for (const trial of reused) lines.push(`  #${trial.number} is the result of ${formatTrialRef(trial.reusedFrom!)}`)
  }
  const warned = Array.from(sweep.trials.values()).filter((trial) => trial.warnings.length > 0)
  if (warned.length > 0) {
    lines.push("", bold("warnings"))
    for (const { number, warnings } of warned) {
      for (const warning of warnings) lines.push(`  #${number} ${printable(warningText(warning))}`)
    }
  }
  const failed = Array.from(sweep.trials.values()).filter((trial) => trial.failure !== null)
  if (failed.length > 0) {
    lines.push("", bold("failures"))
    for (const trial of failed)
      lines.push(`  #${trial.number} ${trial.failure!.class}: ${printable(trial.failure!.message)}`)
  }
  return lines
}

export const show = Command.make(
  "show",
  { sweep: flags.sweep, coordinator: flags.coordinator, json: flags.json },
  ({ sweep, coordinator, json }) =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const state = yield* api.get(yield* flags.sweepRef(sweep))
      if (json)
        return yield* printJson({
          ...summaryJson(state),
          trial_list: Array.from(state.trials.values(), trialJson(state)),
        })
      const { plannedTrials } = yield* Effect.promise(() => import("../../running/plannedTrials.ts"))
      // Only where trials may say something of it: what they said is much to read.
      const shared = searchesEpochs(state.spec)
        ? sharedSteps((yield* api.results(state.id, { maxPoints: 1 })).details)
        : null
      yield* printLines(showText(state, plannedTrials(state), shared))
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Show one sweep: the best trial, the verdicts and what to do about them, the failures"),
  Command.withExamples([{ command: "sweep show quickstart", description: "What is known of the sweep 'quickstart'" }]),
)
