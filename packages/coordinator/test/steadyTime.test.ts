import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { hoursUsed } from "@sweep/domain/budgetUse"
import { layerMemory } from "@sweep/store/Store"
import { created, submitted, sweep } from "@sweep/store/storeFixtures"
import { makeJournal } from "../src/state/Journal.ts"
import { SteadyTime } from "../src/state/SteadyTime.ts"

const hour = 3_600_000

describe("the time that facts are stamped with", () => {
  it("is the wall clock's while nobody sets it", () => {
    const time = new SteadyTime(1_000_000, 50, 0)
    for (const passed of [0, 1, 250, 3 * hour])
      expect(time.now(1_000_000 + passed, 50 + passed)).toBe(1_000_000 + passed)
  })

  it("passes over a step, forwards and back, and catches up with it at a tenth of the time that passes", () => {
    for (const step of [2 * hour, -2 * hour]) {
      const time = new SteadyTime(10 * hour, 0, 0)
      expect(time.now(10 * hour + step, 0)).toBe(10 * hour)
      expect(time.now(10 * hour + step + 14_000, 14_000)).toBe(10 * hour + 14_000 + Math.sign(step) * 1_400)
      let at = 0
      for (let passed = hour; passed <= 30 * hour; passed += hour) {
        const now = time.now(10 * hour + step + passed, passed)
        expect(now).toBeGreaterThan(at)
        at = now
      }
      expect(at).toBe(40 * hour + step)
    }
  })

  it("begins after the last stamp of a store, when the clock was set back while nothing ran", () => {
    const time = new SteadyTime(8 * hour, 0, 10 * hour)
    expect(time.now(8 * hour, 0)).toBe(10 * hour)
    // A stamp of years ahead is of a clock that was wrong.
    expect(new SteadyTime(8 * hour, 0, 10_000 * hour).now(8 * hour, 0)).toBe(8 * hour)
  })

  it.effect("keeps a budget of hours from being used up by a step of two", () =>
    Effect.gen(function* () {
      let wall = 100 * hour
      let elapsed = 0
      const real = yield* Clock.Clock
      const clock: typeof real = {
        ...real,
        currentTimeMillisUnsafe: () => wall,
        currentTimeMillis: Effect.sync(() => wall),
        monotonicTimeNanos: Effect.sync(() => BigInt(elapsed) * 1_000_000n),
      }
      yield* Effect.gen(function* () {
        const journal = yield* makeJournal
        yield* journal.record((at) => [{ ...submitted, at }])
        wall += 2 * hour + 14_000
        elapsed += 14_000
        yield* journal.record((at) => [{ ...created(1), at }])
        const state = journal.state.sweeps.get(sweep)!
        expect(hoursUsed(state, yield* journal.now) * 3_600).toBeCloseTo(15.4)
      }).pipe(Effect.provide(layerMemory), Effect.provideService(Clock.Clock, clock))
    }),
  )
})
