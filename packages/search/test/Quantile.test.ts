import type { Distribution } from "@sweep/domain/Distribution"
import { describe, expect, it } from "vitest"
import { axisOf } from "../src/space/Axis.ts"
import { contains, cumulative, levelCount, type NumericDistribution, quantile, support } from "../src/space/Quantile.ts"
import { random } from "../src/numerics/Random.ts"

const ln = Math.log
/** Mean and variance of exp(U), U uniform in [ln a, ln b]. */
const logUniform = (a: number, b: number) => {
  const mean = (b - a) / ln(b / a)
  return { mean, variance: (b * b - a * a) / (2 * ln(b / a)) - mean * mean }
}

interface Row {
  readonly d: NumericDistribution
  readonly mean: number
  readonly variance: number
  /** Must occur among 10,000 draws: both ends where they have weight. */
  readonly hit?: ReadonlyArray<number>
}

// Moments from the closed forms; for quantised ones by the sum over the levels.
const rows: ReadonlyArray<Row> = [
  { d: { _tag: "IntUniform", min: 3, max: 8 }, mean: 5.5, variance: 35 / 12, hit: [3, 4, 5, 6, 7, 8] },
  { d: { _tag: "IntUniform", min: -2, max: 2 }, mean: 0, variance: 2, hit: [-2, 2] },
  { d: { _tag: "Uniform", min: -1, max: 3 }, mean: 1, variance: 16 / 12 },
  { d: { _tag: "QUniform", min: 0, max: 1, q: 0.25 }, mean: 0.5, variance: 0.0859375, hit: [0, 0.25, 0.5, 0.75, 1] },
  { d: { _tag: "QUniform", min: 0, max: 0.3, q: 0.1 }, mean: 0.15, variance: 0.0091666, hit: [0, 0.1, 0.2, 0.3] },
  { d: { _tag: "LogUniform", min: 1e-5, max: 1e-2 }, ...logUniform(1e-5, 1e-2) },
  { d: { _tag: "InvLogUniform", min: 1e-5, max: 1e-2 }, ...logUniform(1e-5, 1e-2) },
  { d: { _tag: "QLogUniform", min: 1, max: 100, q: 1 }, ...logUniform(1, 100), hit: [1, 2, 3] },
  { d: { _tag: "Normal", mu: 2, sigma: 3 }, mean: 2, variance: 9 },
  { d: { _tag: "QNormal", mu: 2, sigma: 3, q: 0.5 }, mean: 2, variance: 9 + 0.25 / 12, hit: [2, 2.5] },
  {
    d: { _tag: "LogNormal", mu: 0, sigma: 0.5 },
    mean: Math.exp(0.125),
    variance: (Math.exp(0.25) - 1) * Math.exp(0.25),
  },
  {
    d: { _tag: "QLogNormal", mu: 3, sigma: 0.3, q: 1 },
    mean: Math.exp(3.045),
    variance: (Math.exp(0.09) - 1) * Math.exp(6.09) + 1 / 12,
  },
  { d: { _tag: "Beta", a: 2, b: 5 }, mean: 2 / 7, variance: 10 / (49 * 8) },
  { d: { _tag: "QBeta", a: 2, b: 5, q: 0.01 }, mean: 2 / 7, variance: 10 / (49 * 8) + 1e-4 / 12 },
]

