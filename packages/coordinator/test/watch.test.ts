import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventually } from "@sweep/protocol/ScriptedAgent"
import { inMemory } from "./harness.ts"

describe("watching", () => {
  it.effect("gives a watcher that fell behind a new snapshot, and keeps no more for it", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec())
      const tags: Array<string> = []
      let asleep = true
      yield* Effect.forkChild(
        Stream.runForEach(api.watch(sweep), (event) =>
          Effect.gen(function* () {
            tags.push(event._tag)
            // Reads the first, and then nothing for a while.
            if (tags.length === 2)
              yield* eventually(
                "it wakes up",
                Effect.sync(() => !asleep),
              )
          }),
        ),
      )
      yield* eventually(
        "it has its snapshot",
        Effect.sync(() => tags.length > 0),
      )
      for (let i = 0; i < 1_500; i++) {
        yield* api.control(sweep, null, i % 2 === 0 ? "pause" : "resume", said(""))
      }
      asleep = false
      yield* eventually(
        "it catches up",
        Effect.sync(() => tags.length > 1 && tags.at(-1) === "Snapshot"),
      )
      expect(tags.filter((tag) => tag === "Snapshot")).toHaveLength(2)
      expect(tags.length).toBeLessThan(1_100)
      yield* api.control(sweep, null, "pause", said(""))
      yield* eventually(
        "it continues with facts",
        Effect.sync(() => tags.at(-1) === "Recorded"),
      )
    }).pipe(Effect.provide(inMemory())),
  )

  it.effect("reports progress at most five times a second", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec())
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      const steps: Array<number> = []
      yield* Effect.forkChild(
        Stream.runForEach(api.watch(sweep), (event) =>
          Effect.sync(() => {
            if (event._tag === "Progress") steps.push(event.progress[0]!.step)
          }),
        ),
      )
      yield* TestClock.adjust("1 second")
      const lines = evalLosses(...Array.from({ length: 50 }, (_, i) => 50 - i))
      for (let i = 0; i < 50; i++) {
        yield* agent.report(epoch, lines.slice(i, i + 1), i + 1)
        yield* agent.acknowledged(epoch, i + 1)
        yield* TestClock.adjust("20 millis")
      }
      yield* TestClock.adjust("1 second")
      yield* eventually(
        "the newest is shown",
        Effect.sync(() => steps.at(-1) === 500),
      )
      expect(steps.length).toBeGreaterThan(3)
      expect(steps.length).toBeLessThanOrEqual(7)
    }).pipe(Effect.provide(inMemory())),
  )
})
