// Trials that differ in their epochs alone: the longer one waits for the shorter one, and follows it to its host.
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type AgentId, TrialNumber } from "@sweep/domain/Id"
import type { ParameterValue } from "@sweep/domain/Parameter"
import type { Dimension } from "@sweep/domain/SearchSpace"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layer as duckdb } from "@sweep/store/DuckdbStore"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventually, type ScriptedAgent, slotsOf } from "@sweep/protocol/ScriptedAgent"
import { homeOf, isToCome, mostWaiting, waitsFor } from "../src/scheduling/prefixes.ts"
import { coordinator, inMemory, overGrpc, sweepIs, trialIs } from "./harness.ts"

const trial = (epochs: number, state: Trial["state"], agent: string | null = null) =>
  ({ number: epochs, parameters: { epochs }, state, agent: agent as AgentId | null }) as unknown as Trial

describe("which trial a longer one waits for", () => {
  const run = { parameters: { epochs: 2 } }

  it("is a shorter one that is under way, and no other", () => {
    for (const state of ["pending", "assigned", "running"] as const) {
      expect(waitsFor(run, [trial(1, state)])?.number).toBe(1)
      expect(waitsFor(run, [trial(3, state), trial(2, state)])).toBeUndefined()
    }
    for (const state of ["paused", "completed", "stopped", "failed", "cancelled"] as const) {
      expect(waitsFor(run, [trial(1, state)])).toBeUndefined()
    }
  })

  it("may still be to be made", () => {
    const longest = { parameters: { epochs: 3 } }
    const planned = new Set([1, 2, 3, 4])
    expect(isToCome(longest, [trial(3, "pending"), trial(2, "pending")], planned)).toBe(true)
    expect(isToCome(longest, [trial(3, "pending"), trial(2, "pending"), trial(1, "failed")], planned)).toBe(false)
    expect(isToCome({ parameters: { epochs: 1 } }, [], planned)).toBe(false)
    expect(isToCome(longest, [], new Set())).toBe(false)
  })

  it("leaves its state on the agent of the longest one that ended", () => {
    const longest = { parameters: { epochs: 4 } }
    expect(
      homeOf(longest, [trial(2, "completed", "two"), trial(3, "failed", "three"), trial(1, "completed", "one")]),
    ).toBe("two")
    expect(homeOf(run, [trial(3, "completed", "three"), trial(1, "running", "one")])).toBeNull()
  })
})

const values = (
  name: string,
  ...of: readonly [ParameterValue, ...ReadonlyArray<ParameterValue>]
): typeof Dimension.Encoded => ({
  name,
  distribution: { _tag: "Categorical", values: of, probabilities: null },
  when: null,
  prior: null,
})

type Spec = NonNullable<Parameters<typeof exampleSpec>[0]>

const gridOf = (dimensions: ReadonlyArray<typeof Dimension.Encoded>, change: Spec = {}) =>
  exampleSpec({
    space: {
      dimensions: [values("schedule", "constant"), values("warmup_ratio", 0), ...dimensions],
      derived: [],
      constraints: [],
    },
    ...change,
  })

const epochs = values("epochs", 1, 2, 3)

const assigned = (agent: ScriptedAgent) => Effect.map(agent.next("Assign"), ({ trial: number }) => Number(number))

