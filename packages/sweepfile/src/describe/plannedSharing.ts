// What a sweep saves where a longer run resumes from a shorter one with the same prefix: an estimate before anything has
// run. Owns this reckoning; which runs share a prefix is the domain's, and that the shorter one goes first the coordinator's.
import { beginningOf, commonSteps, epochsOf, type SharedSteps } from "@sweep/domain/beginning"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"

/**
 * `sets`: every set of parameters in the order in which they are asked for, of which the budget may allow fewer. `null`:
 * no two of the runs share a prefix and differ in their length.
 */
export const plannedSharing = (
  spec: SweepSpec,
  sets: ReadonlyArray<Parameters>,
  stepsOf: (parameters: Parameters) => number,
): SharedSteps | null => {
  const replicas = Math.max(1, spec.replicas)
  const all = sets.flatMap((parameters) => Array.from({ length: replicas }, (_, seed) => ({ parameters, seed })))
  const planned = all.slice(0, spec.budget.trials ?? all.length)
  const of = planned.reduce((sum, { parameters }) => sum + stepsOf(parameters), 0)
  let [isSearched, runs, steps] = [false, 0, 0]
  for (const [beginning, alike] of Map.groupBy(planned, (run) => beginningOf(spec, run))) {
    if (beginning === null) continue
    const rising = alike.map(({ parameters }) => parameters).sort((a, b) => epochsOf(a) - epochsOf(b))
    if (epochsOf(rising[0]!) < epochsOf(rising.at(-1)!)) isSearched = true
    for (const shorter of rising.slice(0, -1)) {
      const from = commonSteps(shorter, stepsOf(shorter))
      if (from > 0) runs++
      steps += from
    }
  }
  return isSearched ? { runs, steps, of } : null
}
