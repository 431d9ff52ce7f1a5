// Programs that run their own trials, through the real coordinator.
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type SweepId, TrialNumber } from "@sweep/domain/Id"
import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import { type Asked, SweepApi } from "@sweep/protocol/SweepApi"
import { layer as duckdb } from "@sweep/store/DuckdbStore"
import { layerMemory, Store } from "@sweep/store/Store"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent } from "@sweep/protocol/ScriptedAgent"
import { coordinator, inMemory, overGrpc, sweepIs, trialIs, trialOf } from "./harness.ts"

const dimension = (name: string, distribution: object) => ({ name, distribution, when: null, prior: null })
const external = (change: globalThis.Parameters<typeof exampleSpec>[0] = {}) =>
  exampleSpec({
    trainer: "external",
    model: "",
    method: "random",
    metric: { name: "loss", goal: "minimize", summary: "best", target: null },
    space: {
      dimensions: [
        dimension("x", { _tag: "Uniform", min: -5, max: 5 }),
        dimension("rate", { _tag: "LogUniform", min: 1e-5, max: 1e-1 }),
        dimension("kind", { _tag: "Categorical", values: ["a", "b", "c"], probabilities: null }),
      ] as never,
      derived: [],
      constraints: [],
    },
    ...change,
  })

const lossOf = ({ x, rate, kind }: Parameters): number =>
  (Number(x) - 1) ** 2 + (Math.log10(Number(rate)) + 3) ** 2 + (kind === "b" ? 0 : 1)

const asked = (sweep: SweepId) =>
  Effect.gen(function* () {
    const given = yield* (yield* SweepApi).ask(sweep)
    if (given._tag !== "Trial") throw new Error(JSON.stringify(given))
    return given
  })

const value = (loss: number) => ({ reports: [], end: { _tag: "Finished", values: { loss } } }) as const
const report = (step: number, loss: number) => ({ reports: [{ step, values: { loss } }], end: null }) as const

