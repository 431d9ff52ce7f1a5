// Users' SQL in a process of its own: what it reads, and that nothing it does holds up a commit.
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { layer } from "../src/duckdb/DuckdbStore.ts"
import { Store } from "../src/Store.ts"
import { freshDirectory } from "./directory.ts"
import { assigned, batchOf, created, epochNumber, submitted, sweep, trialNumber } from "./storeFixtures.ts"

const endless =
  "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c WHERE a.range + b.range + c.range < 0"

describe("a query process", () => {
  it.live("reads what is committed when it is asked, also after the removal of a sweep", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const count = Effect.map(store.query("SELECT count(*) FROM metrics", 1), ({ rows }) => rows[0]![0])
      expect(yield* count).toBe(0)
      yield* store.append([submitted, created(1), assigned(1, 1)])
      yield* store.ingest([batchOf(1, 1, [[1, "eval/loss", 0, 2]])], [])
      expect(yield* count).toBe(1)
      yield* store.ingest([batchOf(1, 1, [[2, "eval/loss", 10, 1]])], [])
      expect(yield* count).toBe(2)
      expect((yield* store.query("SELECT sweep, state FROM trials", 9)).rows).toHaveLength(1)
      yield* store.append([{ _tag: "SweepRemoved", at: 0, sweep, epoch: epochNumber(1) }])
      expect(yield* count).toBe(0)
    }).pipe(Effect.provide(layer({ directory: freshDirectory(), queryProcess: true }))),
  )

  it.live("that never ends delays no commit, and is ended by its limit", () =>
    Effect.gen(function* () {
      const store = yield* Store
      yield* store.append([submitted, created(1), assigned(1, 1)])
      yield* store.query("SELECT 1", 1)
      const queries = yield* Effect.forEach(Array.from({ length: 6 }), () =>
        Effect.forkChild(Effect.flip(store.query(endless, 1))),
      )
      let slowest = 0
      for (let seq = 1; seq <= 20; seq++) {
        const began = performance.now()
        yield* store.ingest([batchOf(1, 1, [[seq, "eval/loss", seq, 1]])], [])
        yield* store.lastValues(sweep, [trialNumber(1)])
        slowest = Math.max(slowest, performance.now() - began)
      }
      console.log(`a commit and a read beside six endless queries: ${Math.round(slowest)} ms at most`)
      // Before, they waited until the queries had reached their limit.
      expect(queries.every((fiber) => fiber.pollUnsafe() === undefined)).toBe(true)
      for (const fiber of queries) expect((yield* Fiber.join(fiber)).message).toMatch(/ran longer than/)
    }).pipe(Effect.provide(layer({ directory: freshDirectory(), queryProcess: true, queryTimeout: "5 seconds" }))),
  )

  it.live("ends with what takes too much memory or answers with too much, and another one continues", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const said = (sql: string) => Effect.map(Effect.flip(store.query(sql, 1_000_000)), ({ message }) => message)
      expect(yield* said("SELECT list(range) FROM range(1000000000)")).toMatch(/memory/i)
      expect(yield* said("SELECT repeat('x', 1000) FROM range(100000)")).toMatch(/larger than 16 MiB/)
      for (const limit of [-1, 4_294_967_295, Number.NaN]) {
        expect((yield* Effect.flip(store.query("SELECT 1", limit))).message).toMatch(/limit of rows/)
      }
      expect((yield* store.query("SELECT 1", 1)).rows).toEqual([[1]])
    }).pipe(Effect.provide(layer({ directory: freshDirectory(), queryProcess: true, queryTimeout: "20 seconds" }))),
  )
})
