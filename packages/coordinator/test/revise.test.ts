// Sweeps that are extended, and trials that are run once more with changes.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Parameters } from "@sweep/domain/Parameter"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { connectAgent, evalLosses } from "@sweep/protocol/ScriptedAgent"
import { inMemory, sweepIs, trialOf } from "./harness.ts"

type Change = NonNullable<globalThis.Parameters<typeof exampleSpec>[0]>
type Ranks = readonly [number, ...ReadonlyArray<number>]

const listed = (name: string, values: Ranks, when: string | null = null) => ({
  name,
  distribution: { _tag: "Categorical" as const, values, probabilities: null },
  when,
  prior: null,
})
const ranks = (...values: Ranks) => ({
  space: { dimensions: [listed("rank", values)], derived: [], constraints: [] },
})
const trials = (count: number) => ({ budget: { trials: count, gpuHours: null, hours: null } })
const told = (loss: number) => ({ reports: [], end: { _tag: "Finished", values: { "eval/loss": loss } } }) as const

/** Asks for trials and tells what they are worth, until there are no more. */
const exhaust = (sweep: SweepId, worth: (parameters: Parameters) => number) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const seen: Array<Parameters> = []
    for (;;) {
      const asked = yield* api.ask(sweep)
      if (asked._tag !== "Trial") return seen
      seen.push(asked.parameters)
      yield* api.tell(sweep, asked.trial, told(worth(asked.parameters)))
    }
  })
const worth = ({ rank }: Parameters) => Math.abs(Number(rank) - 16) + 1

