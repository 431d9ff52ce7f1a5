// Grid search: every combination of the listed values once, in the order of the file, the last parameter changing
// fastest. Owns which distributions have a grid (W&B's rules: constants, lists, integers with both ends, q_uniform
// without its upper end) and the place the grid is at: the first combination the history does not hold, so that a
// resumed, extended or hand-fed sweep neither repeats nor skips one.
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import { multiple } from "../space/Quantile.ts"
import type { Sampler, SamplerFactory } from "./Sampler.ts"
import { compileSpace, InvalidSpace, type Space } from "../space/Space.ts"
import { tried } from "../space/Tried.ts"

function* rising(min: number, step: number, within: (x: number) => boolean): Generator<number> {
  for (let i = 0; ; i++) {
    const value = step === 1 ? min + i : Number((min + multiple(i, step)).toPrecision(15))
    if (!within(value)) return
    yield value
  }
}

/** The grid of one parameter and how many values it has; `null` when it has none. */
const gridOf = (d: Distribution): { readonly values: Iterable<ParameterValue>; readonly size: number } | null => {
  switch (d._tag) {
    case "Constant":
      return { values: [d.value], size: 1 }
    case "Categorical": {
      const values = Array.from(new Set(d.values))
      return { values, size: values.length }
    }
    case "IntUniform":
      return { values: { [Symbol.iterator]: () => rising(d.min, 1, (x) => x <= d.max) }, size: d.max - d.min + 1 }
    case "QUniform":
      return {
        values: { [Symbol.iterator]: () => rising(d.min, d.q, (x) => x < d.max) },
        size: Math.max(0, Math.ceil(Number(((d.max - d.min) / d.q).toPrecision(12)))),
      }
    default:
      return null
  }
}

/** Beyond this many combinations a grid with conditions or constraints is not counted. */
const countLimit = 100_000

const grid = (space: Space, definition: SearchSpace) => {
  const byName = new Map(definition.dimensions.map((dimension) => [dimension.name, dimension.distribution]))
  const grids = space.axes.map(({ name }) => {
    const d = byName.get(name)!
    const found = gridOf(d)
    if (found !== null) return found
    throw new InvalidSpace({
      message: `a grid needs a finite list, and \`${name}\` has none: give it \`values\`, integer bounds or a \`q\`, or take the method random`,
      where: name,
      sample: null,
    })
  })
  return {
    points: () => space.enumerate((axis) => grids[axis]!.values),
    product: grids.reduce((product, { size }) => product * size, 1),
  }
}

/** The number of combinations; `null` when there are conditions or constraints and more than 100,000. */
export const gridSize = (definition: SearchSpace): number | null => {
  const space = compileSpace(definition)
  const { points, product } = grid(space, definition)
  if (!space.conditional && !space.constrained) return product
  let count = 0
  for (const _ of points()) if (++count > countLimit) return null
  return count
}

/** Throws `InvalidSpace` for a parameter without a grid. */
export const gridSearch: SamplerFactory = ({ space: definition }): Sampler => {
  const space = compileSpace(definition)
  const { points } = grid(space, definition)
  const look = tried()
  let generation = -1
  let rest: Iterator<Parameters> = points()
  let next = rest.next()
  return {
    size: gridSize(definition),
    suggest: (history) => {
      const seen = look(history)
      if (seen.generation !== generation) {
        generation = seen.generation
        rest = points()
        next = rest.next()
      }
      while (next.done !== true && seen.has(next.value)) next = rest.next()
      return next.done === true ? { _tag: "Exhausted" } : { _tag: "Suggested", parameters: next.value }
    },
  }
}
