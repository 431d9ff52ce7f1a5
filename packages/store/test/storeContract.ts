// What every store has to do, as one suite that each layer's test runs. Owns the promises of the contract that can be
// seen from outside; durability across restarts and processes is tested where there is a file.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { curveFeatures, evalLoss, trainLoss } from "@sweep/domain/Curve"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, SweepId } from "@sweep/domain/Id"
import type { TrialEvent } from "@sweep/domain/TrialEvent"
import { said } from "@sweep/domain/Reason"
import type { HighWater, LogChunk } from "../src/EventBatch.ts"
import { Store, type StoreError } from "../src/Store.ts"
import {
  assigned,
  batchOf,
  created,
  epochNumber,
  logOf,
  type Point,
  submitted,
  sweep,
  trialNumber,
} from "./storeFixtures.ts"

const mark = (epoch: number, seq: number, stdout = 0, stderr = 0): HighWater => ({
  epoch: epochNumber(epoch),
  seq,
  stdout,
  stderr,
})
const at = "2026-01-01T00:00:00.000Z"
const sample = (seq: number, probe: number, answer: string): TrialEvent => ({
  seq,
  at,
  type: "sample",
  probe,
  prompt: "?",
  answer,
})

/** Runs the suite; `layer` makes a fresh, empty store. */
export const storeContract = (name: string, layer: () => Layer.Layer<Store, StoreError>): void => {
  const test = (what: string, body: (store: Store["Service"]) => Effect.Effect<void, unknown>) =>
    it.live(what, () => Effect.flatMap(Store, body).pipe(Effect.provide(layer())))

  describe(`${name} keeps the contract of the store`, () => {
    test("an empty store answers everything with nothing", (store) =>
      Effect.gen(function* () {
        expect(yield* store.facts).toEqual([])
        expect(yield* store.lastEpoch).toBe(0)
        expect(yield* store.highWater).toEqual([])
        expect(yield* store.curves(sweep, {})).toEqual([])
        expect(yield* store.features(sweep)).toEqual([])
        expect(yield* store.details(sweep)).toEqual([])
        expect(yield* store.attempts(sweep)).toEqual([])
        expect(yield* store.lastValues(sweep, [trialNumber(1)])).toEqual([])
        expect(yield* store.log(sweep, trialNumber(1), "stdout", { epoch: null, offset: 0 }, 100)).toEqual({
          epoch: null,
          text: "",
          end: 0,
        })
        yield* store.append([])
        expect(yield* store.ingest([], [])).toEqual([])
      }))

    test("gives facts back as they were, in the order of their commits", (store) =>
      Effect.gen(function* () {
        const facts: ReadonlyArray<Fact> = [
          submitted,
          created(1),
          {
            ...created(2),
            parameters: { "optimizer.lr": 1e-30, on: true, none: null, text: "„ü\u0000\u{1f600}'\"\n" },
          } as Fact,
          assigned(1, 41),
          { _tag: "AgentConnected", at: 1.5, agent: AgentId.make("host"), version: "1", devices: ["cpu"] },
        ]
        yield* store.append(facts.slice(0, 2))
        yield* store.append(facts.slice(2))
        expect(yield* store.facts).toEqual(facts)
        expect(yield* store.lastEpoch).toBe(41)
      }))

    test("has an id, and another one once a backup was put back", (store) =>
      Effect.gen(function* () {
        const id = yield* store.storeId
        expect(id).not.toBe("")
        yield* store.append([submitted])
        expect(yield* store.storeId).toBe(id)
        yield* store.append([{ _tag: "StoreRestored", at: 1, epoch: epochNumber(9), from: "copy" }])
        expect(yield* store.storeId).not.toBe(id)
      }))

    test("keeps the order of concurrent appends", (store) =>
      Effect.gen(function* () {
        const facts = Array.from({ length: 200 }, (_, i) => created(i + 1))
        yield* Effect.all(
          facts.map((fact) => store.append([fact])),
          { concurrency: "unbounded" },
        )
        expect(yield* store.facts).toEqual(facts)
      }))

    test("takes lines once, however often and however cut they are sent", (store) =>
      Effect.gen(function* () {
        const lines: ReadonlyArray<Point> = [1, 2, 3, 4, 5, 6].map((n) => [n, evalLoss, n * 10, n])
        const send = (from: number, to: number) => store.ingest([batchOf(1, 9, lines.slice(from - 1, to))], [])
        expect(yield* send(1, 3)).toEqual([mark(9, 3)])
        expect(yield* send(1, 3)).toEqual([mark(9, 3)])
        // One that overlaps in part adds its new lines only.
        expect(yield* send(2, 5)).toEqual([mark(9, 5)])
        expect(yield* store.highWater).toEqual([mark(9, 5)])
        const [curve] = yield* store.curves(sweep, {})
        expect(curve!.points).toEqual([1, 2, 3, 4, 5].map((n) => ({ step: n * 10, value: n })))
      }))

    test("refuses a batch that would leave a hole, and says from where to continue", (store) =>
      Effect.gen(function* () {
        expect(yield* store.ingest([batchOf(1, 9, [[2, evalLoss, 1, 1]])], [])).toEqual([mark(9, 0)])
        expect(yield* store.ingest([batchOf(1, 9, [[1, evalLoss, 1, 1]])], [])).toEqual([mark(9, 1)])
        expect(yield* store.ingest([batchOf(1, 9, [[3, evalLoss, 3, 3]])], [])).toEqual([mark(9, 1)])
        expect((yield* store.curves(sweep, {}))[0]!.points).toEqual([{ step: 1, value: 1 }])
      }))

    test("moves the mark over lines that left nothing", (store) =>
      Effect.gen(function* () {
        expect(yield* store.ingest([batchOf(1, 9, [], [], [1, 4])], [])).toEqual([mark(9, 4)])
        expect(yield* store.ingest([batchOf(1, 9, [[5, evalLoss, 1, 1]])], [])).toEqual([mark(9, 5)])
      }))

    test("takes several batches and logs of several attempts in one call, and names each attempt once", (store) =>
      Effect.gen(function* () {
        const marks = yield* store.ingest(
          [
            batchOf(1, 3, [[1, evalLoss, 1, 1]]),
            batchOf(2, 4, [[1, evalLoss, 1, 2]]),
            batchOf(1, 3, [[2, evalLoss, 2, 3]]),
          ],
          [logOf(1, 3, 0, "abc"), logOf(1, 3, 0, "x", "stderr"), logOf(5, 6, 0, "é")],
        )
        expect(marks).toEqual([mark(3, 2, 3, 1), mark(4, 1), mark(6, 0, 2)])
        expect(yield* store.highWater).toEqual(marks)
      }))

    test("keeps NaN and infinities", (store) =>
      Effect.gen(function* () {
        const values = [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.5, 5e-324]
        yield* store.ingest(
          [
            batchOf(
              1,
              9,
              values.map((value, i) => [i + 1, "m", i, value]),
            ),
          ],
          [],
        )
        const [curve] = yield* store.curves(sweep, {})
        expect(curve!.points.map(({ value }) => value)).toEqual(values)
        expect(yield* store.lastValues(sweep, [trialNumber(1)])).toEqual([
          {
            trial: 1,
            metric: "m",
            step: 5,
            last: 5e-324,
            min: Number.NEGATIVE_INFINITY,
            max: Number.POSITIVE_INFINITY,
          },
        ])
        yield* store.ingest([batchOf(2, 10, [[1, "m", 0, Number.NaN]])], [])
        expect((yield* store.lastValues(sweep, [trialNumber(2)]))[0]).toMatchObject({
          min: Number.NaN,
          max: Number.NaN,
        })
        const both = yield* store.lastValues(sweep, [trialNumber(2), trialNumber(1)])
        expect(both.map(({ trial }) => trial)).toEqual([1, 2])
      }))

    test("takes nothing of an attempt after which its trial was assigned again", (store) =>
      Effect.gen(function* () {
        const assigned = (epoch: number) => ({
          _tag: "TrialAssigned" as const,
          at: 0,
          sweep,
          trial: trialNumber(1),
          epoch: epochNumber(epoch),
          attempt: epoch,
          agent: AgentId.make("host"),
          slot: 0,
        })
        yield* store.append([assigned(1)])
        yield* store.ingest([batchOf(1, 1, [[1, "m", 1, 1]])], [])
        yield* store.append([assigned(2)])
        const late = batchOf(1, 1, [[2, "m", 2, 2]])
        expect(yield* store.ingest([late], [])).toMatchObject([{ epoch: 1, seq: 1 }])
        yield* store.ingest([batchOf(1, 2, [[1, "m", 1, 3]])], [])
        const [curve] = yield* store.curves(sweep, {})
        expect(curve!.points).toEqual([{ step: 1, value: 3 }])
      }))

    test("lets the newest attempt's value of a step stand, and of an attempt the last line's", (store) =>
      Effect.gen(function* () {
        yield* store.ingest(
          [
            batchOf(1, 20, [
              [1, "m", 10, 1],
              [2, "m", 20, 2],
              [3, "m", 20, 2.5],
              [4, "m", 30, 3],
            ]),
          ],
          [],
        )
        yield* store.ingest(
          [
            batchOf(1, 21, [
              [1, "m", 20, 22],
              [2, "m", 40, 44],
            ]),
          ],
          [],
        )
        // An old attempt's late lines do not come back over the newer one's.
        yield* store.ingest([batchOf(1, 20, [[5, "m", 40, 4]])], [])
        expect((yield* store.curves(sweep, {}))[0]!.points).toEqual([
          { step: 10, value: 1 },
          { step: 20, value: 22 },
          { step: 30, value: 3 },
          { step: 40, value: 44 },
        ])
      }))

    test("knows when the points of a metric were reported, of every step the newest attempt's", (store) =>
      Effect.gen(function* () {
        yield* store.ingest(
          [
            batchOf(2, 1, [
              [1, "a", 5, 1],
              [2, "a", 10, 1],
              [3, "b", 20, 1],
            ]),
            batchOf(1, 2, [[7, "a", 1, 1]], [], [1, 7]),
            batchOf(2, 3, [[9, "a", 10, 2]], [], [1, 9]),
          ],
          [],
        )
        const at = (seq: number) => 1_700_000_000_000 + seq
        expect(yield* store.times(sweep, "a")).toEqual([
          { trial: 1, steps: new Map([[1, at(7)]]) },
          {
            trial: 2,
            steps: new Map([
              [5, at(1)],
              [10, at(9)],
            ]),
          },
        ])
        expect(yield* store.times(sweep, "c")).toEqual([])
      }))

    test("filters curves by trial and metric, and gives them by trial and metric", (store) =>
      Effect.gen(function* () {
        yield* store.ingest(
          [
            batchOf(2, 2, [
              [1, "b", 1, 1],
              [2, "a", 1, 1],
            ]),
            batchOf(1, 1, [
              [1, "b", 1, 1],
              [2, "a", 1, 1],
            ]),
          ],
          [],
        )
        const named = (options: Parameters<typeof store.curves>[1]) =>
          Effect.map(store.curves(sweep, options), (curves) => curves.map(({ trial, metric }) => `${trial}/${metric}`))
        expect(yield* named({})).toEqual(["1/a", "1/b", "2/a", "2/b"])
        expect(yield* named({ metrics: ["a"], trials: [trialNumber(2)] })).toEqual(["2/a"])
        expect(yield* named({ metrics: [] })).toEqual([])
        expect(yield* named({ trials: [] })).toEqual([])
        expect(yield* store.curves(SweepId.make("other"), {})).toEqual([])
      }))

    test("keeps first, last, minimum and maximum when it thins a curve out", (store) =>
      Effect.gen(function* () {
        const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i / 9) + i / 500)
        values[333] = 99
        values[667] = -99
        values[500] = Number.NaN
        yield* store.ingest(
          [
            batchOf(
              1,
              1,
              values.map((value, i) => [i + 1, "m", i * 2, value]),
            ),
          ],
          [],
        )
        for (const maxPoints of [4, 5, 17, 100, 999]) {
          const [curve] = yield* store.curves(sweep, { maxPoints })
          const steps = curve!.points.map(({ step }) => step)
          expect(steps.length).toBeLessThanOrEqual(maxPoints)
          expect(steps.length).toBeGreaterThan(maxPoints / 3)
          expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b))
          expect(steps).toEqual(expect.arrayContaining([0, 666, 1334, 1998]))
          for (const { step, value } of curve!.points) expect(value).toBe(values[step / 2])
        }
        expect((yield* store.curves(sweep, { maxPoints: 1000 }))[0]!.points).toHaveLength(1000)
      }))

    test("computes the features that domain defines", (store) =>
      Effect.gen(function* () {
        const evals = [3, 2, 1.5, 1.2, 1.3, 1.35, 1.5].map((value, i): Point => [i * 10 + 1, evalLoss, i * 10, value])
        const train = Array.from({ length: 60 }, (_, i): Point => [0, trainLoss, i + 1, 2.5 - i / 40])
        const lines = [...evals, ...train].sort((a, b) => a[2] - b[2]).map(([, ...rest], i): Point => [i + 1, ...rest])
        yield* store.ingest(
          [batchOf(1, 1, lines), batchOf(2, 2, [[1, trainLoss, 1, Number.NaN]]), batchOf(3, 3, [[1, "other", 1, 1]])],
          [],
        )
        const [first, second, ...none] = yield* store.features(sweep)
        const points = (from: ReadonlyArray<Point>) => from.map(([, , step, value]) => ({ step, value }))
        const expected = curveFeatures(sweep, trialNumber(1), points(evals), points(train))
        const close = { train: expected.train.map((value) => (value === null ? null : expect.closeTo(value, 9))) }
        expect(first).toEqual({ ...expected, ...close })
        expect(expected).toMatchObject({ steps: [0, 10, 20, 30, 40, 50, 60], nonFiniteStep: null, metricValues: [] })
        expect(expected.train[0]).toBeNull()
        yield* store.ingest(
          [
            batchOf(4, 4, [
              [1, "val_loss", 5, 2],
              [2, "loss", 4, 1.5],
              [3, "eval_loss", 5, 3],
            ]),
          ],
          [],
        )
        // Names of other programs: of each loss the first, or the one that trials are ranked by.
        expect(yield* store.features(sweep, [trialNumber(4)])).toMatchObject([{ evals: [3], train: [1.5] }])
        const byItsName = { evals: [2], train: [1.5], metricValues: [] }
        expect(yield* store.features(sweep, [trialNumber(4)], "val_loss")).toMatchObject([byItsName])
        const byTrain = { evals: [3], train: [null], metricValues: [1.5] }
        expect(yield* store.features(sweep, [trialNumber(4)], "loss")).toMatchObject([byTrain])
        const ranked = yield* store.features(sweep, [1, 2, 3].map(trialNumber), "other")
        expect(ranked.map(({ metricSteps, metricValues }) => [metricSteps, metricValues])).toEqual([
          [[], []],
          [[], []],
          [[1], [1]],
        ])
        expect(second).toEqual(curveFeatures(sweep, trialNumber(2), [], [{ step: 1, value: Number.NaN }]))
        expect(none).toEqual([])
        expect((yield* store.features(sweep, [trialNumber(2)])).map(({ trial }) => trial)).toEqual([2])
      }))

    test("keeps what the trainer said besides metrics, from the newest attempt that said it", (store) =>
      Effect.gen(function* () {
        const started = (seq: number, pid: number): TrialEvent => ({
          seq,
          at,
          type: "started",
          pid,
          warm: true,
          versions: { torch: "2" },
          device: "cpu",
        })
        const finished: TrialEvent = {
          seq: 3,
          at,
          type: "finished",
          step: 9,
          values: { "eval/loss": "NaN" },
          interrupted: false,
        }
        const post: TrialEvent = {
          seq: 4,
          at,
          type: "post",
          post: "norm",
          before: { "eval/loss": 1.5 },
          after: { "eval/loss": 1.25 },
          layers: [{ module: "layers.0.q_proj", rank: 8, kept: 5, similarity: 0.5 }],
        }
        yield* store.ingest(
          [
            batchOf(1, 1, [], [started(1, 100), sample(2, 1, "old one"), sample(3, 0, "old zero")]),
            batchOf(1, 2, [], [started(1, 200), sample(2, 0, "new"), finished, post]),
            batchOf(2, 3, [[1, "m", 1, 1]]),
          ],
          [],
        )
        expect(yield* store.details(sweep)).toEqual([
          { trial: 1, started: started(1, 200), memory: null, finished, post, samples: [sample(2, 0, "new")] },
        ])
      }))

    test("tells each dispatch, when it ended and how", (store) =>
      Effect.gen(function* () {
        const trial = trialNumber(1)
        yield* store.append([
          submitted,
          created(1),
          created(2),
          assigned(1, 1),
          { _tag: "TrialStarted", at: 4, sweep, trial, epoch: epochNumber(1) },
          { _tag: "TrialReleased", at: 5, sweep, trial, epoch: epochNumber(1), cause: said("agent lost") },
          { ...assigned(1, 2, 2), at: 6 } as Fact,
          assigned(2, 3),
          // Of the attempt before: says nothing of this one.
          { _tag: "TrialCompleted", at: 7, sweep, trial, epoch: epochNumber(1), objective: 1, step: 1, values: {} },
          { _tag: "TrialCompleted", at: 8, sweep, trial, epoch: epochNumber(2), objective: 1, step: 1, values: {} },
        ])
        const agent = AgentId.make("host")
        expect(yield* store.attempts(sweep)).toEqual([
          { trial: 1, attempt: 1, agent, assignedAt: 3, endedAt: 5, end: "released", cause: said("agent lost") },
          { trial: 1, attempt: 2, agent, assignedAt: 6, endedAt: 8, end: "completed", cause: null },
          { trial: 2, attempt: 1, agent, assignedAt: 3, endedAt: null, end: null, cause: null },
        ])
      }))

    test("gives a log by byte offsets, whole characters only", (store) =>
      Effect.gen(function* () {
        const text = "héllo wörld 训练 done\n"
        const bytes = Buffer.from(text)
        yield* store.ingest([], [logOf(1, 1, 0, "héllo w"), logOf(1, 1, 8, "örld 训练 done\n")])
        const trial = trialNumber(1)
        const all = yield* store.log(sweep, trial, "stdout", { epoch: null, offset: 0 }, 1000)
        expect(all).toEqual({ epoch: 1, text, end: bytes.length })
        for (const limit of [1, 2, 3, 5, 8]) {
          let read = ""
          let offset = 0
          while (offset < bytes.length) {
            const part = yield* store.log(sweep, trial, "stdout", { epoch: all.epoch, offset }, limit)
            expect(part.end).toBeGreaterThan(offset)
            expect(part.end - offset).toBeLessThanOrEqual(Math.max(limit, 4))
            read += part.text
            offset = part.end
          }
          expect(read).toBe(text)
        }
        expect(yield* store.log(sweep, trial, "stderr", { epoch: null, offset: 0 }, 10)).toEqual({
          epoch: 1,
          text: "",
          end: 0,
        })
        // Resent and overlapping chunks change nothing, a hole is refused.
        expect(yield* store.ingest([], [logOf(1, 1, 8, "örld 训练 done\nmore"), logOf(1, 1, 900, "far")])).toEqual([
          mark(1, 0, bytes.length + 4),
        ])
        // A new attempt's log begins again.
        yield* store.ingest([], [logOf(1, 2, 0, "again")])
        expect(yield* store.log(sweep, trial, "stdout", { epoch: epochNumber(1), offset: 20 }, 1000)).toEqual({
          epoch: 2,
          text: "again",
          end: 5,
        })
      }))

    test("of a removed sweep nothing is left but that fact, and what comes later is skipped", (store) =>
      Effect.gen(function* () {
        const other = SweepId.make("other")
        const ofOther = { ...assigned(1, 3), sweep: other } as Fact
        const removed: Fact = { _tag: "SweepRemoved", at: 9, sweep, epoch: epochNumber(7) }
        yield* store.append([submitted, created(1), assigned(1, 1), { ...submitted, sweep: other } as Fact, ofOther])
        yield* store.ingest(
          [
            batchOf(1, 1, [[1, evalLoss, 1, 1]], [sample(2, 0, "a")]),
            { ...batchOf(1, 3, [[1, "m", 1, 5]]), sweep: other },
          ],
          [logOf(1, 1, 0, "abc")],
        )
        expect([yield* store.countPoints(sweep), yield* store.countPoints(other)]).toEqual([1, 1])
        // Together with what is written at the same time.
        yield* Effect.all(
          [
            store.ingest([batchOf(1, 1, [[3, "m", 2, 2]])], []),
            store.append([removed]),
            store.ingest([batchOf(1, 1, [[4, "m", 3, 3]])], [logOf(1, 1, 3, "d")]),
          ],
          { concurrency: "unbounded" },
        )
        expect(yield* store.ingest([batchOf(1, 1, [[1, "m", 1, 1]])], [logOf(1, 1, 0, "x")])).toEqual([mark(1, 0)])
        expect(yield* store.ingest([batchOf(2, 9, [[1, "m", 1, 1]])], [])).toEqual([mark(9, 0)])
        expect(yield* store.facts).toEqual([{ ...submitted, sweep: other }, ofOther, removed])
        expect(yield* store.lastEpoch).toBe(7)
        expect(yield* store.highWater).toEqual([mark(3, 1)])
        expect(yield* store.countPoints(sweep)).toBe(0)
        expect(yield* store.curves(sweep, {})).toEqual([])
        expect(yield* store.details(sweep)).toEqual([])
        expect(yield* store.attempts(sweep)).toEqual([])
        expect((yield* store.log(sweep, trialNumber(1), "stdout", { epoch: null, offset: 0 }, 100)).epoch).toBeNull()
        expect(yield* store.curves(other, {})).toEqual([{ trial: 1, metric: "m", points: [{ step: 1, value: 5 }] }])
      }))

    test("keeps log bytes that are no UTF-8 as the replacement characters they became", (store) =>
      Effect.gen(function* () {
        const broken: LogChunk = { ...logOf(1, 1, 0, ""), text: "a\u{fffd}b", end: 3 }
        expect(yield* store.ingest([], [broken, { ...broken, offset: 1, end: 9 }])).toEqual([mark(1, 0, 3)])
        expect(yield* store.log(sweep, trialNumber(1), "stdout", { epoch: null, offset: 0 }, 2)).toEqual({
          epoch: 1,
          text: "a\u{fffd}b",
          end: 3,
        })
      }))
  })
}
