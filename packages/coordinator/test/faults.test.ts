// What can go wrong between agent and coordinator, with an agent whose every message is written down here.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { defaultTimings, redispatchAfter, Timings } from "@sweep/domain/Lease"
import { Coordinator } from "../src/Coordinator.ts"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layerMemory, Store, StoreError } from "@sweep/store/Store"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventsMessage, eventually, finished, slotsOf } from "@sweep/protocol/ScriptedAgent"
import { oldestProtocol, protocolVersion } from "@sweep/protocol/versions"
import { agentInScope, coordinator, inMemory, trialIs, trialOf } from "./harness.ts"

const oneTrial = exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } })
const submitOne = Effect.flatMap(SweepApi, (api) => api.submit(oneTrial))

const curve = (sweep: Effect.Success<typeof submitOne>) =>
  Effect.gen(function* () {
    const { curves } = yield* (yield* SweepApi).results(sweep, { maxPoints: 100 })
    return curves.map(({ points }) => points.map(({ value }) => value)).flat()
  })

describe("two agents of one name on two hosts", () => {
  it.effect("the second gets nothing of the first before its lease, grace and margin are over", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const { agent: first, cut } = yield* agentInScope({ host: "one", hostname: "host" })
      const { epoch } = yield* first.next("Assign")
      yield* first.report(epoch, evalLosses(3))
      yield* first.acknowledged(epoch, 1)
      yield* cut
      yield* TestClock.adjust(defaultTimings.suspect + 1_000)
      // The same host name, as containers have, is no proof.
      const second = yield* connectAgent({ host: "two", hostname: "host" })
      expect(yield* second.over).toMatchObject({
        _tag: "SessionBroken",
        message: expect.stringContaining("may still run on another host"),
      })
      expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "running", epoch })
      yield* TestClock.adjust(redispatchAfter(defaultTimings))
      const third = yield* connectAgent({ host: "two", hostname: "host" })
      expect((yield* third.next("Assign")).epoch).toBe(epoch + 1)
    }).pipe(Effect.scoped, Effect.provide(inMemory())),
  )

  it.effect("the first is back at once, in the same place", () =>
    Effect.gen(function* () {
      yield* submitOne
      const { agent: first, cut } = yield* agentInScope({ host: "one", hostname: "host" })
      const { epoch } = yield* first.next("Assign")
      yield* cut
      const back = yield* connectAgent({ host: "one", hostname: "host" })
      expect((yield* back.next("Assign")).epoch).toBe(epoch + 1)
    }).pipe(Effect.scoped, Effect.provide(inMemory())),
  )

  it.effect("one that says that it takes no more and goes is gone, and the journal says so", () =>
    Effect.gen(function* () {
      const { agent, cut } = yield* agentInScope({ id: "leaver" })
      yield* agent.next("Welcome")
      yield* agent.send({ _tag: "Slots", slots: slotsOf(1), draining: true })
      const api = yield* SweepApi
      yield* eventually(
        "it drains",
        Effect.map(api.status, ({ agents }) => agents[0]?.state === "draining"),
      )
      yield* cut
      yield* eventually(
        "it is gone",
        Effect.map(api.status, ({ agents }) => agents.length === 0),
      )
      const store = yield* Store
      yield* eventually(
        "a fact says so",
        Effect.map(store.facts, (facts) => facts.at(-1)?._tag === "AgentLeft"),
      )
    }).pipe(Effect.scoped, Effect.provide(inMemory())),
  )
})

