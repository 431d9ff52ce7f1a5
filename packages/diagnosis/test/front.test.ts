// The Pareto front and constraints on outcomes as the answer says them.
import { describe, expect, it } from "vitest"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { foldFacts, type SweepState } from "@sweep/domain/SweepState"
import { sampled } from "@sweep/domain/Origin"
import { Verdict } from "@sweep/domain/Verdict"
import { said } from "@sweep/domain/Reason"
import { answerJson } from "../src/answer/answerJson.ts"
import { answerOf } from "../src/answer/answerOf.ts"
import { frontOf } from "../src/answer/front.ts"

const sweep = SweepId.make("s")
const loss = { name: "eval/loss", goal: "minimize", summary: "best", target: null } as const
const accuracy = { name: "eval/exact_match", goal: "maximize", summary: "best", target: null } as const

type Values = Readonly<Record<string, number>>
type Row = readonly [rank: number, objective: number | null, values: Values]

/** `values` are the last ones reported. */
const sweepOf = (rows: ReadonlyArray<Row>, spec: Partial<typeof SweepSpec.Encoded> = {}): SweepState =>
  foldFacts([
    { _tag: "SweepSubmitted", at: 0, sweep, spec: exampleSpec({ metrics: [loss, accuracy], ...spec }), versions: {} },
    ...rows.flatMap(([rank, objective, values], i): ReadonlyArray<Fact> => {
      const of = { sweep, trial: TrialNumber.make(i + 1) }
      const epoch = Epoch.make(i + 1)
      return [
        { _tag: "TrialCreated", at: 1, ...of, parameters: { rank }, seed: i, revision: 1, origin: sampled },
        { _tag: "TrialAssigned", at: 2, ...of, epoch, attempt: 1, agent: AgentId.make("a"), slot: 0 },
        { _tag: "TrialStarted", at: 10 * i + 3, ...of, epoch },
        objective === null
          ? { _tag: "TrialFailed", at: 10 * i + 9, ...of, class: "oom", message: said("no memory"), detail: null }
          : { _tag: "TrialCompleted", at: 10 * i + 9, ...of, epoch, objective, step: 10, values },
      ]
    }),
  ]).get(sweep)!

const right = (share: number): Values => ({ "eval/exact_match": share, "eval/loss": 9 })

describe("the front", () => {
  const rows: ReadonlyArray<Row> = [
    [1, 1.5, right(0.5)],
    [2, 1.0, right(0.6)],
    [3, 1.2, right(0.9)],
    [4, 1.1, right(0.8)],
    [5, 1.3, right(0.7)],
    [6, null, {}],
    [7, 1.05, {}],
  ]

  it("is of what nothing beats in every metric, each by what it is ranked by", () => {
    const front = frontOf(sweepOf(rows))!
    expect(front.members.map(({ trial, values }) => [trial, ...values])).toEqual([
      [2, 1, 0.6],
      [4, 1.1, 0.8],
      [3, 1.2, 0.9],
    ])
    // Trial 7 never reported the second metric.
    expect(front).toMatchObject({ compared: 5, compromise: 4, ideal: [1, 0.9] })
    expect(front.reference[0]).toBeCloseTo(1.22)
    expect(front.reference[1]).toBeCloseTo(0.57)
    // Strips of the box 0.22 × 0.33 by growing loss.
    const area = 0.1 * 0.03 + 0.1 * 0.23 + 0.02 * 0.33
    expect(front.hypervolume).toBeCloseTo(area / (0.22 * 0.33), 10)
  })

  it("grows with the trials, to what it is now", () => {
    const { growth, hypervolume } = frontOf(sweepOf(rows))!
    expect(growth.map(({ trials }) => trials)).toEqual([2, 3, 4])
    expect(growth.at(-1)!.hypervolume).toBe(hypervolume)
    for (const [i, { hypervolume: now }] of growth.entries()) {
      expect(now).toBeGreaterThan(growth[i - 1]?.hypervolume ?? 0)
      expect(now).toBeLessThanOrEqual(1)
    }
  })

  it("compares means of runs", () => {
    const twice: ReadonlyArray<Row> = [
      [1, 0.8, right(0.5)],
      [1, 1.2, right(0.7)],
      [2, 0.9, right(0.65)],
    ]
    expect(frontOf(sweepOf(twice))!.members).toMatchObject([{ trials: [3], values: [0.9, 0.65] }])
    expect(frontOf(sweepOf(twice.slice(0, 2)))!.members[0]).toMatchObject({ trial: 1, trials: [1, 2] })
  })

  it("is one point with a host around it where one configuration is best in everything", () => {
    const front = frontOf(sweepOf(rows.slice(0, 2)))!
    expect(front).toMatchObject({ compromise: 2, hypervolume: 1, growth: [{ trials: 2, hypervolume: 1 }] })
    expect(frontOf(sweepOf(rows.slice(0, 1)))!.hypervolume).toBe(1)
  })

  it("is none with one metric, and none without values", () => {
    expect(frontOf(sweepOf(rows, { metrics: [loss] }))).toBeNull()
    expect(frontOf(sweepOf([rows[5]!]))).toBeNull()
  })

  it("knows three metrics, and gives up on many members rather than on the reader", () => {
    const metrics = [loss, accuracy, { ...loss, name: "memory/host_gib" }]
    const of = (n: number) =>
      frontOf(
        sweepOf(
          Array.from({ length: n }, (_, i): Row => [i, i / n, { ...right(i / n), "memory/host_gib": (i * 7) % n }]),
          { metrics },
        ),
      )!
    expect(of(30).members).toHaveLength(30)
    expect(of(30).hypervolume).toBeGreaterThan(0.2)
    expect(of(30).growth.at(-1)!.hypervolume).toBe(of(30).hypervolume)
    expect(of(300)).toMatchObject({ hypervolume: null, growth: [] })
  })
})

