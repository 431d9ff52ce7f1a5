// Our side of the quality comparison: one sampler on one test function, trial after trial.
import { Metric } from "@sweep/domain/Metric"
import type { Observation } from "@sweep/search/History"
import type { SamplerFactory } from "@sweep/search/Sampler"
import { observedValue, spaceOf, type TestFunction } from "./functions.ts"
import { regretsOf } from "./traces.ts"

export const minimize = new Metric({ name: "value", goal: "minimize", summary: "last", target: null })

/** Regret at the checkpoints. A sampler that has tried everything there is keeps its last regret. */
export const runOurs = (
  factory: SamplerFactory,
  f: TestFunction,
  seed: number,
  trials: number,
): ReadonlyArray<number> => {
  const sampler = factory({ space: spaceOf(f), metric: minimize, seed })
  const history: Array<Observation> = []
  const seen: Array<number> = []
  const exact: Array<number> = []
  const parallel = f.parallel ?? 1
  for (let number = 1; number <= trials; number++) {
    // The oldest of those under way ends before another one begins.
    const ended = number - parallel
    if (ended >= 1) history[ended - 1] = { ...history[ended - 1]!, outcome: "completed", objective: seen[ended - 1]! }
    const suggestion = sampler.suggest(history, number)
    if (suggestion._tag !== "Suggested") {
      while (seen.length < trials) {
        seen.push(Infinity)
        exact.push(Infinity)
      }
      break
    }
    const { parameters } = suggestion
    const objective = observedValue(f, parameters, seed, number)
    exact.push(f.value(parameters))
    seen.push(objective)
    history.push({ number, parameters, outcome: "open", objective: null, values: {} })
  }
  return regretsOf(f, seen, exact)
}
