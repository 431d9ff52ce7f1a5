// A sweep in mid-run, by its facts, for the views' golden tests.
import { exampleSpec } from "@sweep/domain/exampleSpec"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { Verdict } from "@sweep/domain/Verdict"
import { foldFacts } from "@sweep/domain/SweepState"
import { sampled } from "@sweep/domain/Origin"
import { said } from "@sweep/domain/Reason"
import type { SweepView } from "../src/terminal/SweepView.ts"

export const sweep = SweepId.make("example")
const agent = AgentId.make("host")
const trial = (n: number) => TrialNumber.make(n)
const epoch = (n: number) => Epoch.make(n)
const minute = 60_000

const created = (n: number, rank: number, learning_rate: number): Fact => ({
  _tag: "TrialCreated",
  at: 0,
  sweep,
  trial: trial(n),
  parameters: { rank, learning_rate },
  seed: n,
  revision: 1,
  origin: sampled,
})
const started = (n: number, at: number): ReadonlyArray<Fact> => [
  { _tag: "TrialAssigned", at, sweep, trial: trial(n), epoch: epoch(n), attempt: 1, agent, slot: 0 },
  { _tag: "TrialStarted", at, sweep, trial: trial(n), epoch: epoch(n) },
]
const completed = (n: number, at: number, objective: number): Fact => ({
  _tag: "TrialCompleted",
  at,
  sweep,
  trial: trial(n),
  epoch: epoch(n),
  objective,
  step: 100,
  values: { "eval/loss": objective },
})
const overfitting = new Verdict({
  kind: "overfitting",
  sinceStep: 40,
  evidence: [
    {
      criterion: "generalization-loss",
      statement: "eval loss rose 9.1 % above its best",
      value: 9.1,
      threshold: 2,
      holds: true,
    },
  ],
  advice: ["Stop at step 40: the adapter of that step is kept."],
})
const healthy = new Verdict({ kind: "healthy", sinceStep: null, evidence: [], advice: [] })

export const exampleFacts: ReadonlyArray<Fact> = [
  { _tag: "SweepSubmitted", at: 0, sweep, spec: exampleSpec({ name: "rank and rate 秩与学习率" }), versions: {} },
  created(1, 4, 1e-3),
  ...started(1, 0),
  completed(1, 2 * minute, 1.9),
  { _tag: "VerdictReached", at: 2 * minute, sweep, trial: trial(1), verdict: healthy },
  created(2, 4, 1e-2),
  ...started(2, 0),
  completed(2, 3 * minute, 1.7),
  { _tag: "VerdictReached", at: 3 * minute, sweep, trial: trial(2), verdict: overfitting },
  created(3, 8, 1e-3),
  ...started(3, 2 * minute),
  created(4, 8, 1e-2),
  ...started(4, 3 * minute),
  {
    _tag: "TrialFailed",
    at: 4 * minute,
    sweep,
    trial: trial(4),
    class: "oom",
    message: said("out of memory: 7.9 GiB asked for, \u001b[31m6 GiB\u001b[0m there"),
    detail: null,
  },
]

export const exampleView: SweepView = {
  sweep: foldFacts(exampleFacts).get(sweep)!,
  progress: new Map([
    [trial(3), { sweep, trial: trial(3), step: 60, totalSteps: 100, values: { "eval/loss": 1.85, "train/loss": 1.2 } }],
  ]),
  planned: 5,
}
export const now = 4.5 * minute