describe("ask and tell", () => {
  it.effect("gives a trial out, takes its values and its end, and finishes", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(external({ budget: { trials: 2, gpuHours: null, hours: null } }))
      const one = yield* asked(sweep)
      expect(one).toMatchObject({ trial: 1, attempt: 1, seed: 7 })
      expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "running", parameters: one.parameters })
      expect(yield* api.tell(sweep, one.trial, report(1, 3))).toEqual({ state: "running", objective: null, stop: null })
      expect(yield* api.tell(sweep, one.trial, report(2, 2))).toMatchObject({ state: "running" })
      const ended = yield* api.tell(sweep, one.trial, { reports: [], end: { _tag: "Finished", values: {} } })
      expect(ended).toEqual({ state: "completed", objective: 2, stop: null })
      const { curves } = yield* api.results(sweep, { maxPoints: 10 })
      expect(curves).toMatchObject([
        {
          trial: 1,
          metric: "loss",
          points: [
            { step: 1, value: 3 },
            { step: 2, value: 2 },
          ],
        },
      ])
      const two = yield* asked(sweep)
      // What is told in the end counts, whatever was better on the way.
      yield* api.tell(sweep, two.trial, report(1, 0.5))
      expect(yield* api.tell(sweep, two.trial, value(0.7))).toMatchObject({ objective: 0.7 })
      expect(yield* trialOf(sweep, 2)).toMatchObject({ values: { loss: 0.7 } })
      expect((yield* sweepIs(sweep, "finished")).reason).toEqual({ _tag: "TrialsSpent", trials: 2 })
      expect(yield* api.ask(sweep)).toMatchObject({
        _tag: "Ended",
        reason: expect.stringMatching(/budget of 2 trials/),
      })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives no agent a trial of such a sweep", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const agent = yield* connectAgent({ trainers: ["peft", "command", "external"] })
      const sweep = yield* api.submit(external())
      const other = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
      expect(yield* agent.next("Assign")).toMatchObject({ sweep: other })
      expect((yield* api.get(sweep)).trials.size).toBe(0)
      expect(yield* Effect.flip(api.ask(other))).toMatchObject({
        _tag: "Refused",
        message: expect.stringMatching(/trainer: external/),
      })
      expect(yield* Effect.flip(api.tell(other, TrialNumber.make(1), value(1)))).toMatchObject({ _tag: "Refused" })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives 64 who ask at once 64 different trials", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      for (const method of ["tpe", "gp"] as const) {
        const sweep = yield* api.submit(external({ method, name: method }))
        // Some results first, so that the model is asked.
        for (let n = 0; n < 12; n++) {
          const { trial, parameters } = yield* asked(sweep)
          yield* api.tell(sweep, trial, value(lossOf(parameters)))
        }
        const all = yield* Effect.forEach(Array.from({ length: 64 }), () => asked(sweep), { concurrency: "unbounded" })
        expect(new Set(all.map(({ trial }) => trial)).size).toBe(64)
        expect(new Set(all.map(({ parameters }) => canonicalText(parameters))).size).toBe(64)
      }
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("says in the answer that a rule has ended the trial, or a person", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const asha = {
        type: "asha",
        resource: "step",
        min_resource: 1,
        max_resource: 9,
        eta: 3,
        mode: "stop",
        brackets: 1,
      }
      const sweep = yield* api.submit(external({ earlyTerminate: asha }))
      const one = yield* asked(sweep)
      const two = yield* asked(sweep)
      expect(yield* api.tell(sweep, one.trial, report(1, 1))).toMatchObject({ stop: null })
      expect(yield* api.tell(sweep, two.trial, report(1, 2))).toMatchObject({
        state: "stopped",
        objective: 2,
        stop: expect.stringMatching(/number 2 of 2/),
      })
      expect(yield* Effect.flip(api.tell(sweep, two.trial, value(1)))).toMatchObject({
        message: expect.stringMatching(/already ended \(stopped: at step 1/),
      })
      yield* api.control(sweep, one.trial, "stop", said("enough"))
      expect(yield* trialIs(sweep, 1, "stopped")).toMatchObject({ objective: 1, stopReason: said("enough") })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("ends trials that a rule has set aside once no more will come, and the sweep with them", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const asha = { type: "asha", resource: "step", min_resource: 1, max_resource: 9, eta: 3, brackets: 1 }
      const sweep = yield* api.submit(
        external({
          earlyTerminate: { ...asha, mode: "promote" },
          budget: { trials: 2, gpuHours: null, hours: null },
        }),
      )
      const one = yield* asked(sweep)
      const two = yield* asked(sweep)
      yield* api.tell(sweep, one.trial, report(1, 1))
      expect(yield* api.tell(sweep, two.trial, report(1, 2))).toMatchObject({
        state: "paused",
        stop: expect.stringMatching(/set aside/),
      })
      yield* api.tell(sweep, one.trial, value(0.5))
      // Nothing is waited for: it is so when the answer comes.
      expect(yield* api.get(sweep)).toMatchObject({ status: "finished" })
      expect(yield* trialOf(sweep, 2)).toMatchObject({ state: "stopped", objective: 2 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("gives a trial that was set aside out again", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(external())
      const one = yield* asked(sweep)
      yield* api.control(sweep, one.trial, "pause", said(""))
      expect((yield* Effect.flip(api.tell(sweep, one.trial, value(1)))).message).toMatch(/set aside/)
      yield* api.control(sweep, one.trial, "resume", said(""))
      expect(yield* asked(sweep)).toEqual({ ...one, attempt: 2 })
      expect(yield* api.tell(sweep, one.trial, value(1))).toMatchObject({ state: "completed" })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("takes a failure and NaN as places to stay away from, and the same word twice", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(external())
      const failed = { reports: [], end: { _tag: "Failed", class: "oom", message: "8 GiB" } } as const
      const one = yield* asked(sweep)
      expect(yield* api.tell(sweep, one.trial, failed)).toMatchObject({ state: "infeasible" })
      expect(yield* api.tell(sweep, one.trial, failed)).toMatchObject({ state: "infeasible" })
      expect(yield* trialOf(sweep, 1)).toMatchObject({ failure: { class: "oom", message: said("8 GiB") } })
      const two = yield* asked(sweep)
      expect(yield* api.tell(sweep, two.trial, value(Number.NaN))).toMatchObject({ state: "failed" })
      const three = yield* asked(sweep)
      yield* api.tell(sweep, three.trial, value(1))
      expect(yield* api.tell(sweep, three.trial, value(1))).toMatchObject({ state: "completed", objective: 1 })
      expect((yield* Effect.flip(api.tell(sweep, three.trial, value(2)))).message).toMatch(
        /already ended \(completed\)/,
      )
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("refuses what says nothing", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(external())
      const { trial } = yield* asked(sweep)
      const wrong = [
        { reports: [], end: null },
        { reports: [{ step: -1, values: { loss: 1 } }], end: null },
        { reports: [{ step: 1, values: {} }], end: null },
        { reports: [], end: { _tag: "Finished", values: { lost: 1 } } },
      ] as const
      const messages: Array<string> = []
      for (const told of wrong) messages.push((yield* Effect.flip(api.tell(sweep, trial, told))).message)
      expect(messages).toEqual([
        expect.stringMatching(/nothing was told/),
        expect.stringMatching(/at least 0/),
        expect.stringMatching(/no value/),
        expect.stringMatching(/`loss` never arrived.*`lost`/),
      ])
      expect(yield* trialOf(sweep, 1)).toMatchObject({ state: "running" })
    }).pipe(Effect.provide(inMemory())),
  )

  it.live("keeps what was asked through a restart, for as long as it takes", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "sweep-ask-"))
      const on = () => overGrpc(coordinator().pipe(Layer.provide(duckdb({ directory }))))
      const { sweep, trial } = yield* Effect.gen(function* () {
        const sweep = yield* (yield* SweepApi).submit(external())
        const { trial } = yield* asked(sweep)
        yield* (yield* SweepApi).tell(sweep, trial, report(1, 3))
        return { sweep, trial }
      }).pipe(Effect.provide(on()))
      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        expect(yield* trialOf(sweep, trial)).toMatchObject({ state: "running", attempt: 1 })
        yield* api.tell(sweep, trial, report(2, 2))
        expect(yield* api.tell(sweep, trial, { reports: [], end: { _tag: "Finished", values: {} } })).toMatchObject({
          objective: 2,
        })
        expect((yield* asked(sweep)).trial).toBe(2)
      }).pipe(Effect.provide(on()))
    }),
  )
})

