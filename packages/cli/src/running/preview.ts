// What `sweep check` asks the sampler about a sweep before anything is run: how many sets of parameters there are, the
// first of them, and where trials may share their beginning all of them. The description made of it is the spec room's.
import { searchesEpochs } from "@sweep/domain/beginning"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { firstSuggestions, foresee } from "@sweep/search/foresee"
import { samplerFor } from "@sweep/search/samplerFor"

/** Enough for a look, and for an estimate of the cost. */
const mostTrials = 10

/** In the order in which they will be asked for, as long as none has ended. */
export const preview = (spec: SweepSpec) => {
  const sampler = samplerFor(spec)
  const { trials } = spec.budget
  const shown = Math.min(mostTrials, Math.max(0, (trials ?? Infinity) - spec.enqueue.length))
  return {
    size: sampler.size,
    firstTrials: firstSuggestions(spec, sampler, shown),
    order: searchesEpochs(spec) ? foresee(spec, sampler) : null,
  }
}
