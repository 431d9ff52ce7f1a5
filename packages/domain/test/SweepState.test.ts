import { describe, expect, it } from "vitest"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Fact } from "@sweep/domain/Fact"
import { foldFacts } from "@sweep/domain/SweepState"
import { exampleSpec } from "@sweep/testing/exampleSpec"

const sweep = SweepId.make("s")
const trial = TrialNumber.make(1)
const agent = AgentId.make("box")
const epoch = (n: number) => Epoch.make(n)
const submitted: Fact = { _tag: "SweepSubmitted", at: 1, sweep, spec: exampleSpec(), versions: {} }
const created: Fact = {
  _tag: "TrialCreated",
  at: 2,
  sweep,
  trial,
  parameters: { rank: 4 },
  seed: 1,
  revision: 1,
  origin: "sampler",
}
const assigned = (n: number): Fact => ({
  _tag: "TrialAssigned",
  at: 3,
  sweep,
  trial,
  epoch: epoch(n),
  attempt: n,
  agent,
  slot: 0,
})
const completed = (n: number, objective: number): Fact => ({
  _tag: "TrialCompleted",
  at: 9,
  sweep,
  trial,
  epoch: epoch(n),
  objective,
  step: 10,
  values: { "eval/loss": objective },
})
const fold = (...facts: ReadonlyArray<Fact>) =>
  foldFacts([submitted, created, ...facts])
    .get(sweep)!
    .trials.get(trial)!

describe("the fold of a trial's facts", () => {
  it("follows a trial from creation to completion", () => {
    expect(fold().state).toBe("pending")
    expect(fold(assigned(1))).toMatchObject({ state: "assigned", attempt: 1, epoch: 1, agent })
    expect(fold(assigned(1), { _tag: "TrialStarted", at: 4, sweep, trial, epoch: epoch(1) }).state).toBe("running")
    expect(fold(assigned(1), completed(1, 0.5))).toMatchObject({ state: "completed", objective: 0.5, endedAt: 9 })
  })

  it("ignores the result of an epoch that was replaced", () => {
    const released: Fact = { _tag: "TrialReleased", at: 4, sweep, trial, epoch: epoch(1), cause: "agent lost" }
    const again = fold(assigned(1), released, assigned(2), completed(1, 0.1))
    expect(again).toMatchObject({ state: "assigned", epoch: 2, objective: null })
    expect(fold(assigned(1), released, assigned(2), completed(1, 0.1), completed(2, 0.7)).objective).toBe(0.7)
  })

  it("lets the first terminal state win", () => {
    const cancelled: Fact = { _tag: "TrialCancelled", at: 5, sweep, trial, reason: "by hand" }
    expect(fold(assigned(1), cancelled, completed(1, 0.5)).state).toBe("cancelled")
    expect(fold(assigned(1), completed(1, 0.5), cancelled).state).toBe("completed")
    expect(fold(assigned(1), completed(1, 0.5), completed(1, 0.4)).objective).toBe(0.5)
  })

  it("gives the same state when facts are replayed", () => {
    const facts = [submitted, created, assigned(1), completed(1, 0.5)]
    expect(foldFacts([...facts, ...facts])).toEqual(foldFacts(facts))
  })
})
