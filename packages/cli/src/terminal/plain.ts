// A running sweep as plain lines, one per thing that happened: for logs, pipes and CI. Pure.
import type { Fact } from "@sweep/domain/Fact"
import { formatTrialRef } from "@sweep/domain/Id"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { Trial } from "@sweep/domain/Trial"
import type { Verdict } from "@sweep/domain/Verdict"
import { duration, failureText, number, parameters, printable, varying } from "./format.ts"
import { leaders, outlook, type SweepView } from "./SweepView.ts"
import { verdictSentence } from "./verdictStyle.ts"

/** A member of a population runs once a round, and more often when it is tried again. */
const again = ({ attempt, rounds }: Trial): string => {
  if (rounds > 0) return ` (round ${rounds + 1})`
  return attempt > 1 ? ` (attempt ${attempt})` : ""
}

/** Every evaluation judges again, with other numbers; the same verdict since the same step is no news. */
const isNews = (verdict: Verdict, earlier: Verdict | null): boolean =>
  (verdict.kind === "overfitting" || verdict.kind === "diverged") &&
  (verdict.kind !== earlier?.kind || verdict.sinceStep !== earlier.sinceStep)

/** The line that `fact` is worth, or nothing. `view` is the view after the fact, `earlier` its trial's verdict before. */
export const plainLine = (view: SweepView, fact: Fact, earlier: Verdict | null): string | undefined => {
  if (!("trial" in fact)) {
    switch (fact._tag) {
      case "SweepPaused":
        return "sweep paused"
      case "SweepResumed":
        return "sweep resumed"
      case "SweepStopped":
        return `sweep stopped: ${printable(reasonSentence(fact.reason))}`
      default:
        return undefined
    }
  }
  const trial = view.sweep.trials.get(fact.trial)
  if (trial === undefined) return undefined
  const { metric } = view.sweep.spec
  const ahead = outlook(view, fact.at)
  const count = `[${ahead.done}/${ahead.planned ?? "?"}]`
  const left = ahead.left === null || ahead.left === 0 ? "" : ` · about ${duration(ahead.left)} left`
  const took = trial.endedAt !== null && trial.busyMs > 0 ? ` in ${duration(trial.busyMs)}` : ""
  switch (fact._tag) {
    case "TrialStarted":
      return `#${trial.number} started${again(trial)}: ${parameters(varying(view.sweep), trial.parameters)}`
    case "TrialExploited":
      return `#${trial.number} resumes from #${fact.from.trial} at step ${fact.from.step}: ${parameters(varying(view.sweep), fact.parameters)}`
    case "TrialReleased":
      return `#${trial.number} goes back to the queue: ${printable(reasonSentence(fact.cause))}`
    case "TrialCompleted": {
      const isBest = leaders(view.sweep)[0]?.trials.includes(trial) === true
      return `${count} #${trial.number} completed${took}: ${metric.name} ${trial.objective === null ? "?" : number(trial.objective)}${isBest ? " (best so far)" : ""}${left}`
    }
    case "TrialReused":
      return `${count} #${trial.number} is the same run as ${formatTrialRef(fact.from)}: ${metric.name} ${number(fact.objective)}, reused${left}`
    case "TrialStopped":
      return `${count} #${trial.number} stopped early${took}: ${printable(reasonSentence(fact.reason))}${left}`
    case "TrialFailed":
      return `${count} #${trial.number} ${failureText(fact)}`
    case "TrialCancelled":
      return `${count} #${trial.number} cancelled: ${printable(reasonSentence(fact.reason))}`
    case "VerdictReached":
      return isNews(fact.verdict, earlier) ? `#${trial.number} ${verdictSentence(fact.verdict)}` : undefined
    default:
      return undefined
  }
}
