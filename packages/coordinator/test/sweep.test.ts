import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TrialNumber } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventually, finished, slotsOf } from "@sweep/protocol/ScriptedAgent"
import { layerMemory, Store } from "@sweep/store/Store"
import { coordinator, inMemory, sweepIs, trialIs, trialOf } from "./harness.ts"

const started = {
  type: "started" as const,
  seq: 1,
  at: "2025-01-01T00:00:00.000Z",
  pid: 1,
  warm: true,
  versions: {},
  device: "cpu",
  total_steps: 40,
}

describe("a sweep from submission to its end", () => {
  it.effect("runs every trial of a grid, one slot at a time, and finishes", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec())
      const agent = yield* connectAgent()
      for (let n = 1; n <= 4; n++) {
        const assign = yield* agent.next("Assign")
        expect(assign).toMatchObject({ sweep, trial: n, attempt: 1, epoch: n, slot: 0, trainer: "peft" })
        expect(JSON.parse(assign.trialJson)).toMatchObject({
          contract: 1,
          sweep,
          trial: n,
          epoch: n,
          seed: 7,
          parameters: { rank: n <= 2 ? 4 : 8 },
          training: { model: "/models/tiny", adapter: { type: "lora", rank: n <= 2 ? 4 : 8 } },
          metric: { name: "eval/loss", goal: "minimize" },
        })
        yield* agent.complete(assign.epoch, evalLosses(3, 2 + n / 10, 2.5))
        yield* agent.confirmed(assign.epoch)
        expect(agent.mark(assign.epoch)).toEqual({ epoch: n, seq: 3, stdout: 0, stderr: 0 })
      }
      const state = yield* sweepIs(sweep, "finished")
      expect(state.reason).toEqual({ _tag: "SpaceExhausted" })
      expect(Array.from(state.trials.values(), ({ objective }) => objective)).toEqual([2.1, 2.2, 2.3, 2.4])
      expect(Array.from(state.trials.values(), ({ values }) => values)[0]).toEqual({ "eval/loss": 2.5 })
      expect(Array.from(state.trials.values()).every(({ verdict }) => verdict !== null)).toBe(true)
      expect(agent.waiting("Assign")).toBe(0)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("tells a watcher what happens, from a snapshot to the end", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
      const watching = yield* Effect.forkChild(Stream.runCollect(api.watch(sweep)))
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* agent.report(epoch, [{ step: 5, values: { "train/loss": 2 } }], 1, [started])
      yield* agent.acknowledged(epoch, 1)
      const running = yield* trialIs(sweep, 1, "running")
      expect(running.startedAt).not.toBeNull()
      yield* agent.report(epoch, evalLosses(2, 1.5), 2)
      yield* agent.ended(epoch, 3, finished())
      const events = yield* Fiber.join(watching)
      expect(events[0]?._tag).toBe("Snapshot")
      const facts = events.flatMap((event) => (event._tag === "Recorded" ? [event.fact._tag] : []))
      expect(facts.filter((tag) => tag !== "VerdictReached")).toEqual([
        "TrialCreated",
        "TrialAssigned",
        "TrialStarted",
        "TrialCompleted",
        "SweepFinished",
      ])
      expect(facts).toContain("VerdictReached")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("fills all slots at once and every agent", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      yield* api.submit(exampleSpec())
      const one = yield* connectAgent({ id: "one", slots: slotsOf(2) })
      const two = yield* connectAgent({ id: "two", slots: slotsOf(1) })
      const trials = new Set([
        (yield* one.next("Assign")).trial,
        (yield* one.next("Assign")).trial,
        (yield* two.next("Assign")).trial,
      ])
      expect(trials.size).toBe(3)
      const { agents } = yield* api.status
      expect(agents.map(({ agent, state, running }) => [agent, state, running.length])).toEqual([
        ["one", "connected", 2],
        ["two", "connected", 1],
      ])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("takes turns between sweeps", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const first = yield* api.submit(exampleSpec({ name: "first" }))
      const second = yield* api.submit(exampleSpec({ name: "second" }))
      const agent = yield* connectAgent({ slots: slotsOf(4) })
      const sweeps: Array<string> = []
      for (let i = 0; i < 4; i++) sweeps.push((yield* agent.next("Assign")).sweep)
      expect(sweeps.sort()).toEqual([first, first, second, second])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives a trial the smallest slot with enough devices, of an agent with its trainer", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      yield* api.submit(exampleSpec({ resources: { gpus: 2 } }))
      const small = yield* connectAgent({ id: "small", slots: slotsOf(1, 1) })
      const wrong = yield* connectAgent({ id: "wrong", slots: slotsOf(1, 2), trainers: ["command"] })
      const large = yield* connectAgent({ id: "large", slots: slotsOf(1, 8) })
      const fitting = yield* connectAgent({ id: "fitting", slots: slotsOf(1, 2) })
      yield* large.next("Assign")
      yield* fitting.next("Assign")
      expect(small.waiting("Assign") + wrong.waiting("Assign")).toBe(0)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("runs what a person enqueued first, and every set in its replicas", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ enqueue: [{ rank: 64, learning_rate: 0.5 }], replicas: 2 }))
      const agent = yield* connectAgent()
      const seen: Array<unknown> = []
      for (let n = 1; n <= 3; n++) {
        const assign = yield* agent.next("Assign")
        const { parameters, seed } = JSON.parse(assign.trialJson)
        seen.push([parameters.rank, seed])
        yield* agent.complete(assign.epoch, evalLosses(n))
      }
      expect(seen).toEqual([
        [64, 7],
        [64, 8],
        [4, 7],
      ])
      expect(yield* trialOf(sweep, 2)).toMatchObject({ objective: 2 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("judges a trial that ends while another is being judged", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const reading = Latch.makeUnsafe(false)
      let readers = 0
      const slow = Layer.succeed(Store, {
        ...store,
        features: (sweep, trials) =>
          Effect.suspend(() => {
            readers++
            return Effect.andThen(reading.await, store.features(sweep, trials))
          }),
      })
      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec({ budget: { trials: 2, gpuHours: null, hours: null } }))
        const agent = yield* connectAgent({ slots: slotsOf(2) })
        const one = yield* agent.next("Assign")
        const two = yield* agent.next("Assign")
        const end = finished({ values: { "eval/loss": 2 } })
        yield* agent.ended(one.epoch, 0, end)
        yield* eventually(
          "the first is being judged",
          Effect.sync(() => readers > 0),
        )
        yield* agent.ended(two.epoch, 0, end)
        yield* trialIs(sweep, 2, "completed")
        yield* agent.confirmed(two.epoch)
        reading.openUnsafe()
        const { trials } = yield* sweepIs(sweep, "finished")
        expect(Array.from(trials.values()).every(({ verdict }) => verdict !== null)).toBe(true)
      }).pipe(Effect.provide(coordinator().pipe(Layer.provide(slow))))
    }).pipe(Effect.provide(layerMemory)),
  )

  it.effect("judges a trial by the metric its sweep ranks by, beside the loss, in codes", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(
        exampleSpec({
          metric: { name: "eval/accuracy", goal: "maximize", summary: "best", target: null },
          budget: { trials: 1, gpuHours: null, hours: null },
        }),
      )
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      yield* agent.report(epoch, [], 1, [started])
      const answers = [0.5, 0.6, 0.7, 0.65, 0.6, 0.55]
      const reports = answers.map((accuracy, i) => ({
        step: i * 10,
        values: { "eval/accuracy": accuracy, "eval/loss": 2 - i / 10, "train/loss": 2 - i / 8 },
      }))
      yield* agent.report(epoch, reports, 2)
      yield* agent.ended(epoch, 1 + reports.length, finished())
      yield* agent.confirmed(epoch)
      const { trials } = yield* sweepIs(sweep, "finished")
      const verdict = trials.get(TrialNumber.make(1))!.verdict!
      expect([verdict.kind, verdict.sinceStep]).toEqual(["overfitting", 20])
      expect(verdict.evidence[0]).toMatchObject({
        criterion: "loss-better-answers-worse",
        args: { metric: "eval/accuracy", best: 0.7, bestStep: 20 },
      })
      expect(verdict.evidence.every(({ statement }) => statement === undefined)).toBe(true)
      expect(verdict.advice[0]).toMatchObject({ code: "checkpoint-by-metric", args: { step: 20 } })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("ends at its budget, or once the target is reached", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const agent = yield* connectAgent()
      const budget = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(1))
      expect((yield* sweepIs(budget, "finished")).reason).toEqual({ _tag: "TrialsSpent", trials: 1 })
      const target = yield* api.submit(
        exampleSpec({ metric: { name: "eval/loss", goal: "minimize", summary: "best", target: 1.5 } }),
      )
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(1.6))
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(1.4))
      expect((yield* sweepIs(target, "finished")).reason).toMatchObject({ _tag: "TargetReached", trial: 2 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("refuses a sweep without trials, or without a training run", () =>
    Effect.gen(function* () {
      const { submit } = yield* SweepApi
      const zero = exampleSpec({ budget: { trials: 0, gpuHours: null, hours: null } })
      expect((yield* Effect.flip(submit(zero))).message).toMatch(/has no trials/)
      const impossible = exampleSpec({ enqueue: [{ rank: 0 }] })
      expect((yield* Effect.flip(submit(impossible))).message).toMatch(/"rank":0.*no training run/)
      const odd = exampleSpec({ enqueue: [{ variant: "lorra" }] })
      expect((yield* Effect.flip(submit(odd))).message).toMatch(/lorra/)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("names sweeps after their file, never twice the same", () =>
    Effect.gen(function* () {
      const { submit } = yield* SweepApi
      expect(yield* submit(exampleSpec({ name: "../<b>Qwen" }))).toBe("b-qwen")
      expect(yield* submit(exampleSpec({ name: "b qwen" }))).toBe("b-qwen-2")
    }).pipe(Effect.provide(inMemory())),
  )
})

describe("how attempts end", () => {
  const one = (change: Parameters<typeof exampleSpec>[0] = {}) =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null }, ...change }))
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      return { sweep, agent, epoch }
    })

  it.effect("fails when the metric never arrives, and names what did", () =>
    Effect.gen(function* () {
      const { sweep, agent, epoch } = yield* one({
        metric: { name: "eval/los", goal: "minimize", summary: "best", target: null },
      })
      yield* agent.complete(epoch, evalLosses(1))
      const { failure } = yield* trialIs(sweep, 1, "failed")
      expect(failure?.class).toBe("unreported")
      expect(failure?.message).toMatchObject({ _tag: "MetricMissing", metric: "eval/los", near: "eval/loss" })
      yield* sweepIs(sweep, "finished")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("takes the last value where the metric says so, and the final word where there is no curve", () =>
    Effect.gen(function* () {
      const last = yield* one({ metric: { name: "eval/loss", goal: "minimize", summary: "last", target: null } })
      yield* last.agent.complete(last.epoch, evalLosses(1, 3))
      expect((yield* trialIs(last.sweep, 1, "completed")).objective).toBe(3)
      const word = yield* one({ metric: { name: "score", goal: "maximize", summary: "best", target: null } })
      yield* word.agent.ended(word.epoch, 0, finished({ values: { score: 7 } }))
      expect((yield* trialIs(word.sweep, 1, "completed")).objective).toBe(7)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("calls a trial diverged whose metric is NaN, and lives", () =>
    Effect.gen(function* () {
      const { sweep, agent, epoch } = yield* one()
      yield* agent.complete(epoch, evalLosses(Number.NaN))
      expect((yield* trialIs(sweep, 1, "failed")).failure?.class).toBe("diverged")
      expect((yield* sweepIs(sweep, "finished")).trials.get(TrialNumber.make(1))?.verdict?.kind).toBe("diverged")
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("does not repeat what ran out of memory", () =>
    Effect.gen(function* () {
      const { sweep, agent, epoch } = yield* one()
      const memory = {
        kind: "cuda",
        peakDeviceBytes: 8e9,
        peakHostBytes: null,
        tried: { microBatchSize: 1, gradientCheckpointing: true },
      } as const
      const end = { _tag: "Failed", class: "oom", message: said("needs 12 GiB"), detail: "trace", memory } as const
      yield* agent.ended(epoch, 0, end)
      expect((yield* trialIs(sweep, 1, "infeasible")).failure).toEqual({
        class: "oom",
        message: said("needs 12 GiB"),
        detail: "trace",
        memory,
      })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("warns of steps that are made smaller, of each once however often it is told", () =>
    Effect.gen(function* () {
      const { sweep, agent, epoch } = yield* one()
      const smaller = (seq: number, from: number) => ({
        seq,
        at: "2026-01-01T00:00:00Z",
        type: "memory" as const,
        kind: "cuda" as const,
        peak_device_bytes: 8e9,
        peak_host_bytes: 1e9,
        out_of_memory: { micro_batch_size: from, gradient_checkpointing: false },
        next: { micro_batch_size: from / 2, gradient_checkpointing: false },
      })
      const events = [smaller(1, 8), smaller(2, 8), smaller(3, 4)]
      const points = { metrics: [], seq: new Uint32Array(), metric: new Uint32Array() }
      const numbers = { step: new Float64Array(), value: new Float64Array(), at: new Float64Array() }
      yield* agent.send({ _tag: "Events", epoch, firstSeq: 1, lastSeq: 3, points: { ...points, ...numbers }, events })
      yield* agent.report(epoch, evalLosses(1), 4)
      yield* agent.ended(epoch, 4, finished())
      const { warnings } = yield* trialIs(sweep, 1, "completed")
      expect(warnings.map((warning) => warning._tag === "StepMadeSmaller" && [warning.before, warning.after])).toEqual(
        [8, 4].map((size) => [
          { microBatchSize: size, gradientCheckpointing: false },
          { microBatchSize: size / 2, gradientCheckpointing: false },
        ]),
      )
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives a crashed trial one more attempt, with a new epoch", () =>
    Effect.gen(function* () {
      const { sweep, agent, epoch } = yield* one()
      const crash = { _tag: "Failed", class: "bug", message: said("exit status 1"), detail: null } as const
      yield* agent.ended(epoch, 0, crash)
      const again = yield* agent.next("Assign")
      expect(again).toMatchObject({ trial: 1, attempt: 2 })
      expect(again.epoch).toBeGreaterThan(epoch)
      yield* agent.ended(again.epoch, 0, crash)
      expect((yield* trialIs(sweep, 1, "failed")).attempt).toBe(2)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("dispatches what its agent gave back, and does not count it against the trial", () =>
    Effect.gen(function* () {
      const { sweep, agent, epoch } = yield* one()
      yield* agent.ended(epoch, 0, { _tag: "Released", cause: said("drained") })
      const again = yield* agent.next("Assign")
      yield* agent.complete(again.epoch, evalLosses(1))
      expect(yield* trialIs(sweep, 1, "completed")).toMatchObject({ attempt: 2, objective: 1 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("stops a trial that overfits when the sweep says so", () =>
    Effect.gen(function* () {
      const { sweep, agent, epoch } = yield* one({ overfitting: { action: "stop" } })
      const overfitting = [2, 1.5, 1.6, 1.8, 2, 2.2].map((loss, i) => ({
        step: (i + 1) * 10,
        values: { "eval/loss": loss, "train/loss": 2 - i * 0.3 },
      }))
      yield* agent.report(epoch, overfitting)
      const stop = yield* agent.next("Stop")
      expect(stop).toMatchObject({
        epoch,
        mode: "finish",
        reason: { _tag: "Judged", verdict: "overfitting", sinceStep: 20 },
      })
      yield* agent.ended(epoch, 6, finished({ interrupted: true }))
      const trial = yield* trialIs(sweep, 1, "stopped")
      expect(trial).toMatchObject({
        stopReason: { _tag: "Judged", verdict: "overfitting", sinceStep: 20 },
        objective: 1.5,
      })
      expect(trial.verdict?.kind).toBe("overfitting")
    }).pipe(Effect.provide(inMemory())),
  )
})
