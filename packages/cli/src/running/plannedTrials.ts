// How many trials a sweep will have, from what it has already and what its sampler has to give. `null`: no end.
import { canonicalText } from "@sweep/domain/Parameter"
import { plannedRuns } from "@sweep/domain/plannedRuns"
import type { SweepState } from "@sweep/domain/SweepState"
import { samplerFor } from "@sweep/search/samplerFor"
import { compileSpace } from "@sweep/search/Space"

export const plannedTrials = (sweep: SweepState): number | null => {
  if (sweep.status === "finished" || sweep.status === "stopped") return sweep.trials.size
  const { spec, trials } = sweep
  const { size } = samplerFor(spec)
  const space = compileSpace(spec.space)
  const sets = new Map(
    [...Array.from(trials.values(), ({ parameters }) => parameters), ...spec.enqueue].map((parameters) => [
      canonicalText(parameters),
      parameters,
    ]),
  )
  // Without an end of the sampler's, only the budget says how many.
  const outside = size === null ? 0 : Array.from(sets.values()).filter((set) => !space.contains(set)).length
  const planned = plannedRuns(spec, size, outside)
  return planned === null ? null : Math.max(planned, trials.size)
}
