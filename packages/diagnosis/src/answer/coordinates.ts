// Parameters as points of the unit cube, read off the trials themselves: what a model of the results needs. Owns the
// scale of each parameter (logarithmic where its values span a factor of eight or more) and what stands for a parameter
// that a trial lacks. The search space is not asked: a user's own trials lie outside of it.
import type { Parameters } from "@sweep/domain/Parameter"

export interface Coordinates {
  readonly names: ReadonlyArray<string>
  /** By parameter: whether its values have no order, so that two of them are equal or not. */
  readonly choice: ReadonlyArray<boolean>
  readonly points: ReadonlyArray<Float64Array>
}

/** A factor between the smallest and the largest value from which people search on a logarithmic scale. */
const logarithmicFrom = 8

/** Only parameters that vary have a coordinate. An absent number stands in the middle: its condition says the rest. */
export const coordinatesOf = (sets: ReadonlyArray<Parameters>): Coordinates => {
  const all = new Set(sets.flatMap((parameters) => Object.keys(parameters)))
  const names = Array.from(all).filter((name) => new Set(sets.map((parameters) => parameters[name])).size > 1)
  const choice: Array<boolean> = []
  const columns = names.map((name): ReadonlyArray<number> => {
    const values = sets.map((parameters) => parameters[name])
    const numbers = values.filter((value) => typeof value === "number")
    const isChoice = values.some((value) => value !== undefined && typeof value !== "number")
    const distinct = new Set(numbers)
    choice.push(isChoice || distinct.size < 2)
    if (isChoice || distinct.size < 2) {
      const known = [...new Set(values)]
      return values.map((value) => known.indexOf(value) / Math.max(1, known.length - 1))
    }
    let [low, high] = [Math.min(...numbers), Math.max(...numbers)]
    const scale = low > 0 && high / low >= logarithmicFrom ? Math.log : (value: number) => value
    ;[low, high] = [scale(low), scale(high)]
    return values.map((value) => (typeof value === "number" ? (scale(value) - low) / (high - low) : 0.5))
  })
  return { names, choice, points: sets.map((_, i) => Float64Array.from(columns, (column) => column[i]!)) }
}
