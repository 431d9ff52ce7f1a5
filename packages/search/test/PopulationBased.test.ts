import { describe, expect, it } from "vitest"
import type { PopulationOptions } from "@sweep/domain/population"
import { exploitations, type Member } from "../src/stopping/PopulationBased.ts"
import { compileSpace } from "../src/space/Space.ts"
import { list, log, space, uniform } from "./space.ts"

const definition = space(
  { learning_rate: log(1e-5, 1e-2), dropout: uniform(0, 0.3), weight_decay: list(0, 0.01, 0.1), rank: list(4, 8, 16) },
  { derive: { alpha: "2 * rank" }, constraints: ["dropout < 0.29"] },
)
const options: PopulationOptions = {
  resource: "epoch",
  interval: 2,
  population: 4,
  quantile: 0.25,
  resample_probability: 0.25,
  perturb: [0.8, 1.2],
  parameters: null,
}
const sweep = {
  space: definition,
  metric: { name: "eval/loss", goal: "minimize", summary: "best", target: null },
  seed: 1,
} as const

const member = (trial: number, value: number, mayGive = true): Member => ({
  trial,
  value,
  mayGive,
  parameters: { learning_rate: 1e-4 * trial, dropout: 0.1, weight_decay: 0.01, rank: 8, alpha: 16 },
})
const four = [member(1, 0.9), member(2, 0.4), member(3, 0.6), member(4, 0.5)]
const round = (members: ReadonlyArray<Member>, change: Partial<PopulationOptions> = {}, number = 1) =>
  exploitations(sweep, { ...options, ...change }, members, number)

describe("population-based training", () => {
  it("lets the worst quarter resume from one of the best, changed in what may change", () => {
    const [exploit, ...others] = round(four)
    expect(others).toEqual([])
    expect(exploit).toMatchObject({
      trial: 1,
      from: 2,
      reason: { _tag: "Exploits", resource: "epoch", at: 2, place: 4, among: 4, parent: 2, value: 0.4 },
    })
    const { learning_rate, rank, alpha } = exploit!.parameters
    expect([rank, alpha]).toEqual([8, 16])
    expect(learning_rate).not.toBe(2e-4)
    expect(compileSpace(definition).contains(exploit!.parameters)).toBe(true)
  })

  it("is a function of the round, whatever the order in which members came", () => {
    expect(round(four.toReversed())).toEqual(round(four))
    const rounds = [1, 2, 3, 4].map((number) => JSON.stringify(round(four, {}, number)[0]!.parameters))
    expect(new Set(rounds).size).toBeGreaterThan(1)
  })

  it("perturbs by its factors, a list by a neighbour, when nothing is drawn again", () => {
    const { parameters } = round(four, { resample_probability: 0 })[0]!
    const ratio = (parameters["learning_rate"] as number) / 2e-4
    expect([0.8, 1.2].some((factor) => Math.abs(ratio - factor) < 1e-9)).toBe(true)
    expect([0, 0.1]).toContain(parameters["weight_decay"])
  })

  it("changes only what it is told to", () => {
    const { parameters } = round(four, { parameters: ["dropout"] })[0]!
    expect(parameters).toMatchObject({ learning_rate: 2e-4, weight_decay: 0.01 })
    expect(parameters["dropout"]).not.toBe(0.1)
  })

  it("leaves what it does not change as it is, to the last digit", () => {
    const warmed = space({ learning_rate: log(1e-5, 1e-2), warmup_ratio: uniform(0, 0.1) })
    const members = four.map((one) => ({
      ...one,
      parameters: { learning_rate: 1e-4 * one.trial, warmup_ratio: 0.1 / (one.trial + 6) },
    }))
    const { parameters } = exploitations({ ...sweep, space: warmed }, options, members, 1)[0]!
    expect(parameters["warmup_ratio"]).toBe(0.1 / 8)
    expect(parameters["learning_rate"]).not.toBe(2e-4)
  })

  it("takes nothing that would change the shape of the model along", () => {
    const tied = space({ learning_rate: log(1e-5, 1e-2) }, { derive: { rank: "learning_rate > 1.9e-4 ? 8 : 4" } })
    const members = [
      { ...member(1, 0.9), parameters: { learning_rate: 1e-4, rank: 4 } },
      { ...member(2, 0.4), parameters: { learning_rate: 2e-4, rank: 8 } },
    ]
    for (let seed = 1; seed <= 20; seed++) {
      expect(exploitations({ ...sweep, space: tied, seed }, options, members, 1)[0]!.parameters["rank"]).toBe(8)
    }
  })

  it("counts NaN as worst, resumes from nobody whose checkpoint is not to be had, and needs two", () => {
    expect(round([...four, member(5, Number.NaN)])[0]).toMatchObject({ trial: 5, from: 2 })
    expect(round([member(1, 0.9), member(2, 0.4, false), member(3, 0.6)])).toEqual([])
    expect(round([member(1, 0.9)])).toEqual([])
    expect(round([member(1, 0.9), member(2, 0.4)])).toMatchObject([{ trial: 1, from: 2 }])
  })

  it("maximizes where the sweep does", () => {
    const most = { ...sweep, metric: { ...sweep.metric, goal: "maximize" } } as const
    expect(exploitations(most, options, four, 1)[0]).toMatchObject({ trial: 2, from: 1 })
  })
})
