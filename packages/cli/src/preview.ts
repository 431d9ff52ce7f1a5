// What `sweep check` asks the sampler about a sweep before anything is run: how many sets of parameters there are, the
// first of them, and where trials may share their beginning all of them. The description made of it is the spec room's.
import { searchesEpochs } from "@sweep/domain/beginning"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { Observation } from "@sweep/search/History"
import { samplerFor } from "@sweep/search/samplerFor"

/** Enough for a look, and for an estimate of the cost. */
const mostTrials = 10

/** Whose suggestions depend on no result. */
const foreseen = new Set(["grid", "random", "sobol"])
const mostForeseen = 2_000

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
  const suggested: Array<Parameters> = []
  const { trials } = spec.budget
  const all =
    foreseen.has(spec.method) && searchesEpochs(spec) ? Math.min(sampler.size ?? Infinity, trials ?? Infinity) : 0
  const shown = Math.min(mostTrials, Math.max(0, (trials ?? Infinity) - spec.enqueue.length))
  const isWhole = all > 0 && all <= mostForeseen
  while (suggested.length < Math.max(shown, isWhole ? all : 0)) {
    const suggestion = sampler.suggest(history, history.length + 1)
    if (suggestion._tag !== "Suggested") break
    suggested.push(suggestion.parameters)
    history.push(open(history.length + 1, suggestion.parameters))
  }
  return { size: sampler.size, firstTrials: suggested.slice(0, shown), order: isWhole ? suggested : null }
}
