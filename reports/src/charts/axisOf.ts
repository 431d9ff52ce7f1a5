// How a parameter is laid out along an axis: logarithmic, linear or by name, and which values get a tick. Owns that
// decision for charts and heat maps alike.
import type { ParameterValue } from "@sweep/domain/Parameter"
import { plain } from "../Html.ts"
import type { SearchSpace } from "@sweep/domain/SearchSpace"

export type ParameterAxis =
  | { readonly kind: "named"; readonly values: ReadonlyArray<string> }
  | {
      readonly kind: "number"
      readonly log: boolean
      /** Growing, each once. */
      readonly values: ReadonlyArray<number>
      readonly discrete: boolean
      /** Where ticks go: at the values themselves where they are few; `null` leaves it to the chart. */
      readonly ticks: ReadonlyArray<number> | null
    }

/** How a value stands on an axis of names. */
export const nameOf = (value: ParameterValue): string => plain(String(value))

const fewValues = 8

const logDistributions: ReadonlySet<string> = new Set([
  "LogUniform",
  "QLogUniform",
  "InvLogUniform",
  "LogNormal",
  "QLogNormal",
])

/** Whoever names one of these thinks of equal steps: such a parameter is never drawn on a log axis. */
const linearDistributions: ReadonlySet<string> = new Set([
  "Uniform",
  "QUniform",
  "IntUniform",
  "Normal",
  "QNormal",
  "Beta",
])

/** 4, 8, 16, 32 or 1e-4, 3e-4, 1e-3: steps of about the same ratio. */
const isGeometric = (values: ReadonlyArray<number>): boolean => {
  const ratios = values.slice(1).map((value, index) => value / values[index]!)
  return values.length > 2 && Math.min(...ratios) >= 1.8 && Math.max(...ratios) / Math.min(...ratios) < 2.6
}

const logarithmic = (name: string, values: ReadonlyArray<number>, space: SearchSpace): boolean => {
  const [low, high] = [values[0]!, values.at(-1)!]
  if (low <= 0 || low === high) return false
  const distribution = space.dimensions.find((dimension) => dimension.name === name)?.distribution._tag
  if (distribution !== undefined && logDistributions.has(distribution)) return true
  if (distribution !== undefined && linearDistributions.has(distribution)) return false
  if (name.split(".").at(-1) === "learning_rate") return true
  return high / low >= 100 || (values.length <= fewValues && isGeometric(values))
}

/** Round numbers within the range, about five: 1, 3, 10 … or denser over less than a decade. */
const logTicks = (low: number, high: number): ReadonlyArray<number> => {
  const decades = Math.log10(high / low)
  const steps = decades < 1.2 ? [1, 2, 3, 5] : decades < 3 ? [1, 3] : [1]
  const powers = Array.from({ length: Math.ceil(decades) + 2 }, (_, index) => Math.floor(Math.log10(low)) + index)
  return powers
    .flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
    .filter((tick) => tick >= low * 0.95 && tick <= high * 1.05)
}

export const axisOf = (
  name: string,
  values: ReadonlyArray<ParameterValue | undefined>,
  space: SearchSpace,
): ParameterAxis => {
  const present = values.filter((value) => value !== undefined)
  const distinct = [...new Set(present)]
  const numbers = distinct.filter((value) => typeof value === "number").toSorted((a, b) => a - b)
  if (numbers.length < distinct.length || numbers.length === 0) {
    return { kind: "named", values: [...new Set(distinct.map(nameOf))].toSorted() }
  }
  const log = logarithmic(name, numbers, space)
  const discrete = numbers.length <= fewValues
  const ticks = discrete ? numbers : log ? logTicks(numbers[0]!, numbers.at(-1)!) : null
  return { kind: "number", log, values: numbers, discrete, ticks }
}
