// The coordinator's pure decisions, each on its own.
import { describe, expect, it } from "vitest"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Fact } from "@sweep/domain/Fact"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { sampled } from "@sweep/domain/Origin"
import { ask, Samplers } from "../src/scheduling/ask.ts"
import { spent } from "../src/scheduling/budget.ts"
import { objectiveOf } from "../src/attempts/objective.ts"
import { backoff, releasedTooOften, retryAfterFailure } from "../src/state/retry.ts"
import { State } from "../src/state/State.ts"

const sweep = SweepId.make("s")
const agent = AgentId.make("a")
const hour = 3_600_000

const stateOf = (change: Parameters<typeof exampleSpec>[0], ...facts: ReadonlyArray<Fact>): State => {
  const state = new State()
  state.apply({ _tag: "SweepSubmitted", at: 0, sweep, spec: exampleSpec(change), versions: {} })
  for (const fact of facts) state.apply(fact)
  return state
}
const created = (n: number, parameters = {}): Fact => ({
  _tag: "TrialCreated",
  at: 0,
  sweep,
  trial: TrialNumber.make(n),
  parameters,
  seed: 0,
  revision: 1,
  origin: sampled,
})
/** Trial n started at the first and completed at the second time. */
const ran = (n: number, from: number, to: number | null, objective = 1): ReadonlyArray<Fact> => {
  const of = { sweep, trial: TrialNumber.make(n), epoch: Epoch.make(n) }
  return [
    created(n, { rank: n }),
    { _tag: "TrialAssigned", at: from, ...of, attempt: 1, agent, slot: 0 },
    { _tag: "TrialStarted", at: from, ...of },
    ...(to === null
      ? []
      : [{ _tag: "TrialCompleted" as const, at: to, ...of, objective, step: 1, values: { "eval/loss": objective } }]),
  ]
}
const theSweep = (state: State) => state.sweeps.get(sweep)!

describe("budgets", () => {
  const limits = { trials: null, gpuHours: null, hours: null }

  it("counts GPU hours over devices, of trials that run, too", () => {
    const change = { budget: { ...limits, gpuHours: 6 }, resources: { gpus: 2 } }
    const state = stateOf(change, ...ran(1, 0, 2 * hour), ...ran(2, hour, null))
    expect(spent(theSweep(state), 1.5 * hour)).toBeNull()
    expect(spent(theSweep(state), 2 * hour)).toEqual({ _tag: "GpuHoursSpent", hours: 6 })
  })

  it("counts no hour in which a trial or the sweep was set aside", () => {
    const of = { sweep, trial: TrialNumber.make(1) }
    const paused: Fact = { _tag: "TrialPaused", at: 2 * hour, ...of, rule: said("at step 10") }
    const state = stateOf({ budget: { ...limits, gpuHours: 3, hours: 5 } }, ...ran(1, 0, null), paused)
    expect(spent(theSweep(state), 4 * hour)).toBeNull()
    state.apply({ _tag: "SweepPaused", at: 4 * hour, sweep })
    expect(spent(theSweep(state), 100 * hour)).toBeNull()
    state.apply({ _tag: "SweepResumed", at: 100 * hour, sweep })
    expect(spent(theSweep(state), 101 * hour)).toEqual({ _tag: "HoursSpent", hours: 5 })
  })

  it("counts hours since the submission", () => {
    const state = stateOf({ budget: { ...limits, hours: 3 } })
    expect(spent(theSweep(state), 3 * hour - 1)).toBeNull()
    expect(spent(theSweep(state), 3 * hour)).toEqual({ _tag: "HoursSpent", hours: 3 })
  })

  it("knows a target from either side", () => {
    const metric = { name: "accuracy", goal: "maximize", summary: "best", target: 0.9 } as const
    expect(spent(theSweep(stateOf({ metric }, ...ran(1, 0, 1, 0.89))), 0)).toBeNull()
    expect(spent(theSweep(stateOf({ metric }, ...ran(1, 0, 1, 0.9))), 0)).toMatchObject({
      _tag: "TargetReached",
      trial: 1,
    })
  })
})

describe("replicas", () => {
  it("are one observation, open until the last has ended, then their mean", () => {
    const state = stateOf({ replicas: 2 }, ...ran(1, 0, 1, 3), ...ran(2, 0, null))
    expect(state.sets(sweep)).toMatchObject([{ number: 1, outcome: "open", objective: null }])
    for (const fact of ran(2, 0, 1, 5).slice(3)) state.apply(fact)
    expect(state.sets(sweep)).toMatchObject([
      { number: 1, outcome: "completed", objective: 4, parameters: { rank: 1 }, values: { "eval/loss": 4 } },
    ])
  })

  it("leave a failed one out of the mean", () => {
    const failed: Fact = {
      _tag: "TrialFailed",
      at: 1,
      sweep,
      trial: TrialNumber.make(2),
      class: "oom",
      message: said(""),
      detail: null,
    }
    const state = stateOf({ replicas: 2 }, ...ran(1, 0, 1, 3), ...ran(2, 0, null), failed)
    expect(state.sets(sweep)).toMatchObject([{ outcome: "completed", objective: 3 }])
  })
})

