import { describe, expect, it } from "vitest"
import { sobolSequence } from "../src/samplers/Sobol.ts"

describe("Sobol's sequence", () => {
  it("is Joe and Kuo's, in Gray-code order (first points of dimensions 1, 2, 3 and 21)", () => {
    const { point } = sobolSequence(21, null)
    expect(Array.from({ length: 6 }, (_, i) => [0, 1, 2, 20].map((k) => point(i)[k]))).toEqual([
      [0, 0, 0, 0],
      [0.5, 0.5, 0.5, 0.5],
      [0.75, 0.25, 0.25, 0.25],
      [0.25, 0.75, 0.75, 0.75],
      [0.375, 0.375, 0.625, 0.125],
      [0.875, 0.875, 0.125, 0.625],
    ])
  })

  it("scrambled, fills every dyadic interval of every dimension evenly, and pairs of dimensions nearly so", () => {
    const d = 30
    const { point } = sobolSequence(d, 7)
    const points = Array.from({ length: 256 }, (_, i) => point(i))
    for (let k = 0; k < d; k++) {
      expect(new Set(points.map((p) => Math.floor(p[k]! * 256))).size).toBe(256)
    }
    // Dimensions 1 and 2 are a (0, 2)-sequence: each of the 16 × 16 boxes holds one point.
    expect(new Set(points.map((p) => 16 * Math.floor(p[0]! * 16) + Math.floor(p[1]! * 16))).size).toBe(256)
  })

  it("differs by seed and is the same for the same seed", () => {
    expect(sobolSequence(3, 1).point(5)).toEqual(sobolSequence(3, 1).point(5))
    expect(sobolSequence(3, 1).point(5)).not.toEqual(sobolSequence(3, 2).point(5))
  })

  it("integrates better than independent draws would", () => {
    const { point } = sobolSequence(5, 3)
    let sum = 0
    for (let i = 0; i < 1024; i++) sum += point(i).reduce((product, u) => product * 2 * u, 1)
    // Of 1,024 independent draws the standard deviation is 0.06.
    expect(Math.abs(sum / 1024 - 1)).toBeLessThan(0.01)
  })
})
