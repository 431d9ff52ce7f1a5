// How many trials a sweep will have: the sampler's size and the trial budget, times the replicas. `null`: no end.
import type { SweepState } from "@sweep/domain/SweepState"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { samplerFor } from "@sweep/search/samplerFor"

export const plannedOf = (spec: SweepSpec): number | null => {
  const { size } = samplerFor(spec)
  const sets = size === null ? null : (size + spec.enqueue.length) * Math.max(1, spec.replicas)
  const { trials } = spec.budget
  return sets === null ? trials : trials === null ? sets : Math.min(sets, trials)
}

export const plannedTrials = (sweep: SweepState): number | null => {
  if (sweep.status === "finished" || sweep.status === "stopped") return sweep.trials.size
  const planned = plannedOf(sweep.spec)
  return planned === null ? null : Math.max(planned, sweep.trials.size)
}
