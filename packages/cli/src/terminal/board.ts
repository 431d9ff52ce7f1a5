// The live view of one sweep as lines of text: progress of the whole and of each running trial, the leader board, the
// newest verdicts and failures. Pure: the same view, size and time give the same lines (golden-tested).
import { styleText } from "node:util"
import type { Trial } from "@sweep/domain/Trial"
import {
  duration,
  failureText,
  number,
  parameters,
  plural,
  printable,
  result,
  trialNumbers,
  varying,
} from "./format.ts"
import { countByState, leaders, outlook, shareDone, timeLeftOf, trialsIn, type SweepView } from "./SweepView.ts"
import { bar, table, truncate } from "./table.ts"
import { verdictSentence, verdictWord } from "./verdictStyle.ts"

const bold = (text: string) => styleText("bold", text)
const dim = (text: string) => styleText("dim", text)

const runningLine = (
  view: SweepView,
  trial: Trial,
  names: ReadonlyArray<string>,
  now: number,
  width: number,
): string => {
  const progress = view.progress.get(trial.number)
  const done = shareDone(progress)
  const evalLoss = progress?.values[view.sweep.spec.metric.name]
  const trainLoss = progress?.values["train/loss"]
  const remaining = timeLeftOf(view, trial, now)
  const left = remaining === null ? "" : `${duration(remaining)} left`
  const narrow = width < 90
  const facts = [
    `${bar(done ?? 0, narrow ? 8 : 16)} ${done === null ? "    " : `${String(Math.round(done * 100)).padStart(3)}%`}`,
    evalLoss === undefined ? "" : `${view.sweep.spec.metric.name} ${number(evalLoss)}`,
    trainLoss === undefined || narrow ? "" : `train ${number(trainLoss)}`,
    left,
  ].filter((text) => text !== "")
  const attempt = trial.attempt > 1 ? dim(` attempt ${trial.attempt}`) : ""
  return `  ${`#${trial.number}`.padEnd(4)} ${facts.join("  ")}  ${dim(parameters(names, trial.parameters))}${attempt}`
}

export const board = (
  view: SweepView,
  size: { readonly columns: number; readonly rows: number },
  now: number,
  hint: string,
): ReadonlyArray<string> => {
  const { sweep } = view
  const names = varying(sweep)
  const counts = countByState(sweep)
  const ahead = outlook(view, now)
  const reused = Array.from(sweep.trials.values()).filter((trial) => trial.reusedFrom !== null).length
  const lines: Array<string> = []

  const status = sweep.status === "running" ? "" : `  ${styleText("yellow", sweep.status)}`
  lines.push(
    `${bold(printable(sweep.spec.name))}  ${dim(`${sweep.spec.method} over ${names.join(" × ") || "one point"}`)}${status}`,
  )
  const bits = [
    ahead.planned === null ? plural(ahead.done, "trial") + " done" : `${ahead.done}/${ahead.planned} trials`,
    `elapsed ${duration(now - sweep.createdAt)}`,
    ahead.left === null || sweep.status !== "running" ? "" : `about ${duration(ahead.left)} left`,
    counts.failed === undefined ? "" : styleText("red", `${counts.failed} failed`),
    counts.infeasible === undefined
      ? ""
      : styleText("yellow", `${counts.infeasible} ${counts.infeasible === 1 ? "does" : "do"} not fit`),
    reused === 0 ? "" : `${reused} reused`,
    counts.stopped === undefined ? "" : `${counts.stopped} stopped early`,
  ].filter((text) => text !== "")
  lines.push(
    ahead.share === null
      ? bits.join("  ")
      : `${bar(ahead.share, size.columns < 90 ? 16 : 28)} ${Math.floor(ahead.share * 100)}%  ${bits.join("  ")}`,
  )
  lines.push("")

  const running = trialsIn(sweep, "running", "assigned")
  const waiting = trialsIn(sweep, "pending", "paused").length
  // The board never grows beyond the screen: a line that scrolled away could not be redrawn.
  const room = Math.max(8, size.rows - 2)
  const runningRoom = Math.max(2, Math.floor((room - 8) / 2))
  for (const trial of running.slice(0, runningRoom)) lines.push(runningLine(view, trial, names, now, size.columns))
  if (running.length > runningRoom) lines.push(dim(`  and ${running.length - runningRoom} more running`))
  if (running.length === 0 && sweep.status === "running") {
    const waitsFor =
      sweep.spec.trainer === "external"
        ? `waiting for 'sweep ask ${sweep.id}'`
        : waiting > 0
          ? `${plural(waiting, "trial")} waiting for a free slot on an agent`
          : "waiting for an agent"
    lines.push(dim(`  ${waitsFor}`))
  }
  lines.push("")

  const best = leaders(sweep)
  const notes = Array.from(sweep.trials.values())
    .filter(
      (trial) =>
        trial.failure !== null || (trial.verdict !== null && ["overfitting", "diverged"].includes(trial.verdict.kind)),
    )
    .sort((a, b) => (b.endedAt ?? now) - (a.endedAt ?? now))
  const noteRoom = Math.min(notes.length, 3)
  const boardRoom = Math.max(1, Math.min(10, room - lines.length - noteRoom - 4))
  if (best.length > 0) {
    const rows = best
      .slice(0, boardRoom)
      .map((one, i) => [
        ` ${i + 1}`,
        trialNumbers(one),
        i === 0 ? bold(result(one)) : result(one),
        verdictWord(one.trials[0].verdict),
        parameters(names, one.parameters),
      ])
    lines.push(
      ...table(
        [
          { title: " ", align: "right" },
          { title: "trial" },
          { title: `${sweep.spec.metric.name}${sweep.spec.metric.goal === "minimize" ? " ↓" : " ↑"}`, align: "right" },
          { title: "verdict" },
          { title: "parameters" },
        ],
        rows,
      ),
    )
    if (best.length > boardRoom) lines.push(dim(`    and ${best.length - boardRoom} more`))
    lines.push("")
  }
  for (const trial of notes.slice(0, noteRoom)) {
    lines.push(
      trial.failure !== null
        ? `  ${styleText("red", "✗")} #${trial.number} ${failureText(trial.failure).split("\n")[0]}`
        : `  ${styleText("yellow", "!")} #${trial.number} ${verdictSentence(trial.verdict!)}`,
    )
  }
  if (notes.length > noteRoom) lines.push(dim(`    and ${notes.length - noteRoom} more, in the report`))
  if (hint !== "") lines.push(dim(hint))
  return lines.slice(0, room).map((line) => truncate(line, size.columns))
}
