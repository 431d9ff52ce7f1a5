// One free dimension of a space as the samplers see it: a map between its values and the unit interval, on which the
// person's distribution is uniform. Owns this map and what the models ask about it (how many values, are they ordered,
// which stretch of the interval gives the same value). Numbers given as a list (`rank: [4, 8, 16, 32]`) keep their
// order; other lists are choices.
import type { Dimension } from "@sweep/domain/SearchSpace"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { normalCumulative, normalQuantile } from "../numerics/Normal.ts"
import { contains, cumulative, levelCount, multiple, type NumericDistribution, quantile, support } from "./Quantile.ts"

export interface Axis {
  readonly name: string
  /** `continuous`: a number of any value; `ordered`: numbers with gaps between them; `choice`: without order. */
  readonly kind: "continuous" | "ordered" | "choice"
  /** How many values there are; infinite when continuous or unbounded. */
  readonly levels: number
  readonly decode: (u: number) => ParameterValue
  /** The middle of the interval that gives `value`; NaN for a value that is not this axis's. Numbers beyond the ends count as the end. */
  readonly encode: (value: ParameterValue) => number
  /** All u that give the same value as this one. A point where the axis is continuous. */
  readonly interval: (u: number) => readonly [low: number, high: number]
  /** 0 … levels − 1 where there are finitely many values; the same for the same value. */
  readonly level: (u: number) => number
  /** The value of a level, where there are finitely many. */
  readonly value: (level: number) => ParameterValue
  readonly contains: (value: ParameterValue) => boolean
  /** The person's belief where good values lie, on the unit interval; a truncated normal. */
  readonly belief: Belief | null
}

export interface Belief {
  readonly center: number
  readonly width: number
}

/** The largest number below 1: every u is kept inside (0, 1). */
const end = 1 - 2 ** -53
export const clampUnit = (u: number): number => (u < 2 ** -53 ? 2 ** -53 : u > end ? end : u)

/** A uniform `u` made to follow `belief`; monotonic, so that low-discrepancy points stay well spread. */
export const followBelief = (belief: Belief, u: number): number => {
  const low = normalCumulative(-belief.center / belief.width)
  const high = normalCumulative((1 - belief.center) / belief.width)
  return clampUnit(belief.center + belief.width * normalQuantile(low + u * (high - low)))
}

export const logBelief = (belief: Belief, u: number): number => -0.5 * ((u - belief.center) / belief.width) ** 2

const isLog = (d: NumericDistribution): boolean => /Log/.test(d._tag)

const numericAxis = (name: string, d: NumericDistribution, prior: Dimension["prior"]): Axis => {
  const levels = levelCount(d)
  const [min, max] = support(d)
  const quantized = d._tag === "IntUniform" || "q" in d
  const interval = (value: number): readonly [number, number] => {
    const [a, b] = cumulative(d, Math.min(max, Math.max(min, value)))
    return a <= b ? [a, b] : [b, a]
  }
  const encode = (value: ParameterValue): number => {
    if (typeof value !== "number" || Number.isNaN(value)) return Number.NaN
    const [low, high] = interval(value)
    return clampUnit(0.5 * (low + high))
  }
  const decode = (u: number): number => quantile(d, clampUnit(u))
  const step = d._tag === "IntUniform" ? 1 : "q" in d ? d.q : 0
  return {
    name,
    kind: quantized ? "ordered" : "continuous",
    levels,
    decode,
    encode,
    interval: (u) => (quantized ? interval(decode(u)) : [u, u]),
    level: (u) => (Number.isFinite(levels) && step > 0 ? Math.round((decode(u) - min) / step) : 0),
    value: (level) =>
      d._tag === "IntUniform" ? min + level : "q" in d ? multiple(Math.round(min / d.q) + level, d.q) : min,
    contains: (value) => contains(d, value),
    belief:
      prior === null
        ? null
        : {
            center: encode(prior.center),
            width: Math.max(
              1e-3,
              0.5 *
                (isLog(d)
                  ? Math.abs(encode(prior.center * 10 ** prior.width) - encode(prior.center * 10 ** -prior.width))
                  : Math.abs(encode(prior.center + prior.width) - encode(prior.center - prior.width))),
            ),
          },
  }
}

const listAxis = (
  name: string,
  given: ReadonlyArray<ParameterValue>,
  givenProbabilities: ReadonlyArray<number> | null,
  prior: Dimension["prior"],
): Axis => {
  const weights = new Map<ParameterValue, number>()
  given.forEach((value, i) => weights.set(value, (weights.get(value) ?? 0) + (givenProbabilities?.[i] ?? 1)))
  // A value of probability 0 is never drawn; a value listed twice without probabilities counts once.
  let values = Array.from(weights.keys()).filter((value) => weights.get(value)! > 0)
  if (values.length === 0) values = Array.from(weights.keys())
  const ordered = values.length > 2 && values.every((value) => typeof value === "number")
  if (ordered) (values as Array<number>).sort((a, b) => a - b)
  const total = givenProbabilities === null ? values.length : values.reduce<number>((s, v) => s + weights.get(v)!, 0)
  const edges = [0]
  for (const value of values)
    edges.push(edges.at(-1)! + (givenProbabilities === null ? 1 : weights.get(value)!) / total)
  edges[values.length] = 1
  const index = new Map(values.map((value, i) => [value, i]))
  const level = (u: number): number => {
    if (givenProbabilities === null) return Math.min(values.length - 1, Math.max(0, Math.floor(u * values.length)))
    let i = 0
    while (i < values.length - 1 && u >= edges[i + 1]!) i++
    return i
  }
  const middle = (i: number): number => 0.5 * (edges[i]! + edges[i + 1]!)
  /** Where a number that need not be listed would stand. */
  const position = (x: number): number => {
    const listed = values as ReadonlyArray<number>
    if (x <= listed[0]!) return middle(0)
    for (let i = 1; i < listed.length; i++) {
      const [a, b] = [listed[i - 1]!, listed[i]!]
      if (x <= b) return middle(i - 1) + ((x - a) / (b - a)) * (middle(i) - middle(i - 1))
    }
    return middle(listed.length - 1)
  }
  return {
    name,
    kind: ordered ? "ordered" : "choice",
    levels: values.length,
    decode: (u) => values[level(u)]!,
    encode: (value) => {
      const i = index.get(value)
      return i === undefined ? Number.NaN : middle(i)
    },
    interval: (u) => {
      const i = level(u)
      return [edges[i]!, edges[i + 1]!]
    },
    level,
    value: (i) => values[i]!,
    contains: (value) => index.has(value),
    belief:
      prior === null || !ordered
        ? null
        : {
            center: position(prior.center),
            width: Math.max(
              0.5 / values.length,
              0.5 * (position(prior.center + prior.width) - position(prior.center - prior.width)),
            ),
          },
  }
}

/** `null` for a constant, and for a distribution that has only one value: there is nothing to search. */
export const axisOf = (dimension: Dimension): Axis | null => {
  const { distribution: d, name, prior } = dimension
  if (d._tag === "Constant") return null
  const axis = d._tag === "Categorical" ? listAxis(name, d.values, d.probabilities, prior) : numericAxis(name, d, prior)
  return axis.levels === 1 ? null : axis
}

/** The only value of a dimension without an axis. */
export const onlyValue = (dimension: Dimension): ParameterValue => {
  const d = dimension.distribution
  if (d._tag === "Constant") return d.value
  if (d._tag === "Categorical") return listAxis(dimension.name, d.values, d.probabilities, null).decode(0.5)
  return quantile(d, 0.5)
}
