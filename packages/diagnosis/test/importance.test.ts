import { describe, expect, it } from "vitest"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Parameters } from "@sweep/domain/Parameter"
import { foldFacts, type SweepState } from "@sweep/domain/SweepState"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { analyseImportance, importance } from "../src/importance.ts"
import { normals } from "./curves.ts"

const sweep = SweepId.make("s")

const sweepOf = (trials: ReadonlyArray<readonly [Parameters, number | null]>): SweepState => {
  const facts = trials.flatMap(([parameters, objective], i): ReadonlyArray<Fact> => {
    const trial = TrialNumber.make(i + 1)
    const epoch = Epoch.make(i + 1)
    return [
      { _tag: "TrialCreated", at: 1, sweep, trial, parameters, seed: i, revision: 1, origin: "sampler" },
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
  it("puts the parameter that decides first, and gives one that does nothing no share", () => {
    const found = importance(sweepOf(grid(1)))
    const by = Object.fromEntries(found.map((one) => [one.parameter, one]))
    expect(found.map(({ parameter }) => parameter)[0]).toBe("learning_rate")
    expect(by["learning_rate"]!.share).toBeGreaterThan(0.7)
    expect(by["learning_rate"]!.pValue).toBeLessThan(0.01)
    expect(by["batch_size"]!.share).toBeLessThan(0.05)
    expect(by["batch_size"]!.pValue).toBeGreaterThan(0.2)
    expect(by["rank"]!.share).toBeLessThan(by["learning_rate"]!.share)
    // It never varied.
    expect(by["epochs"]).toBeUndefined()
    expect(by["rank"]!.inseparable).toEqual(["alpha"])
    expect(importance(sweepOf(grid(1)))).toEqual(found)
  })

  it("is hardly moved by one trial that diverged", () => {
    const trials = grid(1)
    const worst = trials.findIndex(([{ learning_rate }]) => learning_rate === 1e-4)
    const diverged = trials.map(([parameters, value], i) => [parameters, i === worst ? 1e9 : value] as const)
    const share = (of: typeof trials) => importance(sweepOf(of))[0]!.share
    expect(Math.abs(share(diverged) - share(trials))).toBeLessThan(0.05)
  })

  it("groups continuous values, and sees a parameter that only some trials have", () => {
    const deviate = normals(3)
    const trials = Array.from({ length: 40 }, (_, i): readonly [Parameters, number] => {
      const learning_rate = 10 ** (-4 + 2 * (((i * 17) % 40) / 40))
      const conditional = i % 2 === 0
      return [
        conditional ? { learning_rate, dropout: 0.1 } : { learning_rate },
        Math.log10(learning_rate) ** 2 + (conditional ? 0 : 3) + 0.1 * deviate(),
      ]
    })
    const found = importance(sweepOf(trials))
    expect(found.map(({ parameter }) => parameter).sort()).toEqual(["dropout", "learning_rate"])
    for (const { pValue } of found) expect(pValue).toBeLessThan(0.05)
  })

  it("says when there are too few trials", () => {
    const few = grid(1).slice(0, 7)
    expect(analyseImportance(sweepOf(few))).toEqual({ _tag: "TooFewTrials", trials: 7, needed: 8 })
    expect(importance(sweepOf(few))).toEqual([])
    // Trials without an objective do not count.
    expect(analyseImportance(sweepOf(grid(1).map(([parameters]) => [parameters, null])))).toMatchObject({ trials: 0 })
  })

  it("calls chance significant about as often as it says: of 100 sweeps of pure noise, 5% below p = 0.05", () => {
    let significant = 0
    for (let seed = 1; seed <= 100; seed++) {
      const deviate = normals(seed)
      const noise = grid(1).map(([parameters]) => [parameters, deviate()] as const)
      const found = importance(sweepOf(noise), seed)
      if (found.find(({ parameter }) => parameter === "rank")!.pValue < 0.05) significant++
    }
    expect(significant).toBeGreaterThanOrEqual(1)
    expect(significant).toBeLessThanOrEqual(12)
  })
})
