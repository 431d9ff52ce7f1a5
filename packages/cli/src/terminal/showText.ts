// One sweep in words: what it is, the best set of parameters, then what is worth a look. Owns how much of each list is
// shown: a sweep of hundreds of trials still fits on a screen. Pure.
import { styleText } from "node:util"
import type { SharedSteps } from "@sweep/domain/beginning"
import { evalLoss } from "@sweep/domain/Curve"
import { answerOf } from "@sweep/diagnosis/answer"
import { formatTrialRef } from "@sweep/domain/Id"
import { takeovers } from "@sweep/domain/lineage"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import { budgetUsed } from "../results/summary.ts"
import {
  bytes as sizeText,
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
} from "./format.ts"
import { countByState, leaders } from "./SweepView.ts"
import { verdictSentence, verdictWord } from "./verdictStyle.ts"
import { adviceSentence } from "@sweep/diagnosis/sentence"
import { certaintyLines, constraintLines, frontLines, measureLines, nextLines } from "../results/answerLines.ts"

/** Entries of a list that are shown without `--all`. */
const mostListed = 5

export interface Shown {
  /** How many trials there will be; `null` when nobody can say. */
  readonly planned: number | null
  readonly shared: SharedSteps | null
  /** Whether lists are shown whole. */
  readonly all: boolean
  /** Whether the sweep counts as running and nothing is there to run it. */
  readonly waits: boolean
  readonly now: number
}

const bold = (text: string) => styleText("bold", text)

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

/** Which program and data were sent along: with this hash, a run can be made again. */
const sourceLines = (snapshot: SweepSpec["snapshot"]): ReadonlyArray<string> => {
  if (snapshot === undefined) return []
  const { sha256, files, bytes, git } = snapshot
  const changed = git === undefined || git.changed === 0 ? "" : ` and ${git.changed} changed files`
  return [
    `source     snapshot ${sha256.slice(0, 12)}: ${files} files, ${sizeText(bytes)}${git === undefined ? "" : `; git ${git.revision.slice(0, 12)}${changed}`}`,
  ]
}

const headLines = (sweep: SweepState, { planned, shared, waits, now }: Shown): ReadonlyArray<string> => {
  const { spec } = sweep
  const counts = Object.entries(countByState(sweep)).map(([state, count]) => `${count} ${state}`)
  const status = `${waits ? "waiting" : sweep.status}${sweep.reason === null ? "" : `: ${printable(reasonSentence(sweep.reason))}`}`
  const { train, eval: evaluation } = spec.data
  const optional = (line: string | false): ReadonlyArray<string> => (line === false ? [] : [line])
  return [
    `${bold(printable(spec.name))}  (${sweep.id}, ${status})`,
    ...optional(spec.description !== "" && printable(spec.description)),
    ...optional(spec.model !== "" && `model      ${spec.model}`),
    ...optional(
      train.path !== "" &&
        `data       ${train.path} (${train.records} records), eval ${evaluation.path} (${evaluation.records})`,
    ),
    ...sourceLines(spec.snapshot),
    ...optional(
      spec.learned !== undefined &&
        `warm start ${spec.learned.length} results of ${Array.from(new Set(spec.warmStart)).join(", ")}`,
    ),
    `search     ${spec.method} over ${varying(sweep).join(" × ") || "one point"}; seed ${spec.seed}`,
    `trials     ${counts.join(", ") || "none yet"} of ${planned ?? "∞"}`,
    ...budgetLines(sweep, now),
    ...optional(
      shared !== null &&
        `shared     ${shared.runs} resumed from shorter ones: ${shared.steps.toLocaleString("en")} of ${shared.of.toLocaleString("en")} steps not trained twice`,
    ),
    ...optional(sweep.revision !== 1 && `revision   ${sweep.revision}`),
    ...optional(sweep.endedAt !== null && `took       ${duration(sweep.activeMs)}`),
    ...optional(waits && `waits      nothing runs it; resume: sweep resume ${sweep.id}`),
  ]
}