describe("messages lost, repeated and out of order", () => {
  it.effect("takes a batch once that comes twice, and one that overlaps", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      const lines = evalLosses(5, 4, 3, 2)
      yield* agent.report(epoch, lines.slice(0, 2))
      yield* agent.report(epoch, lines.slice(0, 2))
      yield* agent.report(epoch, lines.slice(1, 4), 2)
      yield* agent.acknowledged(epoch, 4)
      expect(yield* curve(sweep)).toEqual([5, 4, 3, 2])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("breaks a session that leaves lines out, and resumes from the last one it has", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      const lines = evalLosses(5, 4, 3)
      yield* agent.report(epoch, lines.slice(0, 1))
      yield* agent.report(epoch, lines.slice(2, 3), 3)
      expect(yield* agent.over).toMatchObject({
        _tag: "SessionBroken",
        message: expect.stringMatching(/did not arrive/),
      })
      const again = yield* connectAgent({ held: [{ epoch, slot: 0, running: true }] })
      const welcome = yield* again.next("Welcome")
      expect(welcome).toMatchObject({ acknowledged: [{ epoch, seq: 1 }], discard: [] })
      yield* again.report(epoch, lines.slice(1), 2)
      yield* again.ended(epoch, 3, finished())
      expect((yield* trialIs(sweep, 1, "completed")).attempt).toBe(1)
      expect(yield* curve(sweep)).toEqual([5, 4, 3])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not take an end whose lines are missing", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* agent.report(epoch, evalLosses(5))
      yield* agent.ended(epoch, 2, finished())
      expect(yield* agent.over).toMatchObject({ _tag: "SessionBroken" })
      expect((yield* trialOf(sweep, 1))?.state).toBe("running")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("confirms an end again whose confirmation was lost, and records it once", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const { agent, cut } = yield* agentInScope()
      const { epoch } = yield* agent.next("Assign")
      yield* agent.complete(epoch, evalLosses(2))
      yield* trialIs(sweep, 1, "completed")
      yield* cut
      const again = yield* connectAgent({ held: [{ epoch, slot: 0, running: false }] })
      expect((yield* again.next("Welcome")).discard).toEqual([])
      yield* again.confirmed(epoch)
      // Said once more all the same, and with another result.
      yield* again.ended(epoch, 1, { _tag: "Failed", class: "bug", message: said(""), detail: null })
      yield* again.send({ _tag: "Heartbeat", at: 0 })
      const facts = yield* (yield* Store).facts
      expect(facts.filter(({ _tag }) => _tag === "TrialCompleted" || _tag === "TrialFailed")).toHaveLength(1)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("dispatches an assignment again that never arrived, and hears no more of the first", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const lost = yield* agentInScope()
      const { epoch } = yield* lost.agent.next("Assign")
      yield* lost.cut
      const agent = yield* connectAgent()
      const again = yield* agent.next("Assign")
      expect(again).toMatchObject({ trial: 1, attempt: 2 })
      yield* agent.report(epoch, evalLosses(0.1))
      expect(yield* agent.next("Stop")).toMatchObject({ epoch, mode: "kill" })
      yield* agent.ended(epoch, 1, finished())
      yield* agent.confirmed(epoch)
      yield* agent.complete(again.epoch, evalLosses(3))
      expect((yield* trialIs(sweep, 1, "completed")).objective).toBe(3)
      expect(yield* curve(sweep)).toEqual([3])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("takes the newest of two sessions of one agent, and refuses the same name from elsewhere", () =>
    Effect.gen(function* () {
      const first = yield* connectAgent()
      const second = yield* connectAgent()
      expect(yield* first.over).toMatchObject({
        _tag: "SessionBroken",
        message: expect.stringMatching(/newer session.*another --id/),
      })
      const other = yield* connectAgent({ hostname: "another-host" })
      expect(yield* other.over).toMatchObject({
        _tag: "SessionRefused",
        message: expect.stringMatching(/another name/),
      })
      yield* second.send({ _tag: "Heartbeat", at: 0 })
      expect((yield* (yield* SweepApi).status).agents).toHaveLength(1)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("refuses an agent of another protocol version and says which side to upgrade", () =>
    Effect.gen(function* () {
      const old = yield* connectAgent({ protocol: oldestProtocol - 1 })
      expect(yield* old.over).toMatchObject({
        _tag: "SessionRefused",
        message: expect.stringMatching(/version 0 of the protocol, the coordinator 1 to \d+: upgrade the agent/),
      })
      const oldest = yield* connectAgent({ protocol: oldestProtocol })
      expect(yield* oldest.next("Welcome")).toMatchObject({ protocol: protocolVersion })
      const young = yield* connectAgent({ protocol: protocolVersion + 1 })
      expect(yield* young.over).toMatchObject({
        _tag: "SessionRefused",
        message: expect.stringMatching(/upgrade the coordinator/),
      })
      const rude = yield* connectAgent({ silent: true })
      yield* rude.send({ _tag: "Heartbeat", at: 0 })
      expect(yield* rude.over).toMatchObject({
        _tag: "SessionRefused",
        message: expect.stringMatching(/begins with Hello/),
      })
    }).pipe(Effect.provide(inMemory())),
  )
})

describe("moments that coincide", () => {
  it.effect("acknowledges and confirms after the commit and not before", () => {
    const gate = Latch.makeUnsafe(true)
    const reached = Latch.makeUnsafe(false)
    const slow = Layer.effect(
      Store,
      Effect.map(Store, (store) => ({
        ...store,
        ingest: (batches, logs) =>
          reached.open.pipe(Effect.andThen(gate.await), Effect.andThen(store.ingest(batches, logs))),
      })),
    ).pipe(Layer.provide(layerMemory))
    return Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      gate.closeUnsafe()
      yield* agent.complete(epoch, evalLosses(2))
      yield* reached.await
      // More than enough for a message between two queues.
      yield* Effect.promise(() => new Promise((done) => setTimeout(done, 100)))
      expect(agent.waiting("Ack")).toBe(0)
      expect((yield* trialOf(sweep, 1))?.state).toBe("assigned")
      gate.openUnsafe()
      yield* agent.confirmed(epoch)
      expect(agent.mark(epoch)?.seq).toBe(1)
    }).pipe(Effect.ensuring(gate.open), Effect.provide(coordinator().pipe(Layer.provideMerge(slow))))
  })

  it.effect("sends an assignment to the session that began while it was being committed", () => {
    const gate = Latch.makeUnsafe(true)
    const reached = Latch.makeUnsafe(false)
    const slow = Layer.effect(
      Store,
      Effect.map(Store, (store) => ({
        ...store,
        append: (facts) =>
          facts.some(({ _tag }) => _tag === "TrialAssigned")
            ? reached.open.pipe(Effect.andThen(gate.await), Effect.andThen(store.append(facts)))
            : store.append(facts),
      })),
    ).pipe(Layer.provide(layerMemory))
    return Effect.gen(function* () {
      const before = yield* connectAgent()
      yield* before.next("Welcome")
      gate.closeUnsafe()
      yield* submitOne
      yield* reached.await
      const after = yield* connectAgent()
      yield* after.next("Welcome")
      gate.openUnsafe()
      expect(yield* after.next("Assign")).toMatchObject({ trial: 1, attempt: 1 })
    }).pipe(Effect.provide(coordinator().pipe(Layer.provideMerge(slow))))
  })

  it.effect("lets the first end of a trial win, and confirms the other", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* agent.ended(epoch, 0, { _tag: "Failed", class: "oom", message: said("first"), detail: null })
      yield* agent.complete(epoch, evalLosses(1))
      yield* agent.confirmed(epoch)
      expect((yield* trialIs(sweep, 1, "infeasible")).failure?.message).toEqual(said("first"))
    }).pipe(Effect.provide(inMemory())),
  )
})

describe("agents that go away", () => {
  it.live("does not take its own standstill for the agents' silence", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* agent.report(epoch, evalLosses(2))
      yield* trialIs(sweep, 1, "running")
      yield* Effect.sleep("100 millis")
      // Longer than until an agent is given up.
      const until = performance.now() + 2_000
      while (performance.now() < until);
      yield* Effect.sleep("60 millis")
      expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "running", attempt: 1 })
      yield* eventually(
        "it is given up when it is silent for real",
        Effect.map(trialOf(sweep, 1), (trial) => trial?.state === "pending"),
      )
    }).pipe(
      Effect.provide(inMemory(new Timings({ heartbeat: 100, suspect: 300, lease: 1_000, grace: 250, margin: 250 }))),
    ),
  )

  it.effect(
    "keeps a trial where it is while the lease lasts, and dispatches it again after lease, grace and margin",
    () =>
      Effect.gen(function* () {
        const sweep = yield* submitOne
        const dying = yield* agentInScope({ id: "dying" })
        const { epoch } = yield* dying.agent.next("Assign")
        yield* dying.agent.report(epoch, evalLosses(9))
        yield* trialIs(sweep, 1, "running")
        yield* dying.cut
        const other = yield* connectAgent({ id: "other" })
        const alive = Effect.andThen(other.send({ _tag: "Heartbeat", at: 0 }), TestClock.adjust("10 seconds"))
        for (let t = 0; t < redispatchAfter(defaultTimings) - 10_000; t += 10_000) yield* alive
        expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "running", agent: "dying" })
        yield* alive
        yield* alive
        const again = yield* other.next("Assign")
        expect(again).toMatchObject({ trial: 1, attempt: 2 })
        yield* other.complete(again.epoch, evalLosses(3))
        expect(yield* trialIs(sweep, 1, "completed")).toMatchObject({ objective: 3, agent: "other" })

        // It was only stopped, and comes back with its result.
        const late = yield* connectAgent({ id: "dying", held: [{ epoch, slot: 0, running: true }] })
        expect((yield* late.next("Welcome")).discard).toEqual([epoch])
      }).pipe(Effect.provide(inMemory())),
  )

  it.effect("dispatches nothing again that comes back within the lease", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const before = yield* agentInScope()
      const { epoch } = yield* before.agent.next("Assign")
      yield* before.agent.report(epoch, evalLosses(9))
      yield* before.agent.acknowledged(epoch, 1)
      yield* before.cut
      yield* TestClock.adjust("14 minutes")
      const after = yield* connectAgent({ held: [{ epoch, slot: 0, running: true }] })
      expect(yield* after.next("Welcome")).toMatchObject({ acknowledged: [{ epoch, seq: 1 }], discard: [] })
      yield* after.report(epoch, evalLosses(9, 8).slice(1), 2)
      yield* after.ended(epoch, 2, finished())
      expect(yield* trialIs(sweep, 1, "completed")).toMatchObject({ attempt: 1, objective: 8 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives no new work to an agent that is silent, and gives it again when it speaks", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const agent = yield* connectAgent()
      yield* agent.next("Welcome")
      yield* TestClock.adjust("46 seconds")
      expect((yield* api.status).agents[0]?.state).toBe("suspect")
      const sweep = yield* submitOne
      yield* TestClock.adjust("2 minutes")
      expect((yield* api.get(sweep)).trials.size).toBe(0)
      yield* agent.send({ _tag: "Heartbeat", at: 0 })
      yield* agent.next("Assign")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("dispatches at once what a gone process had", () =>
    Effect.gen(function* () {
      yield* submitOne
      const dying = yield* connectAgent({ id: "dying" })
      yield* dying.next("Assign")
      const other = yield* connectAgent({ id: "other" })
      yield* (yield* Coordinator).agentGone(dying.id, said("its process was killed"))
      expect(yield* other.next("Assign")).toMatchObject({ trial: 1, attempt: 2 })
      expect(yield* dying.over).toMatchObject({ _tag: "SessionBroken" })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives a draining agent nothing new, and forgets it once it has left", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const { agent, cut } = yield* agentInScope()
      yield* agent.next("Welcome")
      yield* (yield* Coordinator).drain(said("maintenance"))
      expect(yield* agent.next("Drain")).toMatchObject({ reason: said("maintenance") })
      yield* agent.send({ _tag: "Slots", slots: [], draining: true })
      yield* submitOne
      yield* cut
      yield* eventually(
        "it is forgotten",
        Effect.map(api.status, ({ agents }) => agents.length === 0),
      )
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("waits longer and longer with a trial that no agent can start, and gives it up in the end", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      let attempts = 0
      const refuse = Effect.gen(function* () {
        const { epoch } = yield* agent.next("Assign")
        attempts++
        yield* agent.ended(epoch, 0, { _tag: "Released", cause: said("cannot start the trainer") })
      }).pipe(Effect.forever)
      yield* Effect.forkChild(refuse)
      yield* Effect.promise(() => new Promise((done) => setTimeout(done, 100)))
      expect(attempts).toBe(2)
      for (let i = 0; i < 60; i++) {
        yield* agent.send({ _tag: "Heartbeat", at: 0 })
        yield* TestClock.adjust("30 seconds")
        yield* Effect.promise(() => new Promise((done) => setTimeout(done, 2)))
      }
      const { failure } = yield* trialIs(sweep, 1, "failed")
      expect(failure?.message).toEqual({
        _tag: "GaveUp",
        attempts: 21,
        last: said("cannot start the trainer"),
      })
    }).pipe(Effect.provide(inMemory())),
  )
})

describe("stop, pause and resume", () => {
  const running = Effect.gen(function* () {
    const sweep = yield* submitOne
    const agent = yield* connectAgent()
    const { epoch } = yield* agent.next("Assign")
    yield* agent.report(epoch, evalLosses(5, 4))
    yield* trialIs(sweep, 1, "running")
    return { api: yield* SweepApi, sweep, agent, epoch }
  })
  const number = (yes: number) => yes as never

  it.effect("lets a stopped trial keep what it has", () =>
    Effect.gen(function* () {
      const { api, sweep, agent, epoch } = yield* running
      yield* api.control(sweep, number(1), "stop", { _tag: "ByHand" })
      expect(yield* agent.next("Stop")).toMatchObject({ epoch, mode: "finish", reason: { _tag: "ByHand" } })
      yield* agent.ended(epoch, 2, finished({ interrupted: true }))
      expect(yield* trialIs(sweep, 1, "stopped")).toMatchObject({ objective: 4, stopReason: { _tag: "ByHand" } })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("repeats a stop to an agent that was away, and ends the trial when it never comes back", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* submitOne
      const before = yield* agentInScope()
      const { epoch } = yield* before.agent.next("Assign")
      yield* before.agent.report(epoch, evalLosses(5, 4))
      yield* before.agent.acknowledged(epoch, 2)
      yield* before.cut
      yield* api.control(sweep, number(1), "stop", { _tag: "ByHand" })
      const after = yield* agentInScope({ held: [{ epoch, slot: 0, running: true }] })
      expect(yield* after.agent.next("Stop")).toMatchObject({ epoch, mode: "finish" })
      yield* after.cut
      yield* TestClock.adjust(redispatchAfter(defaultTimings) + 2_000)
      expect(yield* trialIs(sweep, 1, "stopped")).toMatchObject({ objective: 4 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("stops a sweep: nothing new, the open ones end, and watching ends with them", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec())
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* api.control(sweep, null, "stop", said("enough"))
      expect(yield* agent.next("Stop")).toMatchObject({ epoch, mode: "finish", reason: said("enough") })
      yield* agent.complete(epoch, evalLosses(1))
      const state = yield* Effect.andThen(trialIs(sweep, 1, "completed"), api.get(sweep))
      expect(state).toMatchObject({ status: "stopped", reason: said("enough") })
      expect(state.trials.size).toBe(1)
      for (const action of ["stop", "pause", "resume"] as const) {
        expect((yield* Effect.flip(api.control(sweep, null, action, said("")))).message).toMatch(/ended/)
      }
      expect((yield* Effect.flip(api.control(sweep, number(1), "stop", said("")))).message).toMatch(
        /example\/1 has already ended/,
      )
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("pauses a sweep by taking its trials back, and continues with them", () =>
    Effect.gen(function* () {
      const { api, sweep, agent, epoch } = yield* running
      yield* api.control(sweep, null, "pause", said("lunch"))
      expect(yield* agent.next("Stop")).toMatchObject({ epoch, mode: "preempt", reason: said("lunch") })
      yield* agent.ended(epoch, 2, { _tag: "Released", cause: said("lunch") })
      yield* agent.confirmed(epoch)
      expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "pending" })
      expect(agent.waiting("Assign")).toBe(0)
      yield* api.control(sweep, null, "resume", said(""))
      expect(yield* agent.next("Assign")).toMatchObject({ trial: 1, attempt: 2 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("pauses one trial, gives its slot to the next once it is free, and resumes it", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec())
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* api.control(sweep, number(1), "pause", said(""))
      expect(yield* agent.next("Stop")).toMatchObject({ epoch, mode: "preempt" })
      // The trainer is still saving: the slot is not free yet.
      expect(agent.waiting("Assign")).toBe(0)
      yield* agent.ended(epoch, 0, { _tag: "Released", cause: said("") })
      const second = yield* agent.next("Assign")
      expect(second.trial).toBe(2)
      yield* api.control(sweep, number(1), "resume", said(""))
      yield* agent.complete(second.epoch, evalLosses(1))
      expect(yield* agent.next("Assign")).toMatchObject({ trial: 1, attempt: 2 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not pause a trial that is about to end: of a stopped sweep it could never continue", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* api.control(sweep, null, "stop", said("enough"))
      expect(yield* Effect.flip(api.control(sweep, number(1), "pause", said("")))).toMatchObject({
        _tag: "Refused",
        message: "example/1 is about to end (enough)",
      })
      yield* agent.ended(epoch, 0, finished({ interrupted: true }))
      yield* trialIs(sweep, 1, "stopped")
    }).pipe(Effect.provide(inMemory())),
  )
})

describe("a store that refuses to write", () => {
  /** The store in memory, full whenever `full` says so. */
  const failing = (disk: { full: boolean }) =>
    Layer.effect(
      Store,
      Effect.map(Store, (store) => {
        const guard = <A>(effect: Effect.Effect<A, StoreError>) =>
          Effect.suspend((): Effect.Effect<A, StoreError> =>
            disk.full ? Effect.fail(new StoreError({ reason: "full", message: "the disk is full" })) : effect,
          )
        return {
          ...store,
          append: (facts) => guard(store.append(facts)),
          ingest: (batches, logs) => guard(store.ingest(batches, logs)),
        } satisfies Store["Service"]
      }),
    ).pipe(Layer.provide(layerMemory))

  it.effect("acknowledges nothing, says why, and continues once it can", () => {
    const disk = { full: false }
    return Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      disk.full = true
      yield* agent.report(epoch, evalLosses(3))
      expect(yield* agent.over).toMatchObject({ _tag: "SessionBroken", message: "the disk is full" })
      expect(agent.mark(epoch)).toBeUndefined()
      expect(yield* Effect.flip(api.submit(exampleSpec()))).toMatchObject({
        _tag: "Unavailable",
        message: "the disk is full",
      })
      disk.full = false
      const again = yield* connectAgent({ held: [{ epoch, slot: 0, running: true }] })
      yield* again.complete(epoch, evalLosses(3))
      expect(yield* trialIs(sweep, 1, "completed")).toMatchObject({ attempt: 1, objective: 3 })
    }).pipe(Effect.provide(coordinator().pipe(Layer.provideMerge(failing(disk)))))
  })

  it.effect("ends the attempt alone whose lines cannot be stored; the session and the others continue", () => {
    const poison = Layer.effect(
      Store,
      Effect.map(Store, (store) => ({
        ...store,
        ingest: (...[batches, logs]: Parameters<typeof store.ingest>) =>
          batches.some(({ points }) => points.metrics.includes("poison"))
            ? Effect.fail(new StoreError({ reason: "io", message: "that name cannot be stored" }))
            : store.ingest(batches, logs),
      })),
    ).pipe(Layer.provide(layerMemory))
    return Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ budget: { trials: 2, gpuHours: null, hours: null } }))
      const agent = yield* connectAgent({ slots: slotsOf(2) })
      const bad = yield* agent.next("Assign")
      const good = yield* agent.next("Assign")
      const poisoned = eventsMessage(bad.epoch, [{ step: 1, values: { poison: 1 } }])
      // Both are there before the first commit, and share it.
      for (const message of [poisoned, eventsMessage(good.epoch, evalLosses(3))]) yield* agent.send(message)
      expect(yield* trialIs(sweep, bad.trial, "failed")).toMatchObject({
        failure: {
          class: "data",
          message: { _tag: "ReportUnstorable", problem: expect.stringContaining("that name cannot be stored") },
        },
      })
      expect(yield* agent.next("Stop")).toMatchObject({ epoch: bad.epoch, mode: "kill" })
      yield* agent.ended(good.epoch, 1, finished())
      yield* trialIs(sweep, good.trial, "completed")
    }).pipe(Effect.provide(coordinator().pipe(Layer.provideMerge(poison))))
  })

  it.effect("warns on the trial of lines that its agent could not send", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      // Line 2 is none: the agent answers for the hole.
      yield* agent.send({
        ...eventsMessage(epoch, evalLosses(5, 4, 3)),
        points: eventsMessage(epoch, evalLosses(5)).points,
      })
      const skipped = { unreadable: 1, missing: 2, problem: "it is not JSON" }
      yield* agent.send({ _tag: "Ended", epoch, lastSeq: 3, end: finished(), skipped })
      expect(yield* trialIs(sweep, 1, "completed")).toMatchObject({
        warnings: [{ _tag: "LinesSkipped", epoch, ...skipped }],
      })
      yield* agent.acknowledged(epoch, 3)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("that was rolled back is recognised by an agent, and numbers no attempt twice", () =>
    Effect.gen(function* () {
      const sweep = yield* submitOne
      const before = yield* Effect.flatMap(Store, (store) => store.storeId)
      const held = [
        { epoch: Epoch.make(12), slot: 0, running: true, sweep, trial: TrialNumber.make(1) },
        // Given by another store to another sweep.
        { epoch: Epoch.make(1), slot: 1, running: true, sweep: SweepId.make("other"), trial: TrialNumber.make(1) },
      ]
      const agent = yield* connectAgent({ host: "a", store: { id: before, lastEpoch: 12 }, held, slots: slotsOf(3) })
      const welcome = yield* agent.next("Welcome")
      expect(welcome.discard).toEqual([12, 1])
      expect(welcome.store).not.toBe(before)
      expect((yield* agent.next("Assign")).epoch).toBeGreaterThan(1_000_000)
      // One that is told of the new store, or of none, changes nothing more.
      const again = yield* connectAgent({ id: "other", store: { id: welcome.store!, lastEpoch: 0 } })
      expect((yield* again.next("Welcome")).store).toBe(welcome.store)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("dispatches what it could not record before", () => {
    const disk = { full: false }
    return Effect.gen(function* () {
      const agent = yield* connectAgent()
      yield* agent.next("Welcome")
      yield* submitOne
      const first = yield* agent.next("Assign")
      disk.full = true
      yield* agent.ended(first.epoch, 0, { _tag: "Released", cause: said("") })
      expect(yield* agent.over).toMatchObject({ _tag: "SessionBroken" })
      disk.full = false
      const again = yield* connectAgent({ held: [{ epoch: first.epoch, slot: 0, running: false }] })
      yield* again.ended(first.epoch, 0, { _tag: "Released", cause: said("") })
      expect(yield* again.next("Assign")).toMatchObject({ epoch: Epoch.make(first.epoch + 1), attempt: 2 })
    }).pipe(Effect.provide(coordinator().pipe(Layer.provideMerge(failing(disk)))))
  })
})