describe("asking", () => {
  it("gives every combination of a grid once, whatever order they end in", () => {
    const state = stateOf({})
    const samplers = new Samplers()
    const seen: Array<unknown> = []
    for (let n = 1; n <= 4; n++) {
      const next = ask(theSweep(state), state, samplers, 0)
      if (next._tag !== "Trial") throw new Error(next._tag)
      seen.push(`${next.parameters["rank"]} ${next.parameters["learning_rate"]}`)
      state.apply(created(next.number, next.parameters))
    }
    expect(new Set(seen).size).toBe(4)
    expect(ask(theSweep(state), state, samplers, 0)).toEqual({
      _tag: "None",
      reason: { _tag: "SpaceExhausted" },
    })
  })

  it("says so when a sampler is defective", () => {
    const state = stateOf({})
    const samplers = new Samplers()
    samplers.of = () => ({
      size: null,
      suggest: () => {
        throw new Error("no such thing")
      },
    })
    expect(ask(theSweep(state), state, samplers, 0)).toEqual({
      _tag: "Broken",
      reason: { _tag: "SamplerFailed", message: "no such thing" },
    })
  })
})

describe("objectives", () => {
  const metric = { name: "m", goal: "minimize", summary: "best", target: null } as const
  const last = { ...metric, summary: "last" } as const
  const curve = (...values: ReadonlyArray<number>) => ({
    summaries: [{ metric: "m", last: values.at(-1)! }],
    points: values.map((value, step) => ({ step, value })),
    finished: {},
  })

  it("is the best or the last value", () => {
    expect(objectiveOf(metric, curve(9, 3, 1, 2))).toEqual({ _tag: "Known", value: 1 })
    expect(objectiveOf({ ...metric, goal: "maximize" }, curve(1, 3, 5, 2))).toEqual({ _tag: "Known", value: 5 })
    expect(objectiveOf(last, curve(9, 3, 1, 2))).toEqual({ _tag: "Known", value: 2 })
  })

  it("is not that of the untouched base model, unless there is no other", () => {
    expect(objectiveOf(metric, curve(1, 3, 2))).toEqual({ _tag: "Known", value: 2 })
    expect(objectiveOf(metric, curve(1))).toEqual({ _tag: "Known", value: 1 })
  })

  it("passes over values that are not finite where there are others", () => {
    expect(objectiveOf(metric, curve(1, Number.NaN, 3, Number.NEGATIVE_INFINITY))).toEqual({ _tag: "Known", value: 3 })
    expect(objectiveOf(metric, curve(1, Number.NaN))._tag).toBe("NotFinite")
    expect(objectiveOf(last, { ...curve(1, Number.NaN), finished: { m: 1 } })._tag).toBe("NotFinite")
  })

  it("names what arrived in its place", () => {
    const none = { summaries: [], points: [], finished: {} }
    expect(objectiveOf(metric, none)).toMatchObject({ why: { _tag: "NothingReported" } })
    const many = Array.from({ length: 40 }, (_, i) => ({ metric: `x/${i}`, last: 1 }))
    expect(objectiveOf(metric, { ...none, summaries: many })).toMatchObject({
      why: { _tag: "MetricMissing", more: 28 },
    })
  })
})

describe("retries", () => {
  it("gives a bug one more attempt and nothing else any", () => {
    expect(retryAfterFailure("bug", said("exit 1"), { total: 0, bugs: 0 })).toEqual({
      _tag: "Retried",
      last: said("exit 1"),
    })
    expect(retryAfterFailure("bug", said("exit 1"), { total: 1, bugs: 1 })).toBeNull()
    for (const other of ["oom", "diverged", "data", "dependency"] as const) {
      expect(retryAfterFailure(other, said(""), { total: 0, bugs: 0 })).toBeNull()
    }
  })

  it("does not count lost agents against the bug's retry, but has an end", () => {
    expect(retryAfterFailure("bug", said(""), { total: 19, bugs: 0 })).not.toBeNull()
    expect(releasedTooOften({ total: 19, bugs: 0 })).toBe(false)
    expect(releasedTooOften({ total: 20, bugs: 0 })).toBe(true)
  })

  it("waits longer and longer, at most a minute", () => {
    const waits = Array.from({ length: 20 }, (_, total) => backoff({ total, bugs: 0 }))
    expect(waits.slice(0, 4)).toEqual([0, 0, 500, 1_000])
    expect(Math.max(...waits)).toBe(60_000)
  })
})

describe("a sampler after parameters have changed", () => {
  it("answers as that of a restarted coordinator would", () => {
    const of = (name: string, ...values: readonly [number, ...ReadonlyArray<number>]) => ({
      name,
      distribution: { _tag: "Categorical" as const, values, probabilities: null },
      when: null,
      prior: null,
    })
    const space = { dimensions: [of("rank", 4, 8)], derived: [], constraints: [] }
    const change = { method: "random", space, budget: { trials: 9, gpuHours: null, hours: null } } as const
    const one = { sweep, trial: TrialNumber.make(1) }
    const state = stateOf(change, created(1, { rank: 4 }), created(2, { rank: 8 }))
    const samplers = new Samplers()
    expect(ask(theSweep(state), state, samplers, 0)._tag).toBe("None")
    state.apply({ _tag: "TrialAssigned", at: 0, ...one, epoch: Epoch.make(1), attempt: 1, agent, slot: 0 })
    state.apply({ _tag: "TrialPaused", at: 0, ...one, rule: { _tag: "Said", text: "waits" }, step: 3 })
    const from = { trial: TrialNumber.make(2), epoch: Epoch.make(2), step: 3 }
    state.apply({
      _tag: "TrialExploited",
      at: 0,
      ...one,
      from,
      parameters: { rank: 8 },
      reason: { _tag: "Said", text: "is worse" },
    })
    const restarted = ask(theSweep(state), state, new Samplers(), 0)
    expect(restarted).toMatchObject({ _tag: "Trial", parameters: { rank: 4 } })
    expect(ask(theSweep(state), state, samplers, 0)).toEqual(restarted)
  })
})