describe("extending", () => {
  it.effect("continues with a finished grid: what it has is not run again", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const spec = (...values: Ranks) => exampleSpec({ trainer: "external", ...ranks(...values) })
      const sweep = yield* api.submit(spec(4, 8))
      expect(yield* exhaust(sweep, worth)).toEqual([{ rank: 4 }, { rank: 8 }])
      yield* sweepIs(sweep, "finished")
      yield* api.extend(sweep, spec(4, 8, 16, 32), 1)
      expect(yield* exhaust(sweep, worth)).toEqual([{ rank: 16 }, { rank: 32 }])
      const state = yield* sweepIs(sweep, "finished")
      expect(Array.from(state.trials.values(), ({ revision }) => revision)).toEqual([1, 1, 2, 2])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("lets agents continue with a sweep whose budget was used", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const agent = yield* connectAgent()
      const sweep = yield* api.submit(exampleSpec(trials(1)))
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(1))
      yield* sweepIs(sweep, "finished")
      yield* api.extend(sweep, exampleSpec(trials(2)), 1)
      const second = yield* agent.next("Assign")
      expect(second).toMatchObject({ sweep, trial: 2 })
      yield* agent.complete(second.epoch, evalLosses(1))
      expect((yield* sweepIs(sweep, "finished")).reason).toEqual({ _tag: "TrialsSpent", trials: 2 })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("teaches the sampler what still lies in the space, and nothing else", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const spec = (min: number, max: number, count: number) =>
        exampleSpec({
          trainer: "external",
          method: "tpe",
          ...trials(count),
          space: {
            dimensions: [{ name: "x", distribution: { _tag: "Uniform", min, max }, when: null, prior: null }],
            derived: [],
            constraints: [],
          },
        })
      const sweep = yield* api.submit(spec(0, 1, 30))
      // The best of the old range lies at its upper end, and outside of the new one.
      yield* exhaust(sweep, ({ x }) => (Number(x) > 0.5 ? 0 : 1 + Math.abs(Number(x) - 0.1)))
      yield* api.extend(sweep, spec(0, 0.4, 60), 1)
      const after = yield* exhaust(sweep, ({ x }) => 1 + Math.abs(Number(x) - 0.1))
      expect(after).toHaveLength(30)
      expect(after.every(({ x }) => Number(x) <= 0.4)).toBe(true)
      // Were the old best ones taken for points at the upper end of the new range, it would be sought there.
      expect(after.filter(({ x }) => Number(x) > 0.35).length).toBeLessThan(6)
      expect(after.filter(({ x }) => Math.abs(Number(x) - 0.1) < 0.05).length).toBeGreaterThan(10)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("runs what was enqueued with the extension, and nothing twice", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const spec = (...enqueue: ReadonlyArray<number>) =>
        exampleSpec({ trainer: "external", ...ranks(4, 8), enqueue: enqueue.map((rank) => ({ rank })) })
      const sweep = yield* api.submit(spec(64))
      expect(yield* exhaust(sweep, worth)).toEqual([{ rank: 64 }, { rank: 4 }, { rank: 8 }])
      yield* sweepIs(sweep, "finished")
      yield* api.extend(sweep, spec(64, 128, 64), 1)
      expect(yield* exhaust(sweep, worth)).toEqual([{ rank: 128 }, { rank: 64 }])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("refuses what would make results incomparable, changes nothing, or runs nothing", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const of = (change: Change) => exampleSpec({ trainer: "external", ...ranks(4, 8), ...change })
      const sweep = yield* api.submit(of({}))
      const metric = { name: "eval/loss", goal: "maximize", summary: "best", target: null } as const
      const messages: Array<string> = []
      for (const spec of [
        of({ replicas: 2, model: "/models/other" }),
        of({ metric }),
        of({}),
        of({ space: { dimensions: [], derived: [{ name: "a", expression: "b", when: null }], constraints: [] } }),
      ]) {
        messages.push((yield* Effect.flip(api.extend(sweep, spec, 1))).message)
      }
      yield* exhaust(sweep, worth)
      yield* sweepIs(sweep, "finished")
      messages.push((yield* Effect.flip(api.extend(sweep, of(trials(50)), 1))).message)
      expect(messages).toEqual([
        expect.stringMatching(/^model, seeds of example cannot change/),
        expect.stringMatching(/^metric of example cannot change/),
        "this changes nothing of example",
        expect.stringMatching(/cannot be searched/),
        "with this example has nothing more to run: every set of parameters was tried",
      ])
      expect((yield* api.get(sweep)).revision).toBe(1)
    }).pipe(Effect.provide(inMemory())),
  )
})

describe("cloning", () => {
  const one = TrialNumber.make(1)

  it.effect("runs next, with derived parameters that follow, and says where it is from", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const agent = yield* connectAgent()
      const sweep = yield* api.submit(
        exampleSpec({
          ...trials(1),
          space: {
            dimensions: [listed("rank", [4, 8])],
            derived: [{ name: "alpha", expression: "2 * rank", when: null }],
            constraints: ["alpha <= 64"],
          },
        }),
      )
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(1))
      yield* sweepIs(sweep, "finished")
      expect(yield* api.clone(sweep, one, { rank: 16, weight_decay: 0.1 })).toEqual([2])
      const { epoch, trialJson } = yield* agent.next("Assign")
      expect(JSON.parse(trialJson).parameters).toEqual({ rank: 16, alpha: 32, weight_decay: 0.1 })
      yield* agent.complete(epoch, evalLosses(2))
      const state = yield* sweepIs(sweep, "finished")
      expect(state.trials.get(TrialNumber.make(2))).toMatchObject({
        origin: { _tag: "Clone", of: 1 },
        objective: 2,
        revision: 2,
      })
      const refusals: Array<string> = []
      for (const changes of [{ rank: 64 }, { rnk: 8 }, { rank: -1 }, { rank: 16, weight_decay: 0.1 }, { rank: 4 }]) {
        refusals.push((yield* Effect.flip(api.clone(sweep, one, changes))).message)
      }
      expect(refusals).toEqual([
        "this is against the constraint `alpha <= 64`",
        "`rnk` is no parameter of example; did you mean `rank`?",
        expect.stringMatching(/`\w+` cannot be .*: expected /),
        "example/2 has these parameters already",
        "the trial itself has these parameters already",
      ])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("has as many runs as every other set, after those of the set that was begun", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec({ trainer: "external", replicas: 2, ...ranks(4, 8) }))
      yield* api.ask(sweep)
      expect(yield* api.clone(sweep, one, { rank: 6 })).toEqual([3, 4])
      const seen: Array<unknown> = []
      for (let n = 2; n <= 6; n++) {
        const asked = yield* api.ask(sweep)
        if (asked._tag === "Trial") seen.push([asked.trial, asked.parameters["rank"], asked.seed])
      }
      expect(seen).toEqual([
        [2, 4, 8],
        [3, 6, 7],
        [4, 6, 8],
        [5, 8, 7],
        [6, 8, 8],
      ])
      expect(yield* trialOf(sweep, 4)).toMatchObject({ origin: { _tag: "Replica", of: 3 } })
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("knows which parameters there are with the changes", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(
        exampleSpec({
          trainer: "external",
          space: {
            dimensions: [listed("rank", [4, 8]), listed("deep", [1, 2], "rank > 4")],
            derived: [],
            constraints: [],
          },
        }),
      )
      yield* api.ask(sweep)
      expect((yield* Effect.flip(api.clone(sweep, one, { deep: 1 }))).message).toMatch(
        /its condition, `rank > 4`, is false/,
      )
      expect((yield* Effect.flip(api.clone(sweep, one, { rank: 8 }))).message).toMatch(
        /`deep` exists with these changes/,
      )
      yield* api.clone(sweep, one, { rank: 8, deep: 3 })
      expect(yield* trialOf(sweep, 2)).toMatchObject({ parameters: { rank: 8, deep: 3 } })
    }).pipe(Effect.provide(inMemory())),
  )
})