describe("constraints on outcomes", () => {
  const outcomes = [{ metric: "memory/device_gib", comparison: "<=", limit: 20 } as const]
  const uses = (gib: number, share = 0.5): Values => ({ "memory/device_gib": gib, ...right(share) })
  const rows: ReadonlyArray<Row> = [
    [1, 0.5, uses(30, 0.99)],
    [2, 1.0, uses(19)],
    [3, 1.1, uses(20, 0.7)],
    [4, 0.4, right(0.5)],
  ]

  it("keep what breaks them from being best, runner-up, rival or on the front", () => {
    const answer = answerOf(sweepOf(rows, { outcomes }), 1e6)!
    expect(answer.best).toMatchObject({ trial: 2, feasible: true })
    expect(answer.runnerUp).toMatchObject({ trials: [3], behind: expect.closeTo(0.1) })
    expect(answer.certainty!.rivals.every((trial) => trial === 3)).toBe(true)
    expect(answer.front!.members.map(({ trial }) => trial)).toEqual([2, 3])
    expect(answer.constraints).toMatchObject([{ kept: 2, broken: 1, unknown: 1, value: 19 }])
    expect(answerJson(answer)).toMatchObject({
      feasible: true,
      constraints: [{ constraint: "memory/device_gib <= 20", kept: 2, broken: 1, unknown: 1, value_of_best: 19 }],
      pareto: { members: [{ trial: 2 }, { trial: 3, values: { "eval/loss": 1.1, "eval/exact_match": 0.7 } }] },
    })
    // Without them the same sweep has another answer.
    expect(answerOf(sweepOf(rows), 1e6)!.best.trial).toBe(4)
  })

  it("are said to be broken where nothing keeps them: the nearest, and no certainty", () => {
    const none = [{ metric: "memory/device_gib", comparison: "<", limit: 19 } as const]
    const answer = answerOf(sweepOf(rows, { outcomes: none }), 1e6)!
    expect(answer.best).toMatchObject({ trial: 2, feasible: false })
    expect(answer).toMatchObject({ runnerUp: null, certainty: null, more: null, front: null })
  })
})

describe("answers beside the loss", () => {
  const taskMetrics = { metrics: ["exact_match"], samples: null, max_new_tokens: 48 }

  it("are said of the best, with who has better ones", () => {
    const rows: ReadonlyArray<Row> = [
      [1, 1.0, right(0.6)],
      [2, 1.2, right(0.9)],
    ]
    const { measures } = answerOf(sweepOf(rows, { metrics: [loss], taskMetrics }), 1e6)!
    expect(measures).toEqual([
      { name: "eval/exact_match", goal: "maximize", value: 0.6, better: { trial: 2, value: 0.9 } },
    ])
    const best = answerOf(sweepOf(rows.toReversed().slice(1), { metrics: [loss], taskMetrics }), 1e6)!
    expect(best.measures[0]).toMatchObject({ value: 0.6, better: null })
  })

  it("that get worse while the loss gets better are a finding, and the checkpoint is not named by another metric", () => {
    const state = sweepOf([[1, 1.0, right(0.4)]], { metrics: [loss], taskMetrics })
    const args = { metric: "eval/exact_match", best: 0.7, bestStep: 4, level: 0.4, lossThen: 1.3, lossNow: 1 }
    const trial = state.trials.get(TrialNumber.make(1))!
    const verdict = new Verdict({
      kind: "overfitting",
      sinceStep: 4,
      evidence: [{ criterion: "loss-better-answers-worse", args, value: 0.3, threshold: 0.01, holds: true }],
      advice: [{ code: "checkpoint-by-metric", args: { metric: "eval/exact_match", step: 4 } }],
    })
    const trials = new Map([[trial.number, { ...trial, verdict }]])
    const answer = answerOf({ ...state, trials }, 1e6)!
    expect(answer.answersWorse).toEqual({
      metric: "eval/exact_match",
      best: 0.7,
      bestStep: 4,
      level: 0.4,
      loss: [1.3, 1],
    })
    expect(answer.next.checkpoint).toBeNull()
    expect(answerJson(answer).answers_worse).toMatchObject({ best_step: 4, loss_then: 1.3 })
  })
})
