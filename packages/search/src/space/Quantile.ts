// Every distribution of a sweep file as a map from (0, 1): `quantile(distribution, u)` is the value at the share u of
// its probability, `cumulative` the way back, `contains` whether a value can come from it at all. One map serves random
// draws, low-discrepancy points and the models alike, which therefore all see the person's distribution as the prior.
import type { Distribution } from "@sweep/domain/Distribution"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { betaCumulative, betaQuantile } from "../numerics/Beta.ts"
import { normalCumulative, normalQuantile } from "../numerics/Normal.ts"

export type NumericDistribution = Exclude<Distribution, { readonly _tag: "Constant" | "Categorical" }>

const clamp = (x: number, min: number, max: number): number => (x < min ? min : x > max ? max : x)

/** k · q without the binary dust of a product: 3 · 0.1 is 0.3. */
export const multiple = (k: number, q: number): number => Number((k * q).toPrecision(15))

const quantize = (x: number, q: number): number => multiple(Math.round(x / q), q)

/** Before rounding to a multiple of `q`. */
const smooth = (d: NumericDistribution, u: number): number => {
  switch (d._tag) {
    case "IntUniform":
      return clamp(Math.floor(d.min + u * (d.max - d.min + 1)), d.min, d.max)
    case "Uniform":
    case "QUniform":
      return clamp(d.min + u * (d.max - d.min), d.min, d.max)
    case "LogUniform":
    case "QLogUniform": {
      const low = Math.log(d.min)
      return clamp(Math.exp(low + u * (Math.log(d.max) - low)), d.min, d.max)
    }
    case "InvLogUniform": {
      const low = Math.log(1 / d.max)
      return clamp(1 / Math.exp(low + u * (Math.log(1 / d.min) - low)), d.min, d.max)
    }
    case "Normal":
    case "QNormal":
      return d.mu + d.sigma * normalQuantile(u)
    case "LogNormal":
    case "QLogNormal":
      return Math.exp(d.mu + d.sigma * normalQuantile(u))
    case "Beta":
    case "QBeta":
      return betaQuantile(u, d.a, d.b)
  }
}

/** The value at the share `u` of the probability, 0 < u < 1. Rising with u, save for InvLogUniform, which falls. */
export const quantile = (d: NumericDistribution, u: number): number =>
  "q" in d ? quantize(smooth(d, u), d.q) : smooth(d, u)

/** The share of probability below `x`, before rounding; the inverse of `smooth`. */
const smoothCumulative = (d: NumericDistribution, x: number): number => {
  switch (d._tag) {
    case "IntUniform":
      return clamp((x - d.min) / (d.max - d.min + 1), 0, 1)
    case "Uniform":
    case "QUniform":
      return d.max > d.min ? clamp((x - d.min) / (d.max - d.min), 0, 1) : 0.5
    case "LogUniform":
    case "QLogUniform":
      if (!(d.max > d.min)) return 0.5
      return x <= d.min ? 0 : clamp(Math.log(x / d.min) / Math.log(d.max / d.min), 0, 1)
    case "InvLogUniform":
      if (!(d.max > d.min)) return 0.5
      return x <= d.min ? 1 : clamp(Math.log(d.max / x) / Math.log(d.max / d.min), 0, 1)
    case "Normal":
    case "QNormal":
      return d.sigma > 0 ? normalCumulative((x - d.mu) / d.sigma) : 0.5
    case "LogNormal":
    case "QLogNormal":
      return x <= 0 ? 0 : d.sigma > 0 ? normalCumulative((Math.log(x) - d.mu) / d.sigma) : 0.5
    case "Beta":
    case "QBeta":
      return betaCumulative(x, d.a, d.b)
  }
}

/** The interval of u that gives `x`; its two ends are equal where the distribution is continuous. */
export const cumulative = (d: NumericDistribution, x: number): readonly [low: number, high: number] => {
  if (d._tag === "IntUniform") return [smoothCumulative(d, x), smoothCumulative(d, x + 1)]
  if (!("q" in d)) {
    const u = smoothCumulative(d, x)
    return [u, u]
  }
  return [smoothCumulative(d, x - d.q / 2), smoothCumulative(d, x + d.q / 2)]
}

/** Smallest and largest value; infinite where there is none. */
export const support = (d: NumericDistribution): readonly [min: number, max: number] => {
  switch (d._tag) {
    case "QUniform":
    case "QLogUniform":
      return [quantize(d.min, d.q), quantize(d.max, d.q)]
    case "Normal":
    case "QNormal":
      return [-Infinity, Infinity]
    case "LogNormal":
    case "QLogNormal":
      return [0, Infinity]
    case "Beta":
      return [0, 1]
    case "QBeta":
      return [0, quantize(1, d.q)]
    default:
      return [d.min, d.max]
  }
}

/** How many values there are; infinite when the distribution is continuous or unbounded. */
export const levelCount = (d: NumericDistribution): number => {
  const [min, max] = support(d)
  if (max === min) return 1
  if (d._tag === "IntUniform") return max - min + 1
  return "q" in d ? Math.round((max - min) / d.q) + 1 : Infinity
}

/** Whether `value` can come from `d`, to the rounding of a product. */
export const contains = (d: Distribution, value: ParameterValue): boolean => {
  if (d._tag === "Constant") return value === d.value
  if (d._tag === "Categorical") return d.values.includes(value)
  if (typeof value !== "number") return false
  const [min, max] = support(d)
  if (!(value >= min && value <= max)) return false
  if (d._tag === "IntUniform") return Number.isInteger(value)
  return !("q" in d) || value === quantize(value, d.q)
}