const bestLines = (sweep: SweepState, names: ReadonlyArray<string>, now: number): ReadonlyArray<string> => {
  const all = leaders(sweep)
  const first = all[0]
  const { metric } = sweep.spec
  if (first === undefined) return [`No trial has an objective (${metric.name}) yet.`]
  const { verdict } = first.trials[0]
  const answer = answerOf(sweep, now)!
  // The same that the answer compares with: the next that keeps the constraints on outcomes.
  const runnerUp =
    answer.runnerUp === null ? undefined : all.find(({ trials }) => answer.runnerUp!.trials.includes(trials[0].number))
  return [
    bold(
      `${answer.best.feasible ? "best" : "nearest to the limits"}: ${trialNumbers(first)}, ${metric.name} ${result(first)}${runsOf(first, sweep.spec)}`,
    ),
    ...names.flatMap((name) =>
      name in first.parameters ? [`  ${name}: ${parameterValue(first.parameters[name]!)}`] : [],
    ),
    ...(verdict === null ? [] : [`  verdict: ${verdictWord(verdict)}`]),
    ...(runnerUp === undefined
      ? []
      : [`  runner-up: ${trialNumbers(runnerUp)}, ${result(runnerUp)} (${parameters(names, runnerUp.parameters)})`]),
    ...[
      ...constraintLines(answer),
      ...nextLines(answer),
      ...measureLines(answer),
      ...certaintyLines(answer),
      ...frontLines(answer, names),
    ].map((line) => `  ${line}`),
  ]
}

/** A part with its title; `where`: what shows those that are left out. */
const part = (title: string, entries: ReadonlyArray<ReadonlyArray<string>>, all: boolean): ReadonlyArray<string> => {
  if (entries.length === 0) return []
  const shown = all ? entries : entries.slice(0, mostListed)
  const more = entries.length - shown.length
  return ["", bold(title), ...shown.flat(), ...(more === 0 ? [] : [`  and ${more} more (--all shows them)`])]
}

const verdictEntries = (trials: ReadonlyArray<Trial>, names: ReadonlyArray<string>) =>
  trials
    .filter(
      ({ verdict, values }) =>
        // Without an eval loss there is nothing to judge, and nothing is flagged for that.
        verdict !== null && verdict.kind !== "healthy" && (verdict.kind !== "inconclusive" || evalLoss in values),
    )
    .map((trial) => {
      const advice = trial.verdict!.advice[0]
      return [
        `  #${trial.number} ${parameters(names, trial.parameters)}`,
        `     ${verdictSentence(trial.verdict!)}`,
        ...(advice === undefined ? [] : [`     → ${adviceSentence(advice, "en")}`]),
      ]
    })

/** One entry for each way of failing, with the trials that failed so. */
const failureEntries = (trials: ReadonlyArray<Trial>) => {
  const failed = trials.filter(({ failure }) => failure !== null)
  const ways = Map.groupBy(failed, ({ failure }) => `${failure!.class}: ${printable(reasonSentence(failure!.message))}`)
  return Array.from(ways, ([what, alike]) => {
    const numbers = alike.slice(0, mostListed).map(({ number }) => `#${number}`)
    const more = alike.length - numbers.length
    return [`  ${numbers.join(" ")}${more === 0 ? "" : ` and ${more} more`} ${what}`]
  })
}

export const showText = (sweep: SweepState, shown: Shown): ReadonlyArray<string> => {
  const names = varying(sweep)
  const trials = Array.from(sweep.trials.values())
  const { all } = shown
  return [
    ...headLines(sweep, shown),
    "",
    ...bestLines(sweep, names, shown.now),
    // First what went wrong: a message of `sweep run` sends one here for it.
    ...part("failures", failureEntries(trials), all),
    ...part("verdicts", verdictEntries(trials, names), all),
    ...part(
      "lineage",
      takeovers(sweep.trials).map((takeover) => [`  ${takeoverText(takeover)}`]),
      all,
    ),
    ...part(
      "reused",
      trials.flatMap(({ number, reusedFrom }) =>
        reusedFrom === null ? [] : [[`  #${number} is the result of ${formatTrialRef(reusedFrom)}`]],
      ),
      all,
    ),
    ...part(
      "warnings",
      trials.flatMap(({ number, warnings }) =>
        warnings.map((warning) => [`  #${number} ${printable(warningText(warning))}`]),
      ),
      all,
    ),
  ]
}
