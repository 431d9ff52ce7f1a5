// Who gets a free slot, as a function of the state alone; and the overlay that the decisions rest on.
import { type Origin, sampled } from "@sweep/domain/Origin"
import { describe, expect, it } from "vitest"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { defaultTimings } from "@sweep/domain/Lease"
import type { SweepState } from "@sweep/domain/SweepState"
import { slotsOf } from "@sweep/protocol/ScriptedAgent"
import { Samplers } from "../src/scheduling/ask.ts"
import { decideDispatch } from "../src/scheduling/decideDispatch.ts"
import type { Decision } from "../src/scheduling/fillSlot.ts"
import { PlannedLengths } from "../src/scheduling/PlannedLengths.ts"
import type { Situation } from "../src/scheduling/Situation.ts"
import { type Assumable, Overlay } from "../src/state/Overlay.ts"
import { Roster } from "../src/state/Roster.ts"
import { State } from "../src/state/State.ts"
import { alike, attempts, type StateView } from "../src/state/StateView.ts"

type Spec = NonNullable<Parameters<typeof exampleSpec>[0]>

const submitted = (sweep: string, change: Spec = {}, at = 0): Fact => ({
  _tag: "SweepSubmitted",
  at,
  sweep: SweepId.make(sweep),
  spec: exampleSpec({ method: "random", ...change }),
  versions: {},
})
const created = (sweep: string, n: number, parameters = {}, origin: Origin = sampled): Assumable => ({
  _tag: "TrialCreated",
  at: 0,
  sweep: SweepId.make(sweep),
  trial: TrialNumber.make(n),
  parameters,
  seed: 0,
  revision: 1,
  origin,
})
const assigned = (sweep: string, n: number, epoch: number, agent: string): Assumable => ({
  _tag: "TrialAssigned",
  at: 0,
  sweep: SweepId.make(sweep),
  trial: TrialNumber.make(n),
  epoch: Epoch.make(epoch),
  attempt: 1,
  agent: AgentId.make(agent),
  slot: 0,
})
const released = (sweep: string, n: number, epoch: number): Fact => ({
  _tag: "TrialReleased",
  at: 0,
  sweep: SweepId.make(sweep),
  trial: TrialNumber.make(n),
  epoch: Epoch.make(epoch),
  cause: { _tag: "Said", text: "preempted" },
})

const stateOf = (...facts: ReadonlyArray<Fact>): State => {
  const state = new State()
  for (const fact of facts) state.apply(fact)
  return state
}

/** Connected agents, each with slots of so many devices. */
const rosterOf = (slots: Readonly<Record<string, ReadonlyArray<number>>>): Roster => {
  const roster = new Roster(defaultTimings)
  for (const [id, devices] of Object.entries(slots)) {
    const agent = roster.known(AgentId.make(id), 0)
    agent.hostname = id
    agent.trainers = new Set(["peft", "command"])
    agent.slots = devices.map((count, index) => ({ ...slotsOf(1, count)[0]!, index }))
    agent.session = { post: () => {}, close: () => {} }
  }
  return roster
}

const situationOf = (state: State, hosts: Roster, change: Partial<Situation> = {}): Situation => ({
  state,
  hosts,
  samplers: new Samplers(),
  curves: () => undefined,
  results: { find: () => undefined },
  planned: new PlannedLengths(),
  resting: new Map(),
  at: 1_000,
  now: 0,
  ...change,
})

const decisions = (situation: Situation): ReadonlyArray<Decision> => Array.from(decideDispatch(situation))

/** `sweep/trial agent:slot` of each assignment. */
const assignments = (situation: Situation): ReadonlyArray<string> =>
  decisions(situation).flatMap(({ assignment }) =>
    assignment === undefined
      ? []
      : [`${assignment.message.sweep}/${assignment.message.trial} ${assignment.agent}:${assignment.message.slot}`],
  )

