// Whether a sweep may have more trials. Owns what counts against a budget; it stops new trials and never a running one.
import type { SweepState } from "@sweep/domain/SweepState"
import { isBetter } from "@sweep/domain/Metric"

const hour = 3_600_000

/** Devices × hours of all trials so far. A trial that was started again counts from its first start. */
const gpuHours = (sweep: SweepState, now: number): number => {
  let spent = 0
  for (const { startedAt, endedAt } of sweep.trials.values()) {
    if (startedAt !== null) spent += (endedAt ?? now) - startedAt
  }
  return (spent * Math.max(1, sweep.spec.resources.gpus)) / hour
}

/** The number of the trial that reached the metric's target. */
const reachedTarget = ({ spec, trials }: SweepState): number | undefined => {
  const { target, goal } = spec.metric
  if (target === null) return undefined
  for (const { number, objective } of trials.values()) {
    if (objective !== null && (objective === target || isBetter(goal, objective, target))) return number
  }
  return undefined
}

/** Why there will be no more new trials, or `null`. `now` is in milliseconds since the Unix epoch. */
export const spent = (sweep: SweepState, now: number): string | null => {
  const { budget, metric } = sweep.spec
  if (budget.trials !== null && sweep.trials.size >= budget.trials)
    return `its budget of ${budget.trials} trials is used`
  if (budget.hours !== null && (now - sweep.createdAt) / hour >= budget.hours) {
    return `its budget of ${budget.hours} hours is used`
  }
  if (budget.gpuHours !== null && gpuHours(sweep, now) >= budget.gpuHours) {
    return `its budget of ${budget.gpuHours} GPU hours is used`
  }
  const winner = reachedTarget(sweep)
  return winner === undefined ? null : `trial ${winner} reached the target ${metric.target} of ${metric.name}`
}