describe.each(rows)("$d", ({ d, mean, variance, hit }) => {
  const n = 10_000
  const draws = Array.from({ length: n }, (_, i) => quantile(d, random(11, i, "moments").uniform()))

  it("has the moments of its formula over 10,000 draws", () => {
    const m = draws.reduce((s, x) => s + x, 0) / n
    const v = draws.reduce((s, x) => s + (x - m) ** 2, 0) / n
    expect(Math.abs(m - mean)).toBeLessThan(4.5 * Math.sqrt(variance / n))
    expect(Math.abs(v / variance - 1)).toBeLessThan(0.12)
  })

  it("stays within its bounds, on its levels, and reaches its ends", () => {
    const [min, max] = support(d)
    for (const x of draws) {
      expect(x).toBeGreaterThanOrEqual(min)
      expect(x).toBeLessThanOrEqual(max)
    }
    expect(draws.every((x) => contains(d, x))).toBe(true)
    for (const value of hit ?? []) expect(draws).toContain(value)
    if (Number.isFinite(levelCount(d))) expect(new Set(draws).size).toBeLessThanOrEqual(levelCount(d))
    expect(contains(d, max + 1)).toBe(max === Infinity)
    expect(contains(d, "1")).toBe(false)
  })

  it("comes back through its cumulative", () => {
    for (let i = 1; i < 50; i++) {
      const u = i / 50
      const [low, high] = cumulative(d, quantile(d, u))
      expect(Math.min(low, high) - 1e-9).toBeLessThanOrEqual(u)
      expect(Math.max(low, high) + 1e-9).toBeGreaterThanOrEqual(u)
    }
  })

  it("keeps every value through an axis", () => {
    const axis = axisOf({ name: "x", distribution: d, when: null, prior: null })!
    for (const x of draws.slice(0, 500)) {
      const back = axis.decode(axis.encode(x)) as number
      if (axis.kind === "ordered") expect(back).toBe(x)
      else expect(Math.abs(back - x)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(x)))
    }
  })
})

describe("lists", () => {
  const axis = (distribution: Distribution) => axisOf({ name: "x", distribution, when: null, prior: null })!
  const share = (distribution: Distribution, value: unknown) => {
    const { decode } = axis(distribution)
    return (
      Array.from({ length: 10_000 }, (_, i) => decode(random(5, i, "lists").uniform())).filter((x) => x === value)
        .length / 10_000
    )
  }

  it("draws each value equally often, or with its probability", () => {
    expect(share({ _tag: "Categorical", values: ["a", "b", "c", "d"], probabilities: null }, "c")).toBeCloseTo(0.25, 1)
    const weighted: Distribution = { _tag: "Categorical", values: ["a", 2, true], probabilities: [0.7, 0.3, 0] }
    expect(Math.abs(share(weighted, "a") - 0.7)).toBeLessThan(0.02)
    expect(Math.abs(share(weighted, 2) - 0.3)).toBeLessThan(0.02)
    expect(share(weighted, true)).toBe(0)
  })

  it("keeps the order of numbers, sorted, and no order of names", () => {
    const rank = axis({ _tag: "Categorical", values: [32, 4, 16, 8], probabilities: null })
    expect(rank.kind).toBe("ordered")
    expect([0.1, 0.3, 0.6, 0.9].map(rank.decode)).toEqual([4, 8, 16, 32])
    expect(axis({ _tag: "Categorical", values: ["lora", "dora"], probabilities: null }).kind).toBe("choice")
    expect(axis({ _tag: "Categorical", values: [true, 2, 3], probabilities: null }).kind).toBe("choice")
  })

  it("has no axis for a single value", () => {
    expect(axisOf({ name: "x", distribution: { _tag: "Constant", value: 3 }, when: null, prior: null })).toBeNull()
    expect(
      axisOf({ name: "x", distribution: { _tag: "IntUniform", min: 3, max: 3 }, when: null, prior: null }),
    ).toBeNull()
    expect(
      axisOf({
        name: "x",
        distribution: { _tag: "Categorical", values: [1, 1], probabilities: null },
        when: null,
        prior: null,
      }),
    ).toBeNull()
  })
})

describe("beliefs", () => {
  it("stand on the unit interval, in decades for logarithmic distributions", () => {
    const axis = axisOf({
      name: "learning_rate",
      distribution: { _tag: "LogUniform", min: 1e-6, max: 1e-2 },
      when: null,
      prior: { center: 1e-4, width: 1 },
    })!
    expect(axis.belief!.center).toBeCloseTo(0.5, 9)
    expect(axis.belief!.width).toBeCloseTo(0.25, 9)
  })
})
