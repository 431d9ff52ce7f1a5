import { describe, expect, it } from "vitest"
import { eigen } from "../src/numerics/Eigen.ts"
import { logExpectedImprovement, logImprovement } from "../src/numerics/ExpectedImprovement.ts"
import { fitHyperparameters, gaussianProcess } from "../src/numerics/GaussianProcess.ts"
import { fitSize, standardize } from "../src/samplers/Gp.ts"
import { minimize } from "../src/numerics/Lbfgs.ts"
import { normalDensity } from "../src/numerics/Normal.ts"
import { random } from "../src/numerics/Random.ts"

const points = (n: number, d: number) => {
  const from = random(1, n, "points")
  return Array.from({ length: n }, () => Float64Array.from({ length: d }, from.uniform))
}
const smooth = ([a, b]: ArrayLike<number> & Iterable<number>) => Math.sin(4 * a!) + 0.1 * Math.cos(3 * b!)

describe("Gaussian process", () => {
  const x = points(40, 3)
  const y = standardize(x.map(smooth))
  const choice = [false, false, false]
  const theta = fitHyperparameters(x, y, choice)
  const model = gaussianProcess(theta, x, y, choice)

  it("learns which axes matter: length scales by relevance", () => {
    expect(theta[0]).toBeGreaterThan(theta[1]! + 1)
    expect(theta[1]).toBeGreaterThan(theta[2]!)
  })

  it("goes through what it has seen and is unsure elsewhere", () => {
    x.forEach((point, i) => expect(model.predict(point).mean).toBeCloseTo(y[i]!, 1))
    expect(model.predict(x[0]!).variance).toBeLessThan(0.01)
    expect(model.predict(Float64Array.of(0.5, 5, 9)).variance).toBeGreaterThan(0.1)
  })

  it("predicts what it has not seen", () => {
    const test = points(50, 3).slice(40)
    const scale = Math.max(...x.map(smooth)) - Math.min(...x.map(smooth))
    const all = standardize([...x, ...test].map(smooth))
    test.forEach((point, i) => expect(Math.abs(model.predict(point).mean - all[40 + i]!)).toBeLessThan(0.25 * scale))
  })

  it("has gradients that agree with differences", () => {
    const at = Float64Array.of(0.3, 0.6, 0.2)
    const ofMean = new Float64Array(3)
    const ofVariance = new Float64Array(3)
    model.predictWithGradient(at, ofMean, ofVariance)
    for (let k = 0; k < 3; k++) {
      const h = 1e-6
      const [up, down] = [Float64Array.from(at), Float64Array.from(at)]
      up[k]! += h
      down[k]! -= h
      const [a, b] = [model.predict(up), model.predict(down)]
      expect(ofMean[k]).toBeCloseTo((a.mean - b.mean) / (2 * h), 4)
      expect(ofVariance[k]).toBeCloseTo((a.variance - b.variance) / (2 * h), 4)
    }
  })

  it("tells choices apart by whether they are equal", () => {
    const c = points(30, 2).map((p) => Float64Array.of(p[0]!, p[1]! < 0.5 ? 0.25 : 0.75))
    const v = standardize(c.map((p) => p[0]! + (p[1] === 0.25 ? 2 : 0)))
    const m = gaussianProcess(fitHyperparameters(c, v, [false, true]), c, v, [false, true])
    expect(m.predict(Float64Array.of(0.5, 0.25)).mean).toBeGreaterThan(m.predict(Float64Array.of(0.5, 0.75)).mean + 1)
  })

  it("is certain of an open trial after it was told of it", () => {
    const at = Float64Array.of(0.95, 0.05, 0.5)
    const before = model.predict(at)
    const after = model.extend(at, before.mean).predict(at)
    expect(after.mean).toBeCloseTo(before.mean, 2)
    expect(after.variance).toBeLessThan(0.5 * before.variance)
  })

  it("takes the same point twice", () => {
    const twice = [...x, x[0]!, x[0]!]
    expect(gaussianProcess(theta, twice, [...y, y[0]!, y[0]! + 1], choice).predict(x[0]!).mean).toBeGreaterThan(y[0]!)
  })
})

