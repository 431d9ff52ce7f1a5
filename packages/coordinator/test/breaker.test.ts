// A host that fails everything: it loses its trials to others at no cost to them, and gets no more for a while.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { AttemptEnd } from "@sweep/protocol/AgentMessage"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventually, type ScriptedAgent, slotsOf } from "@sweep/protocol/ScriptedAgent"
import { inMemory, trialIs, trialOf } from "./harness.ts"

const failure = (of: "bug" | "dependency" | "oom"): AttemptEnd => ({
  _tag: "Failed",
  class: of,
  message: said("CUDA driver is gone."),
  detail: null,
})

/** As many different trials as are asked for. */
const trialsOf = (count: number) =>
  Effect.flatMap(SweepApi, (api) => {
    const { space } = exampleSpec()
    const rates = Array.from({ length: count - 1 }, (_, n) => (n + 2) * 1e-5)
    const values: [number, ...Array<number>] = [1e-5, ...rates]
    const distribution = { _tag: "Categorical", values, probabilities: null } as const
    const learningRate = { name: "learning_rate", distribution, when: null, prior: null }
    return api.submit(
      exampleSpec({
        space: { ...space, dimensions: [learningRate] },
        budget: { trials: count, gpuHours: null, hours: null },
      }),
    )
  })

const fail = (agent: ScriptedAgent, of: "bug" | "dependency" | "oom") =>
  Effect.gen(function* () {
    const assigned = yield* agent.next("Assign")
    yield* agent.ended(assigned.epoch, 0, failure(of))
    yield* agent.confirmed(assigned.epoch)
    return assigned
  })

const complete = (agent: ScriptedAgent) =>
  Effect.gen(function* () {
    const assigned = yield* agent.next("Assign")
    yield* agent.complete(assigned.epoch, evalLosses(1))
    return assigned
  })

const stateOf = (id: string) =>
  Effect.map(
    Effect.flatMap(SweepApi, (api) => api.status),
    ({ agents }) => agents.find(({ agent }) => agent === id)?.state,
  )

