// What `sweep check` asks the sampler about a sweep before anything is run: how many sets of parameters there are, and the
// first of them. The description made of it is the spec room's.
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { Observation } from "@sweep/search/History"
import { samplerFor } from "@sweep/search/samplerFor"

/** Enough for a look, and for an estimate of the cost. */
const mostTrials = 10

const open = (number: number, parameters: Parameters): Observation => ({
  number,
  parameters,
  outcome: "open",
  objective: null,
  values: {},
})

/** In the order in which they will be asked for, as long as none has ended. */
export const preview = (spec: SweepSpec) => {
  const sampler = samplerFor(spec)
  const history = spec.enqueue.map((parameters, i) => open(i + 1, parameters))
  const firstTrials: Array<Parameters> = []
  while (firstTrials.length < mostTrials) {
    const suggestion = sampler.suggest(history, history.length + 1)
    if (suggestion._tag !== "Suggested") break
    firstTrials.push(suggestion.parameters)
    history.push(open(history.length + 1, suggestion.parameters))
  }
  return { size: sampler.size, firstTrials }
}
