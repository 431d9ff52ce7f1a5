// Runs that were made in an earlier sweep and need not be made again.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TrialNumber } from "@sweep/domain/Id"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layerMemory, Store } from "@sweep/store/Store"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { connectAgent, evalLosses } from "@sweep/protocol/ScriptedAgent"
import { coordinator, inMemory, sweepIs } from "./harness.ts"

type Change = NonNullable<Parameters<typeof exampleSpec>[0]>
const spec = (change: Change = {}) => exampleSpec({ modelFingerprint: "f00d", ...change })

/** All four trials of the grid, by an agent that is there for them only. */
const first = Effect.gen(function* () {
  const sweep = yield* (yield* SweepApi).submit(spec({ name: "first" }))
  const agent = yield* connectAgent()
  for (let n = 1; n <= 4; n++) {
    yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(3, 2 + n / 10, 2.5, 2.6))
  }
  yield* sweepIs(sweep, "finished")
  return sweep
}).pipe(Effect.scoped)

describe("reuse", () => {
  it.effect("takes the result, the curve and the verdict of the same run, and says so", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const earlier = yield* first
      const agent = yield* connectAgent()
      const sweep = yield* api.submit(
        spec({ name: "second", reuse: true, enqueue: [{ rank: 16, learning_rate: 1e-3 }] }),
      )
      const { trial, epoch } = yield* agent.next("Assign")
      expect(trial).toBe(1)
      yield* agent.complete(epoch, evalLosses(4, 3, 3))
      const state = yield* sweepIs(sweep, "finished")
      expect(agent.waiting("Assign")).toBe(0)
      const trials = Array.from(state.trials.values())
      expect(trials.map(({ reusedFrom }) => reusedFrom)).toEqual([
        null,
        ...[1, 2, 3, 4].map((number) => ({ sweep: earlier, trial: number })),
      ])
      expect(trials.map(({ objective, attempt }) => [objective, attempt])).toEqual([
        [3, 1],
        [2.1, 0],
        [2.2, 0],
        [2.3, 0],
        [2.4, 0],
      ])
      const { sweep: source } = yield* api.results(earlier, { maxPoints: 100 })
      expect(trials[1]!.verdict).toEqual(source.trials.get(TrialNumber.make(1))!.verdict)
      expect(trials[1]!.verdict).not.toBeNull()
      const { curves } = yield* api.results(sweep, { maxPoints: 100 })
      expect(curves.find((curve) => curve.trial === 3)?.points.map(({ value }) => value)).toEqual([3, 2.2, 2.5, 2.6])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("is not done unasked, nor for a run that differs in anything", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      yield* first
      const agent = yield* connectAgent()
      const other = spec().data
      const eval_ = { ...other.eval, sha256: "11" }
      for (const change of [
        {},
        { reuse: true, seed: 8 },
        { reuse: true, modelFingerprint: "beef" },
        { reuse: true, data: { ...other, eval: eval_ } },
        { reuse: true, metric: { name: "eval/loss", goal: "minimize", summary: "last", target: null } },
        { reuse: true, enqueue: [{ rank: 4, learning_rate: 1e-3, dropout: 0.1 }] },
      ] as ReadonlyArray<Change>) {
        const sweep = yield* api.submit(spec({ ...change, budget: { trials: 1, gpuHours: null, hours: null } }))
        const assign = yield* agent.next("Assign")
        expect(assign).toMatchObject({ sweep, trial: 1 })
        yield* agent.complete(assign.epoch, evalLosses(1))
        yield* sweepIs(sweep, "finished")
      }
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("is not done where a person's function measures", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const taskMetrics = { metrics: ["exact_match", "/work/score.py:score"], samples: 4, max_new_tokens: 8 }
      const once = { taskMetrics, budget: { trials: 1, gpuHours: null, hours: null } }
      const agent = yield* connectAgent()
      for (const name of ["first", "second"]) {
        const sweep = yield* api.submit(spec({ ...once, name, reuse: true }))
        const assign = yield* agent.next("Assign")
        expect(assign.sweep).toBe(sweep)
        yield* agent.complete(assign.epoch, evalLosses(1))
        yield* sweepIs(sweep, "finished")
      }
      const more = { ...taskMetrics, samples: 8 }
      const other = spec({ name: "first", taskMetrics: more, budget: { trials: 2, gpuHours: null, hours: null } })
      const { id } = (yield* api.list).find((sweep) => sweep.spec.name === "first")!
      expect((yield* Effect.flip(api.extend(id, new SweepSpec({ ...other, reuse: true }), 1))).message).toMatch(
        /^task_metrics of first cannot change/,
      )
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("knows after a restart what was run before it", () =>
    Effect.gen(function* () {
      const store = Layer.succeed(Store, yield* Store)
      const again = () => coordinator().pipe(Layer.provide(store))
      yield* first.pipe(Effect.provide(again()))
      yield* Effect.gen(function* () {
        const sweep = yield* (yield* SweepApi).submit(spec({ reuse: true }))
        // Which trials there will be is asked for when a slot is free.
        yield* connectAgent()
        const { trials } = yield* sweepIs(sweep, "finished")
        expect(Array.from(trials.values(), ({ reusedFrom }) => reusedFrom?.trial)).toEqual([1, 2, 3, 4])
      }).pipe(Effect.scoped, Effect.provide(again()))
    }).pipe(Effect.provide(layerMemory)),
  )
})
