// Random search: independent draws from the distributions (and beliefs), one trial's draw keyed by its number alone.
// Owns what every sampler falls back on: a draw within the constraints that the history does not hold, and the end of
// a space with finitely many points once all have been tried.
import type { History } from "../space/History.ts"
import { random, type Random } from "../numerics/Random.ts"
import type { SamplerFactory, Suggestion } from "./Sampler.ts"
import { checkFeasible, compileSpace, drawFeasible, type Space } from "../space/Space.ts"
import { type Tried, tried } from "../space/Tried.ts"

/** Up to this many cells, what is left of a space is listed rather than waited for by drawing. */
const listLimit = 20_000

/** So many draws in a row that are all in the history count as the end of a space too large to be listed. */
const drawLimit = 2_000

const everyCell = (space: Space) =>
  space.enumerate((axis) => {
    const { levels, value } = space.axes[axis]!
    return Array.from({ length: levels }, (_, level) => value(level))
  })

export const drawNew = (space: Space, history: Tried, from: Random): Suggestion => {
  const listed = space.cells <= listLimit
  const limit = Number.isFinite(space.cells) ? (listed ? 32 : drawLimit) : drawLimit
  for (let attempt = 0; attempt < limit; attempt++) {
    const parameters = drawFeasible(space, from)
    if (parameters === undefined) break
    if (!history.has(parameters)) return { _tag: "Suggested", parameters }
  }
  if (!listed) return { _tag: "Exhausted" }
  const left = Array.from(everyCell(space)).filter((parameters) => !history.has(parameters))
  const parameters = left[from.index(left.length)]
  return parameters === undefined ? { _tag: "Exhausted" } : { _tag: "Suggested", parameters }
}

/** Throws `InvalidSpace`, also when no draw satisfies the constraints. */
export const randomSearch: SamplerFactory = ({ space: definition, seed }) => {
  const space = compileSpace(definition)
  checkFeasible(space, definition)
  const look = tried()
  return {
    size: null,
    suggest: (history: History, number: number) => drawNew(space, look(history), random(seed, number, "random")),
  }
}
