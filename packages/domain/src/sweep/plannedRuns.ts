// How many runs a sweep will have at most.
import type { SweepSpec } from "./SweepSpec.ts"

/** `size`: sets of parameters the sampler has in all, `null` without end. The result is `null` when there is no end. */
export const plannedRuns = (
  spec: SweepSpec,
  size: number | null,
  /** Sets of parameters that the sampler would not give: a person's, or from before an extension. */
  outside: number = spec.enqueue.length,
): number | null => {
  const all = size === null ? null : (size + outside) * Math.max(1, spec.replicas)
  const { trials } = spec.budget
  return all === null ? trials : trials === null ? all : Math.min(all, trials)
}
