import { describe, expect, it } from "vitest"
import { betaCumulative, betaQuantile } from "../src/numerics/Beta.ts"
import { normalCumulative, normalLogCumulative, normalQuantile } from "../src/numerics/Normal.ts"

// Reference values computed with SciPy (norm.cdf, log_ndtr, norm.ppf, beta.cdf).
describe("Normal", () => {
  it.each([
    [-10, 7.61985302416047e-24, -53.23128515051247],
    [-3, 0.0013498980316300933, -6.607726221510349],
    [-2, 0.022750131948179195, -3.7831843336820317],
    [-0.1, 0.460172162722971, -0.7761545927302733],
    [0, 0.5, -0.6931471805599453],
    [1.99, 0.9767045322497881, -0.023571096169053247],
    [4, 0.9999683287581669, -3.167174337748921e-5],
  ])("Φ(%f)", (x, area, log) => {
    expect(normalCumulative(x) / area).toBeCloseTo(1, 12)
    expect(normalLogCumulative(x) / log).toBeCloseTo(1, 10)
  })

  it("has a logarithm where the area itself underflows", () => {
    expect(normalLogCumulative(-300)).toBeCloseTo(-45006.62273211866, 6)
  })

  it("inverts", () => {
    for (const p of [1e-12, 0.001, 0.05, 0.3, 0.5, 0.8, 0.999]) {
      expect(normalCumulative(normalQuantile(p)) / p).toBeCloseTo(1, 10)
    }
  })
})

describe("Beta", () => {
  it.each([
    [0.2, 2, 5, 0.34464],
    [0.2, 0.5, 0.5, 0.29516723530086653],
    [0.8, 5, 1, 0.32768],
    [0.5, 30, 40, 0.8857998873233515],
  ])("P(X ≤ %f) of Beta(%f, %f)", (x, a, b, area) => {
    expect(betaCumulative(x, a, b)).toBeCloseTo(area, 12)
    expect(betaQuantile(betaCumulative(x, a, b), a, b)).toBeCloseTo(x, 10)
  })
})