describe("dispatch", () => {
  it("gives the smallest slot that fits, and none that is too small", () => {
    const state = stateOf(submitted("s", { resources: { gpus: 2 } }))
    expect(assignments(situationOf(state, rosterOf({ a: [1, 4, 2] })))).toEqual(["s/1 a:2", "s/2 a:1"])
    expect(decisions(situationOf(state, rosterOf({ a: [1, 1] })))).toEqual([])
  })

  it("takes sweeps in turn: the one with the fewest trials running, then the oldest", () => {
    const state = stateOf(
      submitted("new", {}, 2),
      submitted("old", {}, 1),
      created("old", 1),
      assigned("old", 1, 1, "x"),
    )
    expect(assignments(situationOf(state, rosterOf({ a: [1, 1, 1, 1] })))).toEqual([
      "new/1 a:0",
      "old/2 a:1",
      "new/2 a:2",
      "old/3 a:3",
    ])
  })

  it("prefers a released trial, on the agent that has its checkpoints", () => {
    const state = stateOf(submitted("s"), created("s", 1), assigned("s", 1, 1, "b"), released("s", 1, 1))
    const hosts = rosterOf({ a: [1], b: [1] })
    expect(assignments(situationOf(state, hosts))).toEqual(["s/1 b:0", "s/2 a:0"])
    // Not before it has rested, nor while its attempt before still occupies a slot.
    expect(assignments(situationOf(state, hosts, { resting: new Map([["s/1", 5]]) }))).toEqual(["s/2 a:0", "s/3 b:0"])
    hosts.agents.get(AgentId.make("b"))!.occupied.set(0, Epoch.make(1))
    expect(assignments(situationOf(state, hosts))).toEqual(["s/2 a:0"])
  })

  it("mints each epoch once, above all before", () => {
    const state = stateOf(submitted("s"), created("s", 1), assigned("s", 1, 7, "x"))
    const epochs = decisions(situationOf(state, rosterOf({ a: [1, 1, 1] }))).map((one) => one.assignment!.message.epoch)
    expect(epochs).toEqual([8, 9, 10])
  })

  it("stops where what follows next is seen only once this is committed", () => {
    // No training run has a rank of -1.
    const enqueue = [{ rank: -1 }, { rank: 4 }]
    const decided = decisions(situationOf(stateOf(submitted("s", { enqueue })), rosterOf({ a: [1, 1] })))
    expect(decided.map(({ facts }) => facts.map(({ _tag }) => _tag))).toEqual([["TrialCreated", "TrialFailed"]])
  })

  it("changes nothing: asked again it decides the same, and the caller may take as many as it likes", () => {
    const state = stateOf(submitted("s"), created("s", 1), assigned("s", 1, 1, "b"), released("s", 1, 1))
    const before = JSON.stringify(observed(state))
    const situation = situationOf(state, rosterOf({ a: [1, 1], b: [1, 1] }))
    const first = decisions(situation)
    expect(first).toHaveLength(4)
    for (const one of decideDispatch(situation)) {
      expect(one).toEqual(first[0])
      break
    }
    expect(decisions(situation)).toEqual(first)
    expect(JSON.stringify(observed(state))).toBe(before)
  })
})

/** Everything that a decision can read. */
const observed = (state: StateView) => ({
  sweeps: Array.from(state.sweeps.values(), (sweep: SweepState) => ({
    ...sweep,
    trials: Array.from(sweep.trials),
    size: sweep.trials.size,
    open: Array.from(state.open(sweep.id)),
    sets: state.sets(sweep.id),
    enqueued: Array.from(state.enqueued(sweep.id)),
    alike: Array.from(sweep.trials.values(), (trial) => alike(state, sweep, trial)),
    agents: Array.from(sweep.trials.values(), (trial) => state.lastAgent(trial) ?? null),
  })),
  attempts: Array.from(attempts(state)),
  lastEpoch: state.lastEpoch,
})

describe("an overlay", () => {
  const categorical = (name: string, ...values: readonly [number, ...ReadonlyArray<number>]) => ({
    name,
    distribution: { _tag: "Categorical" as const, values, probabilities: null },
    when: null,
    prior: null,
  })
  const space = {
    dimensions: [categorical("rank", 4, 8), categorical("epochs", 1, 2, 3)],
    derived: [],
    constraints: [],
  }
  const run = (rank: number, epochs: number) => ({ rank, epochs, schedule: "constant", warmup_ratio: 0 })
  const committed: ReadonlyArray<Fact> = [
    submitted("one", { space, replicas: 2 }),
    submitted("two", { space }),
    created("one", 1, run(4, 1)),
    assigned("one", 1, 1, "a"),
    created("two", 1, run(8, 1)),
  ]
  const assumed: ReadonlyArray<Assumable> = [
    created("one", 2, run(4, 2), { _tag: "Enqueued" }),
    assigned("one", 2, 2, "b"),
    created("one", 3, run(4, 3), { _tag: "Enqueued" }),
    assigned("two", 1, 3, "b"),
    created("two", 2, run(8, 2)),
  ]

  it("answers as the state will once the facts are committed, and leaves the state as it is", () => {
    const below = stateOf(...committed)
    const overlay = new Overlay(below)
    const before = JSON.stringify(observed(below))
    assumed.forEach((fact, index) => {
      overlay.assume(fact)
      expect(observed(overlay)).toEqual(observed(stateOf(...committed, ...assumed.slice(0, index + 1))))
    })
    expect(JSON.stringify(observed(below))).toBe(before)
  })

  it("never has a version that another state had", () => {
    const below = stateOf(...committed)
    const one = SweepId.make("one")
    const versions = [below.version(one)]
    for (let n = 0; n < 2; n++) {
      const overlay = new Overlay(below)
      for (const fact of assumed) {
        overlay.assume(fact)
        if (fact.sweep === one) versions.push(overlay.version(one))
      }
    }
    for (const fact of assumed) {
      below.apply(fact)
      if (fact.sweep === one) versions.push(below.version(one))
    }
    expect(new Set(versions).size).toBe(versions.length)
  })
})
