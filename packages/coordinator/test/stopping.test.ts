// Early-stopping rules at work in a sweep.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { historyOf } from "@sweep/search/History"
import { samplerFor } from "@sweep/search/samplerFor"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventsMessage, finished, slotsOf } from "@sweep/protocol/ScriptedAgent"
import { inMemory, sweepIs, trialIs, trialOf } from "./harness.ts"

const asha = (mode: "stop" | "promote") => ({
  type: "asha",
  resource: "step",
  min_resource: 10,
  max_resource: 40,
  eta: 2,
  mode,
  brackets: 1,
})

describe("early stopping", () => {
  it.effect("knows epochs by the planned number of steps", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      yield* api.submit(
        exampleSpec({
          earlyTerminate: { ...asha("stop"), resource: "epoch", min_resource: 1, max_resource: 4 },
          enqueue: [
            { rank: 1, epochs: 4 },
            { rank: 2, epochs: 4 },
          ],
        }),
      )
      const agent = yield* connectAgent({ slots: slotsOf(2) })
      const one = yield* agent.next("Assign")
      const two = yield* agent.next("Assign")
      const started = (total_steps: number) => ({
        type: "started" as const,
        seq: 1,
        at: "2025-01-01T00:00:00.000Z",
        pid: 1,
        warm: false,
        versions: {},
        device: "cpu",
        total_steps,
      })
      // Step 10 of 40 is the end of the first of four epochs, step 10 of 80 is not.
      yield* agent.send({ ...eventsMessage(one.epoch, [], 1, [started(40)]) })
      yield* agent.send({ ...eventsMessage(two.epoch, [], 1, [started(80)]) })
      yield* agent.report(one.epoch, evalLosses(1), 2)
      yield* agent.report(two.epoch, evalLosses(5), 2)
      yield* agent.acknowledged(two.epoch, 2)
      expect(agent.waiting("Stop")).toBe(0)
      yield* agent.report(two.epoch, evalLosses(5, 4).slice(1), 3)
      expect((yield* agent.next("Stop")).reason).toMatchObject({
        _tag: "BehindAtRung",
        resource: "epoch",
        at: 1,
        place: 2,
        among: 2,
      })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("asks the rule about every report of a batch, not only the last", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      yield* api.submit(exampleSpec({ earlyTerminate: asha("promote") }))
      const agent = yield* connectAgent({ slots: slotsOf(2) })
      const one = yield* agent.next("Assign")
      const two = yield* agent.next("Assign")
      yield* agent.report(one.epoch, evalLosses(1))
      yield* agent.acknowledged(one.epoch, 1)
      // The first of these is at the rung where the other one is better; at the next rung it would be alone.
      yield* agent.report(two.epoch, evalLosses(5, 4))
      expect(yield* agent.next("Stop")).toMatchObject({
        epoch: two.epoch,
        mode: "preempt",
        reason: { _tag: "BehindAtRung", resource: "step", at: 10, place: 2, among: 2 },
      })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not count a resent batch again", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      yield* api.submit(
        exampleSpec({
          earlyTerminate: { type: "patience", resource: "step", min_resource: 0, patience: 2, min_delta: 0 },
        }),
      )
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* agent.report(epoch, evalLosses(3, 2))
      yield* agent.report(epoch, evalLosses(3, 2, 2.5).slice(2), 3)
      yield* agent.acknowledged(epoch, 3)
      // With these in place of what came after them, the next value would be an improvement.
      yield* agent.report(epoch, evalLosses(3))
      yield* agent.report(epoch, evalLosses(3, 2, 2.5, 2.4).slice(3), 4)
      expect((yield* agent.next("Stop")).epoch).toBe(epoch)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives BOHB the curves: it learns from the highest rung, not from what trials ended with", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const spec = exampleSpec({
        method: "tpe",
        earlyTerminate: { ...asha("promote"), type: "bohb", max_resource: 20, brackets: 1, eta: 1.9 },
        space: {
          dimensions: [
            {
              name: "learning_rate",
              distribution: { _tag: "LogUniform", min: 1e-5, max: 1e-2 },
              when: null,
              prior: null,
            },
          ],
          derived: [],
          constraints: [],
        },
      })
      const sweep = yield* api.submit(spec)
      const agent = yield* connectAgent()
      for (let n = 1; n <= 12; n++) {
        const { epoch, trial } = yield* agent.next("Assign")
        // Better and better at the rung, so that nothing is set aside; worse and worse in the end.
        yield* agent.complete(epoch, [
          { step: 10, values: { "eval/loss": 10 - trial / 10 } },
          { step: 15, values: { "eval/loss": trial / 10 } },
        ])
        yield* agent.confirmed(epoch)
      }
      const next = yield* agent.next("Assign")
      const { sweep: state, curves } = yield* api.results(sweep, { maxPoints: 100 })
      const history = historyOf(state).slice(0, 12)
      const reports = new Map(
        curves.map(({ trial, points }) => [
          trial as number,
          points.map(({ step, value }) => ({ trial, step, epoch: null, seconds: 0, value })),
        ]),
      )
      const { parameters } = JSON.parse(next.trialJson)
      expect(samplerFor(spec).suggest(history, 13, reports)).toEqual({ _tag: "Suggested", parameters })
      expect(samplerFor(spec).suggest(history, 13)).not.toEqual({ _tag: "Suggested", parameters })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("ends a trial that falls behind, and keeps its result", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(
        exampleSpec({ earlyTerminate: asha("stop"), budget: { trials: 2, gpuHours: null, hours: null } }),
      )
      const agent = yield* connectAgent({ slots: slotsOf(2) })
      const one = yield* agent.next("Assign")
      const two = yield* agent.next("Assign")
      yield* agent.report(one.epoch, evalLosses(1))
      yield* agent.acknowledged(one.epoch, 1)
      yield* agent.report(two.epoch, evalLosses(5))
      const stop = yield* agent.next("Stop")
      expect(stop).toMatchObject({ epoch: two.epoch, mode: "finish" })
      expect(stop.reason).toMatchObject({ _tag: "BehindAtRung", place: 2, among: 2 })
      yield* agent.ended(two.epoch, 1, finished({ interrupted: true }))
      expect(yield* trialIs(sweep, 2, "stopped")).toMatchObject({ objective: 5, stopReason: stop.reason })
      yield* agent.report(one.epoch, evalLosses(1, 0.5).slice(1), 2)
      yield* agent.ended(one.epoch, 2, finished())
      expect((yield* sweepIs(sweep, "finished")).trials.size).toBe(2)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("sets trials aside, and in the end ends those that nothing brings back", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ earlyTerminate: asha("promote") }))
      const one = yield* connectAgent({ id: "one" })
      const two = yield* connectAgent({ id: "two" })
      const losses: Record<number, number> = { 1: 4, 2: 1, 3: 3, 4: 2 }
      const agents = { one, two }
      /** Reports up to the first rung; when it is asked to, it gives the trial back. */
      const toFirstRung = (name: keyof typeof agents) =>
        Effect.gen(function* () {
          const agent = agents[name]
          const { epoch, trial } = yield* agent.next("Assign")
          yield* agent.report(epoch, evalLosses(losses[trial]!))
          const { mode } = yield* agent.next("Stop")
          expect(mode).toBe("preempt")
          yield* agent.ended(epoch, 1, { _tag: "Released", cause: said("set aside") })
          yield* agent.confirmed(epoch)
        })
      yield* one.next("Welcome")
      yield* two.next("Welcome")
      // The first to arrive at a rung is the best so far and continues; it is held back until the others are there.
      const ahead = yield* one.next("Assign")
      yield* one.report(ahead.epoch, evalLosses(losses[ahead.trial]!))
      yield* one.acknowledged(ahead.epoch, 1)
      expect(ahead.trial).toBe(1)
      const second = yield* two.next("Assign")
      yield* two.report(second.epoch, evalLosses(losses[second.trial]!))
      yield* two.complete(second.epoch, evalLosses(losses[second.trial]!, 0.9, 0.8, 0.7))
      yield* trialIs(sweep, 2, "completed")
      yield* toFirstRung("two")
      expect(yield* trialIs(sweep, 3, "paused")).toMatchObject({ objective: null })
      yield* one.ended(ahead.epoch, 1, finished({ interrupted: false }))
      yield* trialIs(sweep, 1, "completed")

      const fourth = yield* Effect.raceFirst(
        Effect.map(one.next("Assign"), (assign) => ({ agent: one, assign })),
        Effect.map(two.next("Assign"), (assign) => ({ agent: two, assign })),
      )
      expect(fourth.assign.trial).toBe(4)
      yield* fourth.agent.complete(fourth.assign.epoch, evalLosses(losses[4]!))
      yield* trialIs(sweep, 4, "completed")
      const state = yield* sweepIs(sweep, "finished")
      const third = yield* trialOf(sweep, 3)
      expect(third).toMatchObject({ state: "stopped", objective: 3 })
      expect(third?.stopReason).toEqual({ _tag: "NeverPromoted" })
      expect(Array.from(state.trials.values()).every(({ verdict }) => verdict !== null)).toBe(true)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("compares sets of parameters by the mean of their runs", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      yield* api.submit(exampleSpec({ earlyTerminate: asha("stop"), replicas: 2 }))
      const agent = yield* connectAgent({ slots: slotsOf(4) })
      const epochs = []
      for (let n = 0; n < 4; n++) epochs.push((yield* agent.next("Assign")).epoch)
      // The lucky run of the second set is the best of all, and its mean the worse of two.
      for (const [i, loss] of [3, 3, 7, 1].entries()) {
        yield* agent.report(epochs[i]!, evalLosses(loss))
        yield* agent.acknowledged(epochs[i]!, 1)
      }
      expect(yield* agent.next("Stop")).toMatchObject({
        epoch: epochs[2],
        reason: { place: 2, among: 2, value: 7 },
      })
      expect(yield* agent.next("Stop")).toMatchObject({
        epoch: epochs[3],
        reason: { place: 2, among: 2, value: 4 },
      })
      expect(agent.waiting("Stop")).toBe(0)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not bring back what a person has paused", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ earlyTerminate: asha("promote") }))
      const agent = yield* connectAgent({ slots: slotsOf(2) })
      const one = yield* agent.next("Assign")
      const two = yield* agent.next("Assign")
      yield* agent.report(one.epoch, evalLosses(1))
      yield* agent.acknowledged(one.epoch, 1)
      yield* api.control(sweep, one.trial, "pause", said(""))
      // With it the first has earned its next rung.
      yield* agent.report(two.epoch, evalLosses(5))
      yield* agent.acknowledged(two.epoch, 1)
      yield* trialIs(sweep, 2, "paused")
      expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "paused" })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not end what a person has paused", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(
        exampleSpec({ earlyTerminate: asha("promote"), budget: { trials: 1, gpuHours: null, hours: null } }),
      )
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* api.control(sweep, 1 as never, "pause", said(""))
      yield* agent.ended(epoch, 0, { _tag: "Released", cause: said("") })
      yield* agent.confirmed(epoch)
      expect(yield* api.get(sweep)).toMatchObject({ status: "running" })
      yield* api.control(sweep, 1 as never, "resume", said(""))
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(1))
      yield* sweepIs(sweep, "finished")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("brings a trial back to the agent that has its checkpoints, once its process is gone", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
      const first = yield* connectAgent({ id: "zz-first", slots: slotsOf(1, 4) })
      const { epoch } = yield* first.next("Assign")
      const other = yield* connectAgent({ id: "aa-other", slots: slotsOf(1, 1) })
      yield* other.next("Welcome")
      yield* api.control(sweep, 1 as never, "pause", said(""))
      yield* api.control(sweep, 1 as never, "resume", said(""))
      expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "pending" })
      // A smaller slot is free elsewhere, but the trainer is still saving.
      yield* other.send({ _tag: "Slots", slots: slotsOf(1, 1), draining: false })
      yield* first.ended(epoch, 0, { _tag: "Released", cause: said("") })
      expect(yield* first.next("Assign")).toMatchObject({ trial: 1, attempt: 2 })
      expect(other.waiting("Assign")).toBe(0)
    }).pipe(Effect.provide(inMemory())),
  )
})
