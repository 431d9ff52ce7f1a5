// The part of a history that lies in a space: what a sampler may learn from once the space has changed, or from trials
// that a person made up. A value beyond the ends, a parameter that others set: its result would be taken for one of a
// place it is not from.
import type { Parameters } from "@sweep/domain/Parameter"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import type { History } from "./History.ts"
import { grownOnly } from "./Tried.ts"
import { compileSpace, InvalidSpace } from "./Space.ts"

/** Throws `InvalidSpace`. Each set of parameters is looked at once; the history itself, when all of it lies within. */
export const within = (definition: SearchSpace): ((history: History) => History) => {
  const space = compileSpace(definition)
  const known = new WeakMap<Parameters, boolean>()
  const isWithin = (parameters: Parameters): boolean => {
    let found = known.get(parameters)
    if (found === undefined) {
      try {
        found = space.contains(parameters)
      } catch (error) {
        // An expression that these values have the wrong types for.
        if (!(error instanceof InvalidSpace)) throw error
        found = false
      }
      known.set(parameters, found)
    }
    return found
  }
  // By place in the history: mostly it is the one from before with a little more, and comparing what is at a place is
  // much faster than looking it up.
  const seen: Array<Parameters> = []
  const inside: Array<boolean> = []
  let before: History | undefined
  let all = true
  return (history) => {
    let from = 0
    if (grownOnly(before, seen, history)) from = seen.length
    else {
      all = true
      seen.length = Math.min(seen.length, history.length)
    }
    before = history
    for (let i = from; i < history.length; i++) {
      const { parameters } = history[i]!
      if (seen[i] !== parameters) {
        seen[i] = parameters
        inside[i] = isWithin(parameters)
      }
      if (!inside[i]) all = false
    }
    return all ? history : history.filter((_, i) => inside[i])
  }
}
