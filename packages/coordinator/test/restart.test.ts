// A coordinator that dies and comes back on the same directory, with real sockets and the real database.
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Epoch } from "@sweep/domain/Id"
import { TrialNumber } from "@sweep/domain/Id"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layer as duckdb } from "@sweep/store/DuckdbStore"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { connectAgent, evalLosses, eventually, finished, slotsOf } from "@sweep/protocol/ScriptedAgent"
import { coordinator, overGrpc, sweepIs, trialIs } from "./harness.ts"

const on = (directory: string) => overGrpc(coordinator().pipe(Layer.provide(duckdb({ directory }))))

describe("a coordinator that starts again", () => {
  it.live("continues with the same sweep, its trials, epochs and acknowledged lines", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "sweep-restart-"))
      const losses = [5, 4, 3]

      const before = yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec())
        const agent = yield* connectAgent()
        const one = yield* agent.next("Assign")
        yield* agent.complete(one.epoch, evalLosses(9))
        yield* agent.confirmed(one.epoch)
        const two = yield* agent.next("Assign")
        yield* agent.report(two.epoch, evalLosses(...losses.slice(0, 2)))
        yield* agent.acknowledged(two.epoch, 2)
        return { sweep, epoch: two.epoch, state: yield* api.get(sweep) }
      }).pipe(Effect.scoped, Effect.provide(on(directory)))

      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const { sweep, epoch } = before
        const after = yield* api.get(sweep)
        expect(after.trials.size).toBe(2)
        expect(after.trials.get(TrialNumber.make(2))).toMatchObject({ state: "running", epoch, attempt: 1 })
        expect(after.trials.get(TrialNumber.make(1))).toMatchObject({ state: "completed", objective: 9 })
        // Nothing is dispatched again to somebody else while its agent may come back.
        const other = yield* connectAgent({ id: "other" })
        expect((yield* other.next("Assign")).trial).toBe(3)
        const agent = yield* connectAgent({ held: [{ epoch, slot: 0, running: true }] })
        expect(yield* agent.next("Welcome")).toMatchObject({ acknowledged: [{ epoch, seq: 2 }], discard: [] })
        yield* agent.report(epoch, evalLosses(...losses).slice(2), 3)
        yield* agent.ended(epoch, 3, finished())
        expect(yield* trialIs(sweep, 2, "completed")).toMatchObject({ objective: 3, attempt: 1 })
        const next = yield* agent.next("Assign")
        expect(next).toMatchObject({ trial: 4, attempt: 1 })
        expect(next.epoch).toBeGreaterThan(epoch)
        const { curves } = yield* api.results(sweep, { maxPoints: 100 })
        expect(curves.find(({ trial }) => trial === 2)?.points.map(({ value }) => value)).toEqual(losses)
      }).pipe(Effect.scoped, Effect.provide(on(directory)))
    }),
  )

  it.live("finishes what was left over, also a verdict that was not reached", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "sweep-restart-"))
      const sweep = yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const agent = yield* connectAgent()
        const submitted = yield* api.submit(exampleSpec({ budget: { trials: 1, gpuHours: null, hours: null } }))
        const { epoch } = yield* agent.next("Assign")
        yield* agent.complete(epoch, evalLosses(2))
        yield* agent.confirmed(epoch)
        return submitted
      }).pipe(Effect.scoped, Effect.provide(on(directory)))
      yield* Effect.gen(function* () {
        const { trials } = yield* sweepIs(sweep, "finished")
        expect(trials.get(TrialNumber.make(1))?.verdict).not.toBeNull()
      }).pipe(Effect.provide(on(directory)))
    }),
  )

  it.live("knows after a restart at which epochs the stored reports were", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "sweep-restart-"))
      const asha = { type: "asha", min_resource: 1, max_resource: 4, eta: 2, mode: "stop", brackets: 1 }
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
      const epoch = yield* Effect.gen(function* () {
        const api = yield* SweepApi
        yield* api.submit(
          exampleSpec({
            earlyTerminate: { ...asha, resource: "epoch" },
            enqueue: [
              { rank: 1, epochs: 4 },
              { rank: 2, epochs: 4 },
            ],
          }),
        )
        const agent = yield* connectAgent()
        const one = yield* agent.next("Assign")
        yield* agent.report(one.epoch, [], 1, [started(40)])
        yield* agent.report(one.epoch, evalLosses(1), 2)
        yield* agent.acknowledged(one.epoch, 2)
        return one.epoch
      }).pipe(Effect.scoped, Effect.provide(on(directory)))
      yield* Effect.gen(function* () {
        const agent = yield* connectAgent({ slots: slotsOf(2), held: [{ epoch, slot: 0, running: true }] })
        const two = yield* agent.next("Assign")
        yield* agent.report(two.epoch, [], 1, [started(40)])
        yield* agent.report(two.epoch, evalLosses(5), 2)
        expect((yield* agent.next("Stop")).reason).toMatchObject({ resource: "epoch", at: 1, place: 2, among: 2 })
      }).pipe(Effect.scoped, Effect.provide(on(directory)))
    }),
  )

  it.live("knows after a restart how long trials had taken to their reports", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "sweep-restart-"))
      const asha = { type: "asha", resource: "seconds", min_resource: 2, max_resource: 9, eta: 2 }
      const epoch = yield* Effect.gen(function* () {
        yield* (yield* SweepApi).submit(exampleSpec({ earlyTerminate: { ...asha, mode: "stop", brackets: 1 } }))
        const agent = yield* connectAgent()
        const one = yield* agent.next("Assign")
        // A report a second.
        yield* agent.report(one.epoch, evalLosses(1, 1, 1))
        yield* agent.acknowledged(one.epoch, 3)
        return one.epoch
      }).pipe(Effect.scoped, Effect.provide(on(directory)))
      yield* Effect.gen(function* () {
        const agent = yield* connectAgent({ slots: slotsOf(2), held: [{ epoch, slot: 0, running: true }] })
        const two = yield* agent.next("Assign")
        yield* agent.report(two.epoch, evalLosses(5, 5, 5))
        expect((yield* agent.next("Stop")).reason).toMatchObject({ resource: "seconds", at: 2, place: 2, among: 2 })
      }).pipe(Effect.scoped, Effect.provide(on(directory)))
    }),
  )

  it.live("suggests after a restart what it would have suggested without", () =>
    Effect.gen(function* () {
      const spec = exampleSpec({
        method: "random",
        budget: { trials: 6, gpuHours: null, hours: null },
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
      const directories = [1, 2].map(() => mkdtempSync(join(tmpdir(), "sweep-restart-")))
      const some = (count: number) =>
        Effect.gen(function* () {
          const api = yield* SweepApi
          const known = (yield* api.list)[0]?.id
          const sweep = known ?? (yield* api.submit(spec))
          const agent = yield* connectAgent()
          for (let i = 0; i < count; i++) {
            const { epoch, trial } = yield* agent.next("Assign")
            yield* agent.complete(epoch, evalLosses(trial))
            yield* agent.confirmed(epoch)
          }
          yield* eventually(
            "all of them have ended",
            Effect.map(
              api.get(sweep),
              ({ trials }) => Array.from(trials.values()).filter(({ state }) => state === "completed").length >= count,
            ),
          )
          return Array.from((yield* api.get(sweep)).trials.values(), ({ parameters }) => parameters)
        }).pipe(Effect.scoped)
      const whole = yield* some(6).pipe(Effect.provide(on(directories[0]!)))
      yield* some(3).pipe(Effect.provide(on(directories[1]!)))
      // The fourth may have been assigned before the end: its agent comes back without it, and it is assigned again.
      const restarted = yield* some(3).pipe(Effect.provide(on(directories[1]!)))
      expect(whole).toHaveLength(6)
      expect(restarted).toEqual(whole)
    }),
  )
})

