import { said } from "@sweep/domain/Reason"
import { sampled } from "@sweep/domain/Origin"
import { describe, expect, it } from "vitest"
import { AgentId, Epoch, SweepId, TrialNumber } from "../src/Id.ts"
import type { Fact } from "../src/sweep/Fact.ts"
import { foldFacts } from "../src/sweep/SweepState.ts"
import { exampleSpec } from "./exampleSpec.ts"

const sweep = SweepId.make("s")
const trial = TrialNumber.make(1)
const agent = AgentId.make("host")
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
  origin: sampled,
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
    const released: Fact = { _tag: "TrialReleased", at: 4, sweep, trial, epoch: epoch(1), cause: said("agent lost") }
    const again = fold(assigned(1), released, assigned(2), completed(1, 0.1))
    expect(again).toMatchObject({ state: "assigned", epoch: 2, objective: null })
    expect(fold(assigned(1), released, assigned(2), completed(1, 0.1), completed(2, 0.7)).objective).toBe(0.7)
  })

  it("lets the first terminal state win", () => {
    const cancelled: Fact = { _tag: "TrialCancelled", at: 5, sweep, trial, reason: { _tag: "ByHand" } }
    expect(fold(assigned(1), cancelled, completed(1, 0.5)).state).toBe("cancelled")
    expect(fold(assigned(1), completed(1, 0.5), cancelled).state).toBe("completed")
    expect(fold(assigned(1), completed(1, 0.5), completed(1, 0.4)).objective).toBe(0.5)
  })

  it("a member of a population resumes from another one's checkpoint with other parameters", () => {
    const of = { at: 5, sweep, trial }
    const from = { trial: TrialNumber.make(2), epoch: epoch(9), step: 10 }
    const waits: Fact = { _tag: "TrialPaused", ...of, rule: said("it waits"), step: 10 }
    const exploited: Fact = {
      _tag: "TrialExploited",
      ...of,
      from,
      parameters: { rank: 8 },
      reason: said("it was last"),
    }
    const once = fold(assigned(1), waits, exploited)
    const first = { ...from, after: 1, replaced: { rank: 4 }, reason: said("it was last") }
    expect(once).toMatchObject({ state: "pending", rounds: 1, waitedAt: 10, parameters: { rank: 8 }, lineage: [first] })
    const twice = fold(assigned(1), waits, exploited, assigned(3), waits, exploited)
    expect(twice).toMatchObject({ rounds: 2, lineage: [first, { ...first, after: 3, replaced: { rank: 8 } }] })
    // What a person has paused has not come to a point; and only who waits resumes from another.
    expect(fold(assigned(1), { _tag: "TrialPaused", ...of })).toMatchObject({ rounds: 0, waitedAt: null })
    expect(fold(assigned(1), exploited)).toMatchObject({ state: "assigned", parameters: { rank: 4 }, lineage: [] })
  })

  it("adds up the time in which attempts ran", () => {
    const of = { sweep, trial }
    const one: ReadonlyArray<Fact> = [
      assigned(1),
      { _tag: "TrialStarted", at: 10, ...of, epoch: epoch(1) },
      { _tag: "TrialPaused", at: 25, ...of },
    ]
    expect(fold(...one)).toMatchObject({ busyMs: 15, busySince: null })
    const two: ReadonlyArray<Fact> = [
      { _tag: "TrialResumed", at: 1_000, ...of },
      { ...assigned(2), at: 1_001 } as Fact,
      { _tag: "TrialStarted", at: 1_002, ...of, epoch: epoch(2) },
    ]
    expect(fold(...one, ...two)).toMatchObject({ busyMs: 15, busySince: 1_002, startedAt: 10 })
    const released: Fact = { _tag: "TrialReleased", at: 1_012, ...of, epoch: epoch(2), cause: said("lost") }
    expect(fold(...one, ...two, released)).toMatchObject({ busyMs: 25, busySince: null })
  })

  it("counts the time in which the sweep was running, without pauses and what comes after its end", () => {
    const of = (at: number) => ({ at, sweep })
    const facts: ReadonlyArray<Fact> = [
      submitted,
      { _tag: "SweepPaused", ...of(11) },
      { _tag: "SweepPaused", ...of(15) },
      { _tag: "SweepResumed", ...of(100) },
      { _tag: "SweepFinished", ...of(105), reason: said("") },
      { _tag: "SweepExtended", ...of(1_000), revision: 2, spec: exampleSpec() },
    ]
    expect(foldFacts(facts).get(sweep)).toMatchObject({ activeMs: 15, activeSince: 1_000 })
    expect(foldFacts(facts.slice(0, 5)).get(sweep)).toMatchObject({ activeMs: 15, activeSince: null })
  })

  it("gives the same state when facts are replayed", () => {
    const facts = [submitted, created, assigned(1), completed(1, 0.5)]
    expect(foldFacts([...facts, ...facts])).toEqual(foldFacts(facts))
  })
})
