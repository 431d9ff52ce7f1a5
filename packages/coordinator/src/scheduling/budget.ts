// Whether a sweep may have more trials. What counts against a budget is the domain's; it stops new trials and never a running one.
import { gpuHoursUsed, hoursUsed } from "@sweep/domain/budgetUse"
import { meanOf } from "@sweep/domain/configurations"
import type { TrialNumber } from "@sweep/domain/Id"
import { isBetter } from "@sweep/domain/Metric"
import { violationOf } from "@sweep/domain/OutcomeConstraint"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepState } from "@sweep/domain/SweepState"

/** The number of the trial that reached the metric's target, and keeps the constraints on outcomes. */
const reachedTarget = ({ spec, trials }: SweepState): TrialNumber | undefined => {
  const { metric, outcomes = [] } = spec
  const { target, goal } = metric
  if (target === null) return undefined
  for (const trial of trials.values()) {
    const { number, objective } = trial
    if (objective === null || !(objective === target || isBetter(goal, objective, target))) continue
    if (violationOf(outcomes, (name) => meanOf([trial], name, metric)) === 0) return number
  }
  return undefined
}

/** Why no trial is to begin any more, or `null`. `now` is in milliseconds since the Unix epoch. */
export const usedUp = (sweep: SweepState, now: number): Reason | null => {
  const { budget, metric } = sweep.spec
  if (budget.hours !== null && hoursUsed(sweep, now) >= budget.hours) {
    return { _tag: "HoursSpent", hours: budget.hours }
  }
  if (budget.gpuHours !== null && gpuHoursUsed(sweep, now) >= budget.gpuHours) {
    return { _tag: "GpuHoursSpent", hours: budget.gpuHours }
  }
  const winner = reachedTarget(sweep)
  return winner === undefined
    ? null
    : { _tag: "TargetReached", trial: winner, metric: metric.name, target: metric.target! }
}

/** Why there will be no more new trials, or `null`. `now` is in milliseconds since the Unix epoch. */
export const spent = (sweep: SweepState, now: number): Reason | null => {
  const { trials } = sweep.spec.budget
  if (trials !== null && sweep.trials.size >= trials) return { _tag: "TrialsSpent", trials }
  return usedUp(sweep, now)
}
