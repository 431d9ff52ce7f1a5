import { describe, expect, it } from "vitest"
import { bandsOf, wandbHyperband, type WandbHyperbandOptions } from "../src/stopping/WandbHyperband.ts"
import { curve, curvesOf, verdicts } from "./curves.ts"

const options = (change: Partial<WandbHyperbandOptions>): WandbHyperbandOptions => ({
  min_iter: null,
  max_iter: null,
  s: null,
  eta: 3,
  strict: true,
  action: "stop",
  ...change,
})

describe("W&B's bands", () => {
  // Worked by hand from the documentation: "[27/3, 27/9]" for max_iter 27, s 2; "[3, 9, 27, 81]" for min_iter 3.
  it.each([
    [{ max_iter: 27, s: 2 }, 100, [3, 9]],
    [{ max_iter: 27, s: 3 }, 100, [1, 3, 9]],
    [{ max_iter: 27, s: 9 }, 100, [1, 3, 9]],
    [{ max_iter: 100, s: 3 }, 100, [3, 11, 33]],
    [{ max_iter: 18, s: 2, eta: 2 }, 100, [4, 9]],
    [{ min_iter: 3 }, 100, [3, 9, 27, 81]],
    [{ min_iter: 3 }, 80, [3, 9, 27]],
    [{ min_iter: 5, eta: 2 }, 41, [5, 10, 20, 40]],
    [{ min_iter: 2, eta: 1.5 }, 7, [2, 3, 4, 6]],
  ] as const)("%o, longest run %i", (change, longest, bands) => {
    expect(bandsOf(options(change), longest)).toEqual(bands)
  })
})

describe("W&B's decisions, worked by hand", () => {
  // Band 3 alone is reached. Values there: 1: 0.9, 2: 0.5, 3: 0.7, 4: 0.6, 5: 0.8, 6: 0.4; trial 7 has two values.
  const curves = curvesOf(
    curve(1, 1, 0.3, 0.9),
    curve(2, 1, 0.9, 0.5),
    curve(3, 1, 0.9, 0.7, 0.2),
    curve(4, 1, 0.9, 0.6),
    curve(5, 1, 0.9, 0.8),
    curve(6, 1, 0.9, 0.4),
    curve(7, 9, 9),
  )

  it("stops what is worse than the value at place ⌊6 / 3⌋ = 2 of [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]: 0.6", () => {
    expect(verdicts(wandbHyperband("minimize", options({ min_iter: 3 })), curves)).toEqual({
      1: "Stop",
      2: "Continue",
      3: "Stop",
      4: "Continue",
      5: "Stop",
      6: "Continue",
      7: "Continue",
    })
  })

  it("compares the best so far when not strict", () => {
    expect(verdicts(wandbHyperband("minimize", options({ min_iter: 3, strict: false })), curves)).toMatchObject({
      1: "Continue",
      3: "Continue",
      5: "Stop",
    })
  })

  it("turns round for maximize: threshold 0.7 from above", () => {
    expect(verdicts(wandbHyperband("maximize", options({ min_iter: 3 })), curves)).toEqual({
      1: "Continue",
      2: "Stop",
      3: "Continue",
      4: "Stop",
      5: "Continue",
      6: "Stop",
      7: "Continue",
    })
  })

  it("looks at the highest band reached: eta 2, bands 1, 2, 4", () => {
    const two = curvesOf(curve(1, 5, 5, 5, 1), curve(2, 1, 1, 1, 2), curve(3, 2, 2), curve(4, 3, 1.5), curve(5, 4))
    // Band 4: [1, 2], place 1: 2. Band 2: [1, 1.5, 2, 5], place 2: 2. Band 1: [1, 2, 3, 4, 5], place 2: 3.
    expect(verdicts(wandbHyperband("minimize", options({ min_iter: 1, eta: 2 })), two)).toEqual({
      1: "Continue",
      2: "Continue",
      3: "Continue",
      4: "Continue",
      5: "Stop",
    })
  })

  it("counts NaN as worst", () => {
    const nan = curvesOf(curve(1, Number.NaN), curve(2, 1), curve(3, 2))
    expect(verdicts(wandbHyperband("maximize", options({ min_iter: 1 })), nan)).toMatchObject({ 1: "Stop" })
  })

  it("pauses when told to, with the numbers in the reason", () => {
    const decision = wandbHyperband("minimize", options({ min_iter: 3, action: "pause" })).decide(
      [],
      curves,
      curves.get(1)!.at(-1)!,
    )
    expect(decision).toEqual({
      _tag: "Pause",
      reason: { _tag: "WorseThanBand", band: 3, value: 0.9, bar: 0.6, runs: 6 },
    })
  })
})
