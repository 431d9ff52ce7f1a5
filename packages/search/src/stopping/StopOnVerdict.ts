// Stopping on a verdict: a trial ends as soon as a judge of its curves says so, whatever the rule beside it says. Owns
// the combination; the judge (overfitting, divergence) is the diagnosis room's, handed in as a function.
import type { Reason } from "@sweep/domain/Reason"
import type { Decision, Report, Stopper } from "./Stopper.ts"

/** Why the trial that reported should end, or `null`. */
export type Judge = (curve: ReadonlyArray<Report>, report: Report) => Reason | null

export const stopOnVerdict = (judge: Judge, rule: Stopper): Stopper => ({
  promote: rule.promote,
  decide: (history, curves, report): Decision => {
    const reason = judge(curves.get(report.trial) ?? [], report)
    return reason === null ? rule.decide(history, curves, report) : { _tag: "Stop", reason }
  },
})
