import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { batchOf, created, submitted } from "./storeFixtures.ts"
import { layer } from "../src/duckdb/DuckdbStore.ts"
import { restore } from "../src/duckdb/restore.ts"
import { Store } from "../src/Store.ts"
import { freshDirectory } from "./directory.ts"

const inStore = <A, E>(directory: string, body: (store: Store["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Store, body).pipe(Effect.provide(layer({ directory })))

const point = (store: Store["Service"], n: number) => store.ingest([batchOf(1, 1, [[n, "m", n, n]])], [])
const points = (store: Store["Service"]) =>
  Effect.map(store.query("SELECT count(*), max(step) FROM metrics", 1), ({ rows }) => rows[0]!.map(Number))

describe("a backup", () => {
  it.live("taken while it is written to is of one moment, and everything acknowledged before is in it", () =>
    Effect.gen(function* () {
      const [from, to] = [freshDirectory(), freshDirectory()]
      const file = join(from, "copy.duckdb")
      const { before, after } = yield* inStore(from, (store) =>
        Effect.gen(function* () {
          yield* store.append([submitted, created(1)])
          let acknowledged = 0
          const writing = yield* Effect.forkChild(
            Effect.forever(
              Effect.andThen(
                Effect.suspend(() => point(store, acknowledged + 1)),
                Effect.sync(() => ++acknowledged),
              ),
            ),
          )
          while (acknowledged < 20) yield* Effect.sleep("5 millis")
          const before = acknowledged
          yield* store.backup(file)
          const after = acknowledged
          yield* Fiber.interrupt(writing)
          // The folder it went through is empty again, and SQL sees nothing of it.
          expect(
            (yield* store.query("SELECT database_name FROM duckdb_databases() WHERE NOT internal", 9)).rows,
          ).toEqual([["sweep"]])
          return { before, after }
        }),
      )
      expect(after).toBeGreaterThan(before)
      expect(yield* restore({ file, directory: to, replace: false })).toMatchObject({
        sweeps: 1,
        facts: 2,
        movedTo: null,
      })
      yield* inStore(to, (store) =>
        Effect.gen(function* () {
          const [count, last] = yield* points(store)
          expect(count).toBe(last)
          expect(last).toBeGreaterThanOrEqual(before)
          expect((yield* store.highWater)[0]!.seq).toBe(last)
          // It resumes from there.
          yield* point(store, last! + 1)
          expect((yield* points(store))[0]).toBe(last! + 1)
          expect((yield* store.facts).slice(0, 2)).toEqual([submitted, created(1)])
        }),
      )
    }),
  )

  it.live("put back begins new epochs beyond those of attempts it knows nothing of", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      const file = join(directory, "copy.duckdb")
      yield* inStore(directory, (store) => Effect.andThen(store.append([submitted, created(1)]), store.backup(file)))
      const id = yield* inStore(directory, (store) => store.storeId)
      yield* restore({ file, directory, replace: true })
      expect(yield* inStore(directory, (store) => store.lastEpoch)).toBeGreaterThanOrEqual(1_000_000)
      const renewed = yield* inStore(directory, (store) => store.storeId)
      expect(renewed).not.toBe(id)
      expect(yield* inStore(directory, (store) => store.storeId)).toBe(renewed)
    }),
  )

  it.live("does not replace a database unless told to, and then keeps what was there", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      const file = join(directory, "copy.duckdb")
      yield* inStore(directory, (store) => Effect.andThen(store.append([submitted]), store.backup(file)))
      yield* inStore(directory, (store) => store.append([created(1)]))
      const refused = yield* Effect.flip(restore({ file, directory, replace: false }))
      expect(refused.message).toMatch(/is there already; --replace moves it aside/)
      const { movedTo } = yield* restore({ file, directory, replace: true })
      expect(yield* inStore(directory, (store) => store.facts)).toMatchObject([submitted, { _tag: "StoreRestored" }])
      expect(existsSync(movedTo!)).toBe(true)
    }),
  )

  it.live("that is none, or damaged, changes nothing", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      const file = join(directory, "copy.duckdb")
      yield* inStore(directory, (store) => Effect.andThen(store.append([submitted]), store.backup(file)))
      const whole = readFileSync(file)
      for (const bytes of [Buffer.from("not a database"), whole.subarray(0, whole.length / 2), Buffer.alloc(8192, 1)]) {
        writeFileSync(file, bytes)
        const error = yield* Effect.flip(restore({ file, directory, replace: true }))
        expect(error.message).toMatch(/is no backup of sweep, or damaged; nothing was changed/)
        expect(yield* inStore(directory, (store) => store.facts)).toEqual([submitted])
      }
      const missing = yield* Effect.flip(restore({ file: join(directory, "none"), directory, replace: true }))
      expect(missing.message).toMatch(/cannot be read/)
    }),
  )

  it.live("is not put under a coordinator", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      const file = join(directory, "copy.duckdb")
      yield* inStore(directory, (store) =>
        Effect.gen(function* () {
          yield* store.append([submitted])
          yield* store.backup(file)
          const error = yield* Effect.flip(restore({ file, directory, replace: true }))
          expect(error).toMatchObject({ reason: "locked", message: expect.stringContaining(`PID ${process.pid}`) })
          expect(yield* store.facts).toEqual([submitted])
        }),
      )
    }),
  )
})
