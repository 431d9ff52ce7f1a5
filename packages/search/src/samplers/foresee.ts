// What a sampler will ask for before any trial has a result. Owns which methods can be foreseen whole: those whose
// suggestions depend on no result, as long as there are not too many of them.
import type { Parameters } from "@sweep/domain/Parameter"
import { learnsFromResults } from "@sweep/domain/Method"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { Observation } from "../space/History.ts"
import type { Sampler } from "./Sampler.ts"

/** Sets of parameters. */
const mostForeseen = 2_000

const open = (number: number, parameters: Parameters): Observation => ({
  number,
  parameters,
  outcome: "open",
  objective: null,
  values: {},
})

/** The first `count` suggestions, after what the spec enqueues, as long as no trial ends. */
export const firstSuggestions = (
  { enqueue }: SweepSpec,
  sampler: Sampler,
  count: number,
): ReadonlyArray<Parameters> => {
  const history = enqueue.map((parameters, i) => open(i + 1, parameters))
  const suggested: Array<Parameters> = []
  while (suggested.length < count) {
    const suggestion = sampler.suggest(history, history.length + 1)
    if (suggestion._tag !== "Suggested") break
    suggested.push(suggestion.parameters)
    history.push(open(history.length + 1, suggestion.parameters))
  }
  return suggested
}

/**
 * Every set of parameters that the sweep will try, in the order of asking, the enqueued ones first; more than its budget
 * of trials allows, maybe. `null` where that depends on results, has no end or is more than 2,000.
 */
export const foresee = (spec: SweepSpec, sampler: Sampler): ReadonlyArray<Parameters> | null => {
  const most = Math.min(sampler.size ?? Infinity, spec.budget.trials ?? Infinity)
  return !learnsFromResults(spec.method) && most <= mostForeseen
    ? [...spec.enqueue, ...firstSuggestions(spec, sampler, most)]
    : null
}