describe("many agents at once", () => {
  it.live("loses and doubles nothing of six agents that come and go", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "sweep-many-"))
      const agents = 6
      const perTrial = 40
      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(
          exampleSpec({
            method: "random",
            budget: { trials: 24, gpuHours: null, hours: null },
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
          }),
        )
        const lines = Array.from({ length: perTrial }, (_, i) => ({
          step: i + 1,
          values: { [i === perTrial - 1 ? "eval/loss" : "train/loss"]: 10 - i / 10 },
        }))
        const ended = yield* Effect.forkChild(Stream.runDrain(api.watch(sweep)))

        /** Works, and breaks off in the middle of every third trial. */
        const work = (id: string) =>
          Effect.gen(function* () {
            let held: { readonly epoch: Epoch; readonly from: number } | undefined
            for (let round = 0; ; round++) {
              const over = yield* Effect.gen(function* () {
                const agent = yield* connectAgent({
                  id,
                  held: held === undefined ? [] : [{ epoch: held.epoch, slot: 0, running: true }],
                })
                const welcome = yield* agent.next("Welcome")
                for (let n = 0; ; n++) {
                  const resumed = held
                  let epoch: Epoch
                  let from = 0
                  if (resumed === undefined) {
                    const assign = yield* Effect.raceFirst(
                      Effect.map(agent.next("Assign"), (message) => message.epoch),
                      Effect.as(Fiber.await(ended), null),
                    )
                    if (assign === null) return true
                    epoch = assign
                  } else {
                    epoch = resumed.epoch
                    from = welcome.acknowledged[0]!.seq
                    held = undefined
                  }
                  for (let at = from; at < perTrial; at += 10) {
                    yield* agent.report(epoch, lines.slice(at, at + 10), at + 1)
                    if (n === 1 && at === 20) {
                      held = { epoch, from: at }
                      return false
                    }
                  }
                  yield* agent.ended(epoch, perTrial, finished())
                  yield* agent.confirmed(epoch)
                }
              }).pipe(Effect.scoped)
              if (over) return
            }
          })
        yield* Effect.forEach(
          Array.from({ length: agents }, (_, i) => `agent-${i}`),
          work,
          { concurrency: "unbounded", discard: true },
        )
        const { sweep: state, curves } = yield* api.results(sweep, { maxPoints: 1_000 })
        const trials = Array.from(state.trials.values())
        expect(trials).toHaveLength(24)
        expect(trials.every(({ state: at, attempt }) => at === "completed" && attempt === 1)).toBe(true)
        const points = curves.filter(({ metric }) => metric === "train/loss").map((curve) => curve.points.length)
        expect(points).toEqual(Array.from({ length: 24 }, () => perTrial - 1))
        const { rows } = yield* api.query("SELECT count(*) AS points FROM metrics", 1)
        expect(Number(rows[0]?.[0])).toBe(24 * perTrial)
      }).pipe(Effect.provide(on(directory)))
    }),
  )
})
