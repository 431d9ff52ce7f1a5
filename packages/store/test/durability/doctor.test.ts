import { readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { layer } from "../../src/duckdb/DuckdbStore.ts"
import { check, repair } from "../../src/durability/doctor.ts"
import { Store } from "../../src/Store.ts"
import { freshDirectory } from "../directory.ts"
import { contentOf } from "./content.ts"
import { copyOf, flipBit, killedStore } from "./files.ts"

const inStore = <A, E>(directory: string, body: (store: Store["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Store, body).pipe(Effect.provide(layer({ directory })))
const database = (directory: string) => join(directory, "sweep.duckdb")
const bytesOf = (directory: string) =>
  ["", ".wal", ".mark"].map((suffix) => readFileSync(database(directory) + suffix).toString("base64"))

let killed: ReturnType<typeof killedStore>
beforeAll(() => {
  killed = killedStore(freshDirectory())
})

describe("the doctor", () => {
  it.live("finds nothing where nothing is wrong, and changes nothing", () =>
    Effect.gen(function* () {
      const directory = copyOf(killed.directory, freshDirectory())
      expect(yield* check(directory)).toMatchObject({
        healthy: true,
        findings: [],
        acknowledged: { facts: 4, points: 2400 },
      })
      expect(bytesOf(directory)).toEqual(bytesOf(killed.directory))
      expect(yield* repair(directory)).toMatchObject({ done: "nothing", keptIn: null })
      expect(yield* check(freshDirectory())).toMatchObject({ healthy: true, findings: [{ code: "no-database" }] })
    }),
  )

  it.live("flips a single flipped bit of the log back, wherever it is: nothing is lost", () =>
    Effect.gen(function* () {
      const { size } = statSync(`${database(killed.directory)}.wal`)
      for (const [byte, bit] of [
        [0, 0],
        [9, 7],
        [Math.floor(size / 2), 5],
        [size - 1, 1],
      ] as const) {
        const directory = copyOf(killed.directory, freshDirectory())
        flipBit(`${database(directory)}.wal`, byte, bit)
        const damaged = bytesOf(directory)
        expect((yield* check(directory)).findings).toContainEqual({ code: "flipped-bit", byte, bit })
        expect(bytesOf(directory)).toEqual(damaged)
        const { done, keptIn, lost } = yield* repair(directory)
        expect({ done, lost }).toEqual({ done: "bit-flipped-back", lost: {} })
        expect(bytesOf(keptIn!)).toEqual(damaged)
        expect(yield* inStore(directory, contentOf)).toBe(killed.content)
      }
    }),
  )

  it.live("saves what can be read of a log with more damage, names what is lost, and keeps all it found", () =>
    Effect.gen(function* () {
      const directory = copyOf(killed.directory, freshDirectory())
      const wal = `${database(directory)}.wal`
      const { size } = statSync(wal)
      for (const byte of [Math.floor(size / 2), Math.floor(size / 2) + 1, size - 9]) flipBit(wal, byte)
      const damaged = bytesOf(directory)
      const { done, keptIn, lost } = yield* repair(directory)
      expect(done).toBe("saved-what-is-readable")
      expect(lost["points"]).toBeGreaterThan(0)
      expect(bytesOf(keptIn!)).toEqual(damaged)
      yield* inStore(directory, (store) =>
        Effect.gen(function* () {
          // What the main file had is there, and the next attempts begin beyond those that may still run.
          expect((yield* store.facts).slice(0, 2)).toEqual(JSON.parse(killed.content)[0].slice(0, 2))
          expect(yield* store.lastEpoch).toBeGreaterThanOrEqual(1_000_000)
          expect((yield* store.highWater)[0]).toMatchObject({ epoch: 1, seq: 800 })
        }),
      )
      expect((yield* check(directory)).healthy).toBe(true)
      expect(readdirSync(directory).filter((name) => name.includes("before-restore"))).toEqual([])
    }),
  )

  it.live("renews a mark that cannot be read, when the rest is whole", () =>
    Effect.gen(function* () {
      const directory = copyOf(killed.directory, freshDirectory())
      for (const byte of [300, 1324]) flipBit(`${database(directory)}.mark`, byte)
      expect(yield* repair(directory)).toMatchObject({ done: "mark-renewed", lost: {} })
      expect(yield* inStore(directory, contentOf)).toBe(killed.content)
    }),
  )

  it.live("saves all but the damaged block of a main file", () =>
    Effect.gen(function* () {
      const directory = copyOf(killed.directory, freshDirectory())
      yield* inStore(directory, (store) => store.facts)
      const { size } = statSync(database(directory))
      const found: Array<string> = []
      // A block is 256 KiB, after three of 4 KiB.
      for (let block = 12_288; block < size; block += 262_144) {
        const damaged = copyOf(directory, freshDirectory())
        flipBit(database(damaged), block + 1_000)
        const checked = yield* check(damaged)
        if (checked.healthy) continue
        const repaired = yield* repair(damaged)
        found.push(repaired.done)
        if (found.length === 2) break
        if (repaired.done === "saved-what-is-readable") yield* inStore(damaged, (store) => store.facts)
      }
      expect(found).toContain("saved-what-is-readable")
    }),
  )

  it.live("says that nothing can be done without the main file, and leaves the rest alone", () =>
    Effect.gen(function* () {
      const directory = copyOf(killed.directory, freshDirectory())
      rmSync(database(directory))
      expect(yield* repair(directory)).toMatchObject({
        done: "impossible",
        findings: [{ code: "refused", reason: "missing" }],
      })
      expect(readFileSync(`${database(directory)}.wal`)).toEqual(readFileSync(`${database(killed.directory)}.wal`))
    }),
  )

  it.live("leaves a store alone that somebody has open", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* inStore(directory, () =>
        Effect.gen(function* () {
          expect(yield* Effect.flip(repair(directory))).toMatchObject({ reason: "locked" })
        }),
      )
    }),
  )
})
