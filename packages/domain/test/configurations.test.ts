import { describe, expect, it } from "vitest"
import { configurationsOf } from "../src/sweep/configurations.ts"
import type { Trial } from "../src/trial/Trial.ts"

const trial = (number: number, rank: number, objective: number | null, state = "completed"): Trial =>
  ({ number, parameters: { rank }, objective, state }) as unknown as Trial

describe("the ranking of sets of parameters", () => {
  it("is by the mean: one lucky run does not win", () => {
    const [best, next] = configurationsOf(
      [trial(1, 8, 1), trial(2, 8, 3), trial(3, 4, 1.5), trial(4, 4, 1.7, "stopped")],
      "minimize",
    )
    expect(best).toMatchObject({ parameters: { rank: 4 }, mean: 1.6 })
    expect(best!.deviation).toBeCloseTo(Math.SQRT2 / 10)
    expect(next).toMatchObject({ parameters: { rank: 8 }, mean: 2 })
    expect(next!.trials.map(({ number }) => number)).toEqual([1, 2])
  })

  it("leaves out what has no result, and knows both goals", () => {
    const trials = [
      trial(1, 1, 5, "failed"),
      trial(2, 2, Number.NaN),
      trial(3, 3, null),
      trial(4, 4, 1),
      trial(5, 5, 2),
    ]
    expect(configurationsOf(trials, "maximize").map(({ parameters }) => parameters["rank"])).toEqual([5, 4])
    expect(configurationsOf(trials, "maximize")[0]!.deviation).toBeNull()
  })
})
