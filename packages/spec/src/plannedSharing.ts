// What a sweep saves where a longer run goes on from a shorter one that begins alike: an estimate before anything has
// run, for runs one after the other in the order given. Owns this reckoning; which runs begin alike is the domain's.
import { beginningOf, commonSteps, epochsOf, type SharedSteps } from "@sweep/domain/beginning"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"

/**
 * `order`: every set of parameters in the order in which they are asked for. `null`: no two of the runs begin alike and
 * differ in their length.
 */
export const plannedSharing = (
  spec: SweepSpec,
  order: ReadonlyArray<Parameters>,
  stepsOf: (parameters: Parameters) => number,
): SharedSteps | null => {
  /** By what a beginning is known by: the epochs that were met, and the steps at which a state was left. */
  const met = new Map<string, { readonly epochs: Set<number>; left: ReadonlyArray<number> }>()
  const replicas = Math.max(1, spec.replicas)
  let [runs, steps, total] = [0, 0, 0]
  const all = order.flatMap((parameters) => Array.from({ length: replicas }, (_, seed) => ({ parameters, seed })))
  for (const run of all.slice(0, spec.budget.trials ?? all.length)) {
    const own = stepsOf(run.parameters)
    total += own
    const beginning = beginningOf(spec, run)
    if (beginning === null) continue
    const known = met.get(beginning) ?? { epochs: new Set(), left: [] }
    met.set(beginning, known)
    known.epochs.add(epochsOf(run.parameters))
    const until = commonSteps(run.parameters, own)
    const from = Math.max(0, ...known.left.filter((step) => step <= until))
    if (from > 0) runs++
    steps += from
    // The state of more steps takes the place of those of fewer.
    known.left = [...known.left.filter((step) => step > until), until]
  }
  return Array.from(met.values()).some(({ epochs }) => epochs.size > 1) ? { runs, steps, of: total } : null
}
