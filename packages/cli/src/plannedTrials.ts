// How many trials a sweep will have, from what it has already and what its sampler has to give. `null`: no end.
import { plannedRuns } from "@sweep/domain/plannedRuns"
import type { SweepState } from "@sweep/domain/SweepState"
import { samplerFor } from "@sweep/search/samplerFor"

export const plannedTrials = (sweep: SweepState): number | null => {
  if (sweep.status === "finished" || sweep.status === "stopped") return sweep.trials.size
  const planned = plannedRuns(sweep.spec, samplerFor(sweep.spec).size)
  return planned === null ? null : Math.max(planned, sweep.trials.size)
}