describe("a coordinator that starts again at every trial", () => {
  const run = (method: "tpe" | "gp", trials: number, restartEvery: number) =>
    Effect.gen(function* () {
      // The store outlives the coordinators.
      const store = Layer.succeed(Store, yield* Store)
      const suggested: Array<Parameters> = []
      let sweep: SweepId | undefined
      while (suggested.length < trials) {
        yield* Effect.gen(function* () {
          const api = yield* SweepApi
          sweep ??= yield* api.submit(external({ method }))
          // Eight run at once, and end in another order than they began in.
          const open: Array<Extract<Asked, { _tag: "Trial" }>> = []
          const { trials: known } = yield* api.get(sweep)
          for (const { number: trial, state, parameters, seed } of known.values()) {
            if (state === "running") open.push({ _tag: "Trial", trial, parameters, seed, attempt: 1 })
          }
          for (let n = 0; n < restartEvery && suggested.length < trials; n++) {
            while (open.length < 8) {
              const next = yield* asked(sweep)
              suggested.push(next.parameters)
              open.push(next)
            }
            const [ended] = open.splice((suggested.length * 5) % open.length, 1)
            const failed = ended!.trial % 17 === 0
            yield* api.tell(
              sweep,
              ended!.trial,
              failed
                ? { reports: [], end: { _tag: "Failed", class: "bug", message: "" } }
                : value(lossOf(ended!.parameters)),
            )
          }
        }).pipe(Effect.provide(coordinator().pipe(Layer.provide(store))))
      }
      return suggested.slice(0, trials)
    })

  it.live("does so on the real database, too", () =>
    Effect.gen(function* () {
      const on = (restartEvery: number) =>
        run("tpe", 60, restartEvery).pipe(
          Effect.provide(duckdb({ directory: mkdtempSync(join(tmpdir(), "sweep-ask-")) })),
        )
      expect(yield* on(7)).toEqual(yield* on(Infinity))
    }),
  )

  it.live.each(["tpe", "gp"] as const)(
    "suggests the same 200 trials by %s as one that never does",
    (method) =>
      Effect.gen(function* () {
        const whole = yield* run(method, 200, Infinity).pipe(Effect.provide(layerMemory))
        expect(new Set(whole.map(canonicalText)).size).toBe(200)
        expect(yield* run(method, 200, 1).pipe(Effect.provide(layerMemory))).toEqual(whole)
      }),
    // Against a hang alone: a busy machine takes minutes.
    600_000,
  )
})