describe("a host that fails everything", () => {
  it.effect("is quarantined after three, and every trial it failed completes elsewhere", () =>
    Effect.gen(function* () {
      const sweep = yield* trialsOf(4)
      const good = yield* connectAgent({ id: "good", hostname: "good" })
      const first = yield* good.next("Assign")
      const bad = yield* connectAgent({ id: "bad", hostname: "bad" })
      // A missing package would be final: here it is the host that lacks it.
      const failed = [yield* fail(bad, "dependency"), yield* fail(bad, "bug"), yield* fail(bad, "dependency")]
      expect(new Set(failed.map(({ trial }) => trial)).size).toBe(3)
      expect(yield* stateOf("bad")).toBe("quarantined")

      yield* good.complete(first.epoch, evalLosses(1))
      for (let n = 0; n < 3; n++) yield* complete(good)
      for (const { trial } of failed) expect((yield* trialIs(sweep, trial, "completed")).attempt).toBe(2)
      expect(bad.waiting("Assign")).toBe(0)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gets work again after a while, less often each time it fails on, and at once when it trains", () =>
    Effect.gen(function* () {
      yield* trialsOf(40)
      const good = yield* connectAgent({ id: "good", hostname: "good" })
      yield* good.next("Assign")
      const bad = yield* connectAgent({ id: "bad", hostname: "bad" })
      const heartbeats = Effect.forever(
        Effect.andThen(
          Effect.all([good.send({ _tag: "Heartbeat", at: 0 }), bad.send({ _tag: "Heartbeat", at: 0 })]),
          Effect.sleep("10 seconds"),
        ),
      )
      yield* Effect.forkScoped(heartbeats)
      for (let n = 0; n < 3; n++) yield* fail(bad, "bug")
      yield* TestClock.adjust("4 minutes")
      expect([yield* stateOf("bad"), bad.waiting("Assign")]).toEqual(["quarantined", 0])
      yield* TestClock.adjust("3 minutes")
      yield* fail(bad, "bug")
      expect(yield* stateOf("bad")).toBe("quarantined")
      yield* TestClock.adjust("9 minutes")
      expect(yield* stateOf("bad")).toBe("quarantined")
      yield* TestClock.adjust("3 minutes")
      yield* complete(bad)
      yield* complete(bad)
      expect(yield* stateOf("bad")).toBe("connected")
    }).pipe(Effect.scoped, Effect.provide(inMemory())),
  )

  it.effect("is not told from a sweep that cannot work when there is no other host: its trials fail", () =>
    Effect.gen(function* () {
      const sweep = yield* trialsOf(4)
      const agent = yield* connectAgent()
      for (let n = 1; n <= 4; n++) {
        yield* fail(agent, "dependency")
        yield* trialIs(sweep, n, "failed")
      }
      expect(yield* stateOf("agent")).toBe("connected")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("nor when all of them fail it: a trial that no host can run fails, after at most two more tries", () =>
    Effect.gen(function* () {
      const sweep = yield* trialsOf(1)
      const agents: Array<ScriptedAgent> = []
      for (const id of ["a", "b", "c"]) agents.push(yield* connectAgent({ id, hostname: id }))
      const assigned = eventually(
        "somebody is asked",
        Effect.sync(() => agents.find((agent) => agent.waiting("Assign") > 0)),
      )
      const asked: Array<string> = []
      for (let n = 0; n < 3; n++) {
        const agent = yield* assigned
        asked.push(agent.id)
        yield* fail(agent, "dependency")
        // It rests a little longer each time.
        yield* TestClock.adjust("5 seconds")
      }
      // Each time somewhere else.
      expect(asked.sort()).toEqual(["a", "b", "c"])
      yield* trialIs(sweep, 1, "failed")
      expect(yield* trialOf(sweep, 1)).toMatchObject({ attempt: 3, failure: { class: "dependency" } })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("nor when there are two and both fail it: it is tried once more and fails", () =>
    Effect.gen(function* () {
      const sweep = yield* trialsOf(1)
      const agents: Array<ScriptedAgent> = []
      for (const id of ["a", "b"]) agents.push(yield* connectAgent({ id, hostname: id }))
      for (let n = 0; n < 3; n++) {
        const agent = yield* eventually(
          "somebody is asked",
          Effect.sync(() => agents.find((one) => one.waiting("Assign") > 0)),
        )
        yield* fail(agent, "dependency")
        yield* TestClock.adjust("5 seconds")
      }
      expect(yield* trialIs(sweep, 1, "failed")).toMatchObject({ attempt: 3 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("nor from a sweep that fails alike on two hosts: neither is quarantined", () =>
    Effect.gen(function* () {
      yield* trialsOf(12)
      const agents: Array<ScriptedAgent> = []
      for (const id of ["a", "b"]) agents.push(yield* connectAgent({ id, hostname: id }))
      // The first host fails three in a row before the second one fails any.
      for (let n = 0; n < 3; n++) yield* fail(agents[0]!, "dependency")
      expect(yield* stateOf("a")).toBe("quarantined")
      for (let n = 0; n < 4; n++) {
        yield* fail(agents[1]!, "dependency")
        expect([yield* stateOf("a"), yield* stateOf("b")]).toEqual(["connected", "connected"])
      }
      for (let n = 0; n < 3; n++) yield* fail(agents[0]!, "dependency")
      expect([yield* stateOf("a"), yield* stateOf("b")]).toEqual(["connected", "connected"])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("nor when the other host is too small for the trial", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(
        exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null }, resources: { gpus: 2 } }),
      )
      yield* connectAgent({ id: "small", hostname: "small" })
      const large = yield* connectAgent({ id: "large", hostname: "large", slots: slotsOf(1, 2) })
      yield* fail(large, "dependency")
      yield* trialIs(sweep, 1, "failed")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("that runs out of memory does train", () =>
    Effect.gen(function* () {
      const sweep = yield* trialsOf(8)
      const good = yield* connectAgent({ id: "good", hostname: "good" })
      yield* good.next("Assign")
      const small = yield* connectAgent({ id: "small", hostname: "small" })
      for (let n = 0; n < 4; n++) {
        const { trial } = yield* fail(small, "oom")
        yield* trialIs(sweep, trial, "infeasible")
      }
      expect(yield* stateOf("small")).toBe("connected")
    }).pipe(Effect.provide(inMemory())),
  )
})
