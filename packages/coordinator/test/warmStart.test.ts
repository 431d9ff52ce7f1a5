// Sweeps that learn from earlier ones.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SweepId } from "@sweep/domain/Id"
import type { Parameters } from "@sweep/domain/Parameter"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layerMemory, Store } from "@sweep/store/Store"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { coordinator, inMemory } from "./harness.ts"

type Change = NonNullable<globalThis.Parameters<typeof exampleSpec>[0]>
const spec = (min: number, max: number, change: Change = {}) =>
  exampleSpec({
    trainer: "external",
    method: "tpe",
    space: {
      dimensions: [{ name: "x", distribution: { _tag: "Uniform", min, max }, when: null, prior: null }],
      derived: [],
      constraints: [],
    },
    ...change,
  })
const told = (loss: number) => ({ reports: [], end: { _tag: "Finished", values: { "eval/loss": loss } } }) as const
const lossOf = ({ x }: Parameters) => 1 + (Number(x) - 3) ** 2

const some = (sweep: SweepId, count: number) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const seen: Array<Parameters> = []
    for (let n = 0; n < count; n++) {
      const asked = yield* api.ask(sweep)
      if (asked._tag !== "Trial") throw new Error(JSON.stringify(asked))
      seen.push(asked.parameters)
      yield* api.tell(sweep, asked.trial, told(lossOf(asked.parameters)))
    }
    return seen
  })
const near = (all: ReadonlyArray<Parameters>) => all.filter(({ x }) => Math.abs(Number(x) - 3) < 1).length

describe("a warm start", () => {
  it.effect("teaches the sampler what lies in the space from its first trial on", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const teacher = yield* api.submit(spec(-10, 10, { name: "teacher" }))
      yield* some(teacher, 40)
      const cold = yield* some(yield* api.submit(spec(0, 10, { name: "cold" })), 10)
      const sweep = yield* api.submit(spec(0, 10, { name: "warm", warmStart: [teacher] }))
      const warm = yield* some(sweep, 10)
      expect(near(warm)).toBeGreaterThanOrEqual(6)
      expect(near(cold)).toBeLessThan(4)
      const { learned = [] } = (yield* api.get(sweep)).spec
      expect(learned.length).toBeGreaterThan(10)
      expect(learned.every(({ sweep: of, parameters }) => of === teacher && Number(parameters["x"]) >= 0)).toBe(true)
      expect(learned.every(({ parameters, objective }) => objective === lossOf(parameters))).toBe(true)
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("stays what it was when the earlier sweep continues, and through a restart", () =>
    Effect.gen(function* () {
      const store = Layer.succeed(Store, yield* Store)
      const again = () => coordinator().pipe(Layer.provide(store))
      const teacher = SweepId.make("teacher")
      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        yield* api.submit(spec(0, 10, { name: "teacher" }))
        yield* some(teacher, 15)
        yield* api.submit(spec(0, 10, { name: "one", warmStart: [teacher] }))
        yield* api.submit(spec(0, 10, { name: "two", warmStart: [teacher] }))
      }).pipe(Effect.provide(again()))
      const one = yield* some(SweepId.make("one"), 8).pipe(Effect.provide(again()))
      yield* some(teacher, 15).pipe(Effect.provide(again()))
      const two = [
        ...(yield* some(SweepId.make("two"), 4).pipe(Effect.provide(again()))),
        ...(yield* some(SweepId.make("two"), 4).pipe(Effect.provide(again()))),
      ]
      expect(two).toEqual(one)
    }).pipe(Effect.provide(layerMemory)),
  )

  it.effect("refuses what cannot teach", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const teacher = yield* api.submit(spec(0, 10, { name: "teacher" }))
      yield* some(teacher, 3)
      const metric = { name: "accuracy", goal: "maximize", summary: "best", target: null } as const
      const messages: Array<string> = []
      for (const change of [
        { warmStart: ["teachr"] },
        { warmStart: [teacher], metric },
        { warmStart: [teacher], model: "/models/other" },
      ]) {
        messages.push((yield* Effect.flip(api.submit(spec(0, 10, change)))).message)
      }
      messages.push((yield* Effect.flip(api.submit(spec(50, 60, { warmStart: [teacher] })))).message)
      expect(messages).toEqual([
        "warm_start: there is no sweep named teachr; did you mean teacher?",
        expect.stringMatching(/its metric is eval\/loss, minimized, and here it is accuracy, maximized/),
        expect.stringMatching(/its model is \/models\/tiny/),
        expect.stringMatching(/none of the 3 sets/),
      ])
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("is learned again when an extension widens the space", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const teacher = yield* api.submit(spec(0, 10, { name: "teacher" }))
      yield* some(teacher, 20)
      const sweep = yield* api.submit(spec(0, 2, { name: "narrow", warmStart: [teacher] }))
      const before = (yield* api.get(sweep)).spec.learned!.length
      yield* api.extend(sweep, spec(0, 10, { warmStart: [teacher] }), 1)
      const { learned } = (yield* api.get(sweep)).spec
      expect(learned).toHaveLength(20)
      expect(before).toBeLessThan(20)
      yield* api.extend(sweep, spec(0, 10, { warmStart: [teacher], description: "x" }), 2)
      expect((yield* api.get(sweep)).spec.learned).toEqual(learned)
    }).pipe(Effect.provide(inMemory())),
  )
})