describe("a sweep over epochs", () => {
  it.effect("starts other trials first, and the longer ones one after the other", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(gridOf([values("rank", 4, 8), epochs]))
      const agent = yield* connectAgent({ slots: slotsOf(3) })
      const one = yield* agent.next("Assign")
      const four = yield* agent.next("Assign")
      expect([one.trial, four.trial]).toEqual([1, 4])
      expect(JSON.parse(one.trialJson)).toMatchObject({ share_prefix: true, leave_prefix: true })
      yield* trialIs(sweep, 6, "pending")
      expect(agent.waiting("Assign")).toBe(0)
      yield* agent.complete(four.epoch, evalLosses(1))
      const five = yield* agent.next("Assign")
      expect(five.trial).toBe(5)
      yield* agent.complete(one.epoch, evalLosses(1))
      const two = yield* agent.next("Assign")
      expect(two.trial).toBe(2)
      for (const { epoch } of [two, five]) yield* agent.complete(epoch, evalLosses(1))
      for (let left = 0; left < 2; left++) {
        const longest = yield* agent.next("Assign")
        expect(JSON.parse(longest.trialJson)).toMatchObject({ share_prefix: true, leave_prefix: false })
        yield* agent.complete(longest.epoch, evalLosses(1))
      }
      const { trials } = yield* sweepIs(sweep, "finished")
      expect(Array.from(trials.values()).every(({ state, attempt }) => state === "completed" && attempt === 1)).toBe(
        true,
      )
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("lets go of what waits when the shorter one fails or is paused", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(gridOf([epochs]))
      const agent = yield* connectAgent({ slots: slotsOf(2) })
      const one = yield* agent.next("Assign")
      yield* trialIs(sweep, 3, "pending")
      yield* agent.ended(one.epoch, 0, { _tag: "Failed", class: "oom", message: said("needs 12 GiB"), detail: null })
      const two = yield* agent.next("Assign")
      expect(two.trial).toBe(2)
      yield* api.control(sweep, TrialNumber.make(2), "pause", { _tag: "ByHand" })
      expect((yield* agent.next("Assign")).trial).toBe(3)
    }).pipe(Effect.provide(inMemory())),
  )

  /** All trials of the sweep by one slot, in the order in which they begin. */
  const orderOf = (spec: ReturnType<typeof gridOf>) =>
    Effect.gen(function* () {
      const sweep = yield* (yield* SweepApi).submit(spec)
      const agent = yield* connectAgent()
      const order: Array<number> = []
      while (true) {
        const next = yield* Effect.raceFirst(
          agent.next("Assign"),
          Effect.as(
            eventually(
              "it is over",
              Effect.map((yield* SweepApi).get(sweep), ({ status }) => status === "finished"),
            ),
            undefined,
          ),
        )
        if (next === undefined) return { sweep: yield* (yield* SweepApi).get(sweep), order }
        order.push(next.trial)
        yield* agent.complete(next.epoch, evalLosses(1))
        yield* agent.confirmed(next.epoch)
      }
    }).pipe(Effect.scoped)
  const epochsOf = ({ trials }: SweepState) => Array.from(trials.values(), ({ parameters }) => parameters["epochs"])

  it.effect("starts the shorter one first, whatever the order in the file; a trial keeps its number", () =>
    Effect.gen(function* () {
      const falling = values("epochs", 3, 1, 2)
      const last = yield* orderOf(gridOf([values("rank", 4, 8), falling]))
      expect(epochsOf(last.sweep)).toEqual([3, 1, 2, 3, 1, 2])
      expect(last.order).toEqual([2, 3, 1, 5, 6, 4])
      const first = yield* orderOf(gridOf([falling, values("rank", 4, 8)]))
      expect(epochsOf(first.sweep)).toEqual([3, 3, 1, 1, 2, 2])
      expect(first.order).toEqual([3, 4, 5, 1, 6, 2])
      // Enqueued ones, replicas and other methods that can be foreseen, too.
      const budget = { trials: 6, gpuHours: null, hours: null }
      const constant = { schedule: "constant", warmup_ratio: 0 }
      const enqueue = [3, 2, 1].map((n) => ({ ...constant, rank: 4, epochs: n }))
      const given = yield* orderOf(
        gridOf([values("rank", 4), epochs], { method: "random", enqueue, budget, replicas: 2, seed: 1 }),
      )
      expect(epochsOf(given.sweep)).toEqual([3, 3, 2, 2, 1, 1])
      expect(given.order).toEqual([5, 3, 1, 6, 4, 2])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not wait for a shorter one that will not be made", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const falling = gridOf([values("epochs", 3, 2, 1)], { budget: { trials: 2, gpuHours: null, hours: null } })
      expect((yield* orderOf(falling)).order).toEqual([2, 1])
      // A method that learns may not come to it.
      const learning = yield* orderOf(
        gridOf([values("epochs", 3, 2, 1)], {
          method: "tpe",
          enqueue: [{ schedule: "constant", warmup_ratio: 0, epochs: 3 }],
          budget: { trials: 1, gpuHours: null, hours: null },
        }),
      )
      expect(learning.order).toEqual([1])
      // Nor a sweep that is used up before it is its turn: what waited for it is no more begun than that.
      const metric = { name: "eval/loss", goal: "minimize", summary: "best", target: 1.5 } as const
      const sweep = yield* api.submit(gridOf([values("epochs", 3, 2), values("rank", 4, 8)], { metric }))
      const agent = yield* connectAgent()
      const { trial: number, epoch } = yield* agent.next("Assign")
      expect(number).toBe(3)
      yield* agent.complete(epoch, evalLosses(1))
      const { trials } = yield* sweepIs(sweep, "finished")
      expect(Array.from(trials.values(), ({ state }) => state)).toEqual(["cancelled", "cancelled", "completed"])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not keep a clone waiting for what is still to come", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(gridOf([values("rank", 4, 8), values("epochs", 3, 2, 1)]))
      const agent = yield* connectAgent()
      let next = yield* agent.next("Assign")
      expect(yield* api.clone(sweep, TrialNumber.make(1), { rank: 8 })).toEqual([4])
      const order = [Number(next.trial)]
      for (let left = 0; left < 5; left++) {
        yield* agent.complete(next.epoch, evalLosses(1))
        next = yield* agent.next("Assign")
        order.push(next.trial)
      }
      expect(order).toEqual([3, 2, 1, 4, 6, 5])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("waits for nothing where runs do not share a prefix", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const cosine = exampleSpec({ space: { dimensions: [epochs], derived: [], constraints: [] } })
      const grids = [cosine, gridOf([values("variant", "adalora"), epochs]), gridOf([values("max_steps", 10), epochs])]
      for (const [i, spec] of grids.entries()) {
        yield* api.submit(spec)
        const agent = yield* connectAgent({ id: `agent-${i}`, slots: slotsOf(3) })
        expect([yield* assigned(agent), yield* assigned(agent), yield* assigned(agent)]).toEqual([1, 2, 3])
      }
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("keeps a bounded number of trials waiting, and no slot for them", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const most = mostWaiting.learning
      const ranks = Array.from({ length: most }, (_, i) => i + 1)
      const constant = { schedule: "constant", warmup_ratio: 0 }
      const enqueue = ranks.flatMap((rank) => [1, 2, 3].map((n) => ({ ...constant, rank, epochs: n })))
      const sweep = yield* api.submit(
        gridOf([values("rank", 1, ...ranks.slice(1)), epochs], { method: "tpe", enqueue }),
      )
      const agent = yield* connectAgent({ slots: slotsOf(20) })
      const numbers: Array<number> = []
      for (let slot = 0; slot < 20; slot++) numbers.push(yield* assigned(agent))
      // 16 ranks with two waiting each: then the longer ones begin as well.
      expect(numbers.slice(0, 16)).toEqual(ranks.slice(0, 16).map((_, i) => 3 * i + 1))
      const { trials } = yield* api.get(sweep)
      expect(Array.from(trials.values()).filter(({ state }) => state === "pending")).toHaveLength(most)
    }).pipe(Effect.provide(inMemory())),
  )

  const twoBoxes = Effect.gen(function* () {
    const sweep = yield* (yield* SweepApi).submit(gridOf([values("rank", 4, 8), values("epochs", 1, 2)]))
    const one = yield* connectAgent({ id: "one", slots: slotsOf(2) })
    const first = yield* one.next("Assign")
    const third = yield* one.next("Assign")
    expect([first.trial, third.trial]).toEqual([1, 3])
    return { sweep, one, first, third }
  })

  it.effect("goes back to the shorter one's host, whichever has room", () =>
    Effect.gen(function* () {
      const { sweep, one, first } = yield* twoBoxes
      const two = yield* connectAgent({ id: "two" })
      yield* trialIs(sweep, 4, "pending")
      yield* one.complete(first.epoch, evalLosses(1))
      expect((yield* one.next("Assign")).trial).toBe(2)
      expect(two.waiting("Assign")).toBe(0)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("begins again elsewhere rather than not at all", () =>
    Effect.gen(function* () {
      const { one, first, third } = yield* twoBoxes
      // Its home is busy with another sweep's trial, and nothing else is left to run here.
      yield* (yield* SweepApi).submit(
        exampleSpec({ name: "other", budget: { trials: 1, gpuHours: null, hours: null } }),
      )
      yield* one.complete(first.epoch, evalLosses(1))
      expect((yield* one.next("Assign")).sweep).toBe("other")
      yield* one.send({ _tag: "Slots", slots: slotsOf(1), draining: false })
      yield* one.complete(third.epoch, evalLosses(1))
      const two = yield* connectAgent({ id: "two", slots: slotsOf(2) })
      expect([yield* assigned(two), yield* assigned(two)]).toEqual([2, 4])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not look to a host that takes no more work", () =>
    Effect.gen(function* () {
      const { sweep, one, first } = yield* twoBoxes
      const two = yield* connectAgent({ id: "two" })
      yield* trialIs(sweep, 4, "pending")
      yield* one.send({ _tag: "Slots", slots: slotsOf(2), draining: true })
      yield* one.complete(first.epoch, evalLosses(1))
      expect((yield* two.next("Assign")).trial).toBe(2)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("begins nothing that waited once the budget is used", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const metric = { name: "eval/loss", goal: "minimize", summary: "best", target: 1.5 } as const
      const sweep = yield* api.submit(gridOf([epochs], { metric }))
      const agent = yield* connectAgent({ slots: slotsOf(2) })
      const one = yield* agent.next("Assign")
      yield* trialIs(sweep, 3, "pending")
      yield* agent.complete(one.epoch, evalLosses(1))
      const { trials, reason } = yield* sweepIs(sweep, "finished")
      expect(Array.from(trials.values(), ({ state }) => state)).toEqual(["completed", "cancelled", "cancelled"])
      expect(reason).toMatchObject({ _tag: "TargetReached", trial: 1 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.live("keeps its order over a restart", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "sweep-prefixes-"))
      const on = overGrpc(coordinator().pipe(Layer.provide(duckdb({ directory }))))
      const before = yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(gridOf([epochs]))
        const agent = yield* connectAgent({ slots: slotsOf(2) })
        const { epoch } = yield* agent.next("Assign")
        yield* trialIs(sweep, 3, "pending")
        return { sweep, epoch }
      }).pipe(Effect.scoped, Effect.provide(on))
      yield* Effect.gen(function* () {
        const { sweep, epoch } = before
        const agent = yield* connectAgent({ slots: slotsOf(2), held: [{ epoch, slot: 0, running: true }] })
        yield* eventually(
          "the agent is connected",
          Effect.map((yield* SweepApi).status, ({ agents }) => agents.find(({ state }) => state === "connected")),
        )
        expect(agent.waiting("Assign")).toBe(0)
        let current = epoch
        for (const number of [2, 3]) {
          yield* agent.complete(current, evalLosses(1))
          const next = yield* agent.next("Assign")
          expect(next.trial).toBe(number)
          current = next.epoch
        }
        yield* agent.complete(current, evalLosses(1))
        yield* sweepIs(sweep, "finished")
      }).pipe(Effect.scoped, Effect.provide(on))
    }),
  )
})