describe("log expected improvement", () => {
  it("agrees with the formula where that can be computed, and continues where it cannot", () => {
    const direct = (z: number) => Math.log(normalDensity(z) + z * 0.5 * (1 + erf(z / Math.SQRT2)))
    for (const z of [-3, -1.5, -1, 0, 2, 6]) expect(logImprovement(z).value).toBeCloseTo(direct(z), 4)
    // h(z) → φ(z) / z²: −½z² − ln √(2π) − 2 ln |z|.
    for (const z of [-50, -1e4 + 1, -1e6]) {
      const expected = -0.5 * z * z - 0.9189385332046727 - 2 * Math.log(-z)
      expect(logImprovement(z).value / expected).toBeCloseTo(1, 3)
    }
    expect(logExpectedImprovement(1, 1e-12, 0)).toBeLessThan(-1e10)
  })

  it("has the slope of its value, across the change of formula", () => {
    for (const z of [-20, -1.0001, -0.9999, 0.5, 3]) {
      const h = 1e-5
      const difference = (logImprovement(z + h).value - logImprovement(z - h).value) / (2 * h)
      expect(logImprovement(z).slope / difference).toBeCloseTo(1, 5)
    }
  })
})

/** By its series; enough for |x| < 5. */
const erf = (x: number): number => {
  let term = x
  let sum = x
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

describe("what the process stands on", () => {
  it("minimizes within a box", () => {
    const rosenbrock = (x: Float64Array, g: Float64Array) => {
      const [a, b] = [x[0]!, x[1]!]
      g[0] = -400 * a * (b - a * a) - 2 * (1 - a)
      g[1] = 200 * (b - a * a)
      return 100 * (b - a * a) ** 2 + (1 - a) ** 2
    }
    const options = { iterations: 200, tolerance: 1e-8 }
    const inside = minimize(rosenbrock, [-1.2, 1], { low: [-2, -2], high: [2, 2] }, options)
    expect(inside.x[0]).toBeCloseTo(1, 4)
    // With x ≤ 0.5 the minimum lies on the edge, at (0.5, 0.25).
    const edge = minimize(rosenbrock, [-1.2, 1], { low: [-2, -2], high: [0.5, 2] }, options)
    expect(edge.x[0]).toBeCloseTo(0.5, 6)
    expect(edge.x[1]).toBeCloseTo(0.25, 4)
  })

  it("turns a symmetric matrix into its axes", () => {
    const { values, vectors } = eigen(Float64Array.of(2, 1, 0, 1, 2, 0, 0, 0, 5), 3)
    expect(
      Array.from(values)
        .sort((a, b) => a - b)
        .map((v) => Math.round(v * 1e9) / 1e9),
    ).toEqual([1, 3, 5])
    const column = [0, 1, 2].map((i) => vectors[i * 3]!)
    expect(Math.hypot(...column)).toBeCloseTo(1, 12)
  })

  it("fits on a schedule that only grows", () => {
    expect([3, 10, 11, 20, 24, 25, 30].map(fitSize)).toEqual([3, 10, 11, 20, 24, 25, 29])
    for (let n = 10; n < 500; n++) expect(fitSize(n)).toBeLessThanOrEqual(n)
  })

  it("keeps the order of losses and draws the bad tail in", () => {
    const z = standardize([3, 1, 2, 1e9, 2.5])
    expect(Array.from(z.keys()).sort((a, b) => z[a]! - z[b]!)).toEqual([1, 2, 4, 0, 3])
    expect(Math.max(...z)).toBeLessThan(3)
    expect(Array.from(standardize([2, 2, 2]))).toEqual([0, 0, 0])
  })
})
