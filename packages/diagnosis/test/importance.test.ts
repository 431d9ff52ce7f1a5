import { describe, expect, it } from "vitest"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Parameters } from "@sweep/domain/Parameter"
import { foldFacts, type SweepState } from "@sweep/domain/SweepState"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { sampled } from "@sweep/domain/Origin"
import { analyseImportance, importance } from "../src/importance.ts"
import { normals } from "./curves.ts"

const sweep = SweepId.make("s")

const sweepOf = (trials: ReadonlyArray<readonly [Parameters, number | null]>): SweepState => {
  const facts = trials.flatMap(([parameters, objective], i): ReadonlyArray<Fact> => {
    const trial = TrialNumber.make(i + 1)
    const epoch = Epoch.make(i + 1)
    return [
      { _tag: "TrialCreated", at: 1, sweep, trial, parameters, seed: i, revision: 1, origin: sampled },
      { _tag: "TrialAssigned", at: 2, sweep, trial, epoch, attempt: 1, agent: AgentId.make("a"), slot: 0 },
      { _tag: "TrialCompleted", at: 3, sweep, trial, epoch, objective, step: 1, values: {} },
    ]
  })
  return foldFacts([{ _tag: "SweepSubmitted", at: 0, sweep, spec: exampleSpec(), versions: {} }, ...facts]).get(sweep)!
}

/** 3 × 2 × 4 grid where the learning rate decides, the rank helps a little, and the batch size does nothing. */
const grid = (seed: number) => {
  const deviate = normals(seed)
  return [4, 8, 16].flatMap((rank) =>
    [8, 16].flatMap((batch_size) =>
      [1e-4, 3e-4, 1e-3, 3e-3].map((learning_rate): readonly [Parameters, number] => [
        { rank, alpha: 2 * rank, batch_size, learning_rate, epochs: 3 },
        2 + Math.abs(Math.log10(learning_rate / 1e-3)) - 0.02 * rank + 0.05 * deviate(),
      ]),
    ),
  )
}

describe("importance", () => {
  it("puts the parameter that decides first, and says little of one that does nothing", () => {
    const found = importance(sweepOf(grid(1)))
    const by = Object.fromEntries(found.map((one) => [one.parameter, one]))
    expect(found.map(({ parameter }) => parameter)[0]).toBe("learning_rate")
    expect(by["learning_rate"]).toMatchObject({ finding: "matters" })
    expect(by["learning_rate"]!.share).toBeGreaterThan(0.7)
    expect(by["batch_size"]!.share).toBeLessThan(0.05)
    expect(by["batch_size"]!.finding).not.toBe("matters")
    expect(by["rank"]!.share).toBeLessThan(by["learning_rate"]!.share)
    for (const { share, interval } of found) {
      expect(interval[0]).toBeLessThanOrEqual(share)
      expect(interval[1]).toBeGreaterThanOrEqual(share)
    }
    // It never varied.
    expect(by["epochs"]).toBeUndefined()
    expect(by["rank"]!.inseparable).toEqual(["alpha"])
    expect(importance(sweepOf(grid(1)))).toEqual(found)
  })

  it("is hardly moved by one trial that diverged", () => {
    const trials = grid(1)
    const worst = trials.findIndex(([{ learning_rate }]) => learning_rate === 1e-4)
    const diverged = trials.map(([parameters, value], i) => [parameters, i === worst ? 1e9 : value] as const)
    expect(importance(sweepOf(diverged))[0]).toMatchObject({ parameter: "learning_rate", finding: "matters" })
  })

  it("names two parameters that act only together", () => {
    const deviate = normals(5)
    const trials = Array.from({ length: 48 }, (_, i): readonly [Parameters, number] => {
      const [a, b, c] = [((i * 7) % 48) / 24 - 1, ((i * 19) % 48) / 24 - 1, ((i * 31) % 48) / 24 - 1]
      return [{ a, b, c }, a * b + 0.02 * deviate()]
    })
    const found = analyseImportance(sweepOf(trials))
    if (found._tag !== "Known") throw new Error("too few")
    expect(found.interactions[0]!.parameters.toSorted()).toEqual(["a", "b"])
    expect(
      found.parameters
        .filter(({ finding }) => finding === "matters")
        .map(({ parameter }) => parameter)
        .sort(),
    ).toEqual(["a", "b"])
  })

  it("is not taken in by a search that moved an idle parameter with the one that matters", () => {
    // As an adaptive search does: both go towards one end as the trials come, and only one of them does anything.
    const deviate = normals(9)
    const trials = Array.from({ length: 30 }, (_, i): readonly [Parameters, number] => {
      const rate = 0.5 + (i / 30) * 0.4 + 0.1 * deviate()
      const idle = 0.5 + (i / 30) * 0.4 + 0.1 * deviate()
      return [{ rate, idle }, 4 * (rate - 1) ** 2 + 0.02 * deviate()]
    })
    const found = Object.fromEntries(importance(sweepOf(trials)).map((one) => [one.parameter, one]))
    expect(found["rate"]!.finding).toBe("matters")
    expect(found["idle"]!.finding).not.toBe("matters")
  })

  it("finds nothing in noise", () => {
    let found = 0
    for (let seed = 1; seed <= 12; seed++) {
      const deviate = normals(seed)
      const noise = grid(1).map(([parameters]) => [parameters, deviate()] as const)
      found += importance(sweepOf(noise), seed).filter(({ finding }) => finding === "matters").length
    }
    // Of 36; 5 % would be 1.8.
    expect(found).toBeLessThanOrEqual(3)
  })

  it("says nothing about a handful of trials", () => {
    expect(analyseImportance(sweepOf(grid(1).slice(0, 7)))).toEqual({ _tag: "TooFewTrials", trials: 7, needed: 8 })
    expect(importance(sweepOf([]))).toEqual([])
  })
})
