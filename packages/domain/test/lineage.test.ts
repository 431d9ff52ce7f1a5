import { said } from "@sweep/domain/Reason"
import { sampled } from "@sweep/domain/Origin"
import { expect, it } from "vitest"
import { AgentId, Epoch, SweepId, TrialNumber } from "../src/Id.ts"
import type { Fact } from "../src/sweep/Fact.ts"
import { takeovers } from "../src/sweep/lineage.ts"
import { foldFacts } from "../src/sweep/SweepState.ts"
import { exampleSpec } from "./exampleSpec.ts"

const sweep = SweepId.make("s")
const at = 1
const of = (trial: number) => ({ at, sweep, trial: TrialNumber.make(trial) })
const created = (trial: number, learning_rate: number): Fact => ({
  _tag: "TrialCreated",
  ...of(trial),
  parameters: { rank: 4, learning_rate },
  seed: 1,
  revision: 1,
  origin: sampled,
})
const waits = (trial: number, epoch: number): ReadonlyArray<Fact> => [
  {
    _tag: "TrialAssigned",
    ...of(trial),
    epoch: Epoch.make(epoch),
    attempt: 1,
    agent: AgentId.make("host"),
    slot: 0,
  },
  { _tag: "TrialPaused", ...of(trial), rule: said("it waits") },
]
const exploited = (trial: number, from: number, epoch: number, step: number, learning_rate: number): Fact => ({
  _tag: "TrialExploited",
  ...of(trial),
  from: { trial: TrialNumber.make(from), epoch: Epoch.make(epoch), step },
  parameters: { rank: 4, learning_rate },
  reason: said("it was last"),
})

it("puts each takeover together with the parameters that both had then", () => {
  const { trials } = foldFacts([
    { _tag: "SweepSubmitted", at, sweep, spec: exampleSpec(), versions: {} },
    created(1, 0.1),
    created(2, 0.2),
    ...waits(1, 1),
    ...waits(2, 2),
    exploited(1, 2, 2, 10, 0.4),
    { _tag: "TrialResumed", ...of(2) },
    ...waits(1, 3),
    ...waits(2, 4),
    // What the first has become is handed back, and what the first becomes then changes nothing of that.
    exploited(2, 1, 3, 20, 0.8),
    { _tag: "TrialResumed", ...of(1) },
    ...waits(1, 5),
    ...waits(2, 6),
    exploited(1, 2, 6, 30, 1.6),
  ]).get(sweep)!
  const change = (before: number, parent: number, after: number) => [{ name: "learning_rate", before, parent, after }]
  expect(takeovers(trials)).toEqual([
    { trial: 1, from: 2, step: 10, reason: said("it was last"), changes: change(0.1, 0.2, 0.4) },
    { trial: 2, from: 1, step: 20, reason: said("it was last"), changes: change(0.2, 0.4, 0.8) },
    { trial: 1, from: 2, step: 30, reason: said("it was last"), changes: change(0.4, 0.8, 1.6) },
  ])
})
