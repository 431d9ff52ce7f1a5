import { describe, expect, it } from "vitest"
import { configurationsOf } from "../src/sweep/configurations.ts"
import { Metric } from "../src/space/Metric.ts"
import { OutcomeConstraint } from "../src/space/OutcomeConstraint.ts"
import type { Trial } from "../src/trial/Trial.ts"

const trial = (number: number, rank: number, objective: number | null, state = "completed"): Trial =>
  ({ number, parameters: { rank }, objective, state }) as unknown as Trial

const minimised = { metric: new Metric({ name: "eval/loss", goal: "minimize", summary: "best", target: null }) }

describe("the ranking of sets of parameters", () => {
  it("is by the mean: one lucky run does not win", () => {
    const [best, next] = configurationsOf(
      [trial(1, 8, 1), trial(2, 8, 3), trial(3, 4, 1.5), trial(4, 4, 1.7, "stopped")],
      minimised,
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
    expect(
      configurationsOf(trials, { metric: { ...minimised.metric, goal: "maximize" } }).map(
        ({ parameters }) => parameters["rank"],
      ),
    ).toEqual([5, 4])
    expect(configurationsOf(trials, { metric: { ...minimised.metric, goal: "maximize" } })[0]!.deviation).toBeNull()
  })

  it("puts what breaks a constraint on outcomes behind what keeps it, the nearer one first", () => {
    const ran = (number: number, rank: number, objective: number, values: Record<string, number>): Trial => ({
      ...trial(number, rank, objective),
      values,
    })
    const outcomes = [
      new OutcomeConstraint({ metric: "memory/device_gib", comparison: "<=", limit: 20 }),
      new OutcomeConstraint({ metric: "eval/loss", comparison: "<", limit: 3 }),
    ]
    const trials = [
      ran(1, 1, 1, { "memory/device_gib": 30 }),
      ran(2, 2, 1.2, { "memory/device_gib": 22 }),
      ran(3, 3, 0.5, {}),
      ran(4, 4, 2, { "memory/device_gib": 18 }),
      // The last loss is no longer below the limit; what counts is the objective.
      ran(5, 5, 1.9, { "memory/device_gib": 20, "eval/loss": 3.5 }),
      ran(6, 6, 3, { "memory/device_gib": 2 }),
    ]
    const found = configurationsOf(trials, { ...minimised, outcomes })
    expect(found.map(({ parameters }) => parameters["rank"])).toEqual([5, 4, 6, 2, 1, 3])
    expect(found.map(({ violation }) => violation)).toEqual([0, 0, 1e-9, 0.1, 0.5, Infinity])
    expect(configurationsOf(trials, minimised)[0]!.parameters["rank"]).toBe(3)
  })
})
