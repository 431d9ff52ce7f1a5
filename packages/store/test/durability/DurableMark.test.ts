import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { layer } from "../../src/duckdb/DuckdbStore.ts"
import { readMark, renewMark } from "../../src/durability/Mark.ts"
import { Store } from "../../src/Store.ts"
import { freshDirectory } from "../directory.ts"
import { batchOf, created, submitted } from "../storeFixtures.ts"
import { contentOf } from "./content.ts"
import { copyOf, flipBit, killedStore } from "./files.ts"

const inStore = <A, E>(directory: string, body: (store: Store["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Store, body).pipe(Effect.provide(layer({ directory })))
const opening = (directory: string) => inStore(directory, contentOf)
const database = (directory: string) => join(directory, "sweep.duckdb")

let killed: ReturnType<typeof killedStore>
beforeAll(() => {
  killed = killedStore(freshDirectory())
})
const copyOfKilled = () => copyOf(killed.directory, freshDirectory())
const bytesIn = (directory: string) =>
  Object.fromEntries(
    readdirSync(directory)
      .filter((name) => name.startsWith("sweep.duckdb"))
      .map((name) => [name, readFileSync(join(directory, name)).toString("hex")]),
  )

const refused = (directory: string, reason: string, message: RegExp) =>
  Effect.gen(function* () {
    const before = bytesIn(directory)
    const error = yield* Effect.flip(opening(directory))
    expect(error).toMatchObject({ reason })
    expect(error.message).toMatch(message)
    // What is refused is left as it was.
    expect(bytesIn(directory)).toEqual(before)
  })

describe("a store whose files are not what was acknowledged", () => {
  it.live("has everything when nothing was damaged", () =>
    Effect.gen(function* () {
      expect(statSync(`${database(killed.directory)}.wal`).size).toBeGreaterThan(10_000)
      expect(yield* opening(copyOfKilled())).toBe(killed.content)
    }),
  )

  it.live("is refused for any flipped bit of its log, and the log is kept", () =>
    Effect.gen(function* () {
      const { size } = statSync(`${database(killed.directory)}.wal`)
      // The length of the first entry, which DuckDB takes for the end of the log, and places all over.
      for (const byte of [0, 8, 40, 121, Math.floor(size / 3), size - 1]) {
        const directory = copyOfKilled()
        flipBit(`${database(directory)}.wal`, byte)
        yield* refused(directory, "below-mark", /other bytes than were written.*acknowledged were 4 facts/)
      }
    }),
  )

  it.live("is refused when its log is shorter, or gone", () =>
    Effect.gen(function* () {
      for (const damage of [(path: string) => truncateSync(path, 5_000), (path: string) => rmSync(path)]) {
        const directory = copyOfKilled()
        damage(`${database(directory)}.wal`)
        yield* refused(directory, "below-mark", /has \d+ of \d+ bytes/)
      }
    }),
  )

  it.live("is refused when the main file is missing and anything of it is there", () =>
    Effect.gen(function* () {
      for (const gone of [["", ".mark"], ["", ".wal"], [""]]) {
        const directory = copyOfKilled()
        for (const suffix of gone) rmSync(`${database(directory)}${suffix}`)
        yield* refused(directory, "missing", /is missing, and .* there.*sweep restore/)
      }
    }),
  )

  it.live("is refused when the main file is an older one", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* inStore(directory, (store) => store.append([submitted]))
      copyFileSync(database(directory), `${directory}/older`)
      yield* inStore(directory, (store) => store.append([created(1)]))
      renameSync(`${directory}/older`, database(directory))
      yield* refused(directory, "below-mark", /fact 2, the last one acknowledged, is not there/)
    }),
  )

  it.live("is refused when neither slot of the mark can be read, and opened with the one that can", () =>
    Effect.gen(function* () {
      const directory = copyOfKilled()
      const mark = readMark(database(directory))
      if (mark === undefined || mark === "damaged") throw new Error("there is no mark")
      flipBit(`${database(directory)}.mark`, (mark.turn % 2) * 1024 + 300)
      expect(yield* opening(directory)).toBe(killed.content)
      const worse = copyOfKilled()
      flipBit(`${database(worse)}.mark`, 300)
      flipBit(`${database(worse)}.mark`, 1324)
      yield* refused(worse, "corrupt", /mark cannot be read.*sweep doctor/)
    }),
  )
})

describe("a kill", () => {
  it.live("between a commit and its mark leaves a mark that is behind, which is whole", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      const mark = `${database(directory)}.mark`
      yield* inStore(directory, (store) =>
        Effect.gen(function* () {
          yield* store.append([submitted])
          mkdirSync(`${directory}/then`)
          copyFileSync(mark, `${directory}/then/sweep.duckdb.mark`)
          yield* store.append([created(1)])
          for (const suffix of ["", ".wal"])
            copyFileSync(database(directory) + suffix, `${directory}/then/sweep.duckdb${suffix}`)
        }),
      )
      const facts = yield* inStore(`${directory}/then`, (store) => store.facts)
      expect(facts).toEqual([submitted, created(1)])
    }),
  )

  it.live("after a checkpoint and before its mark is whole; with the main file of before it is refused", () =>
    Effect.gen(function* () {
      const directory = copyOfKilled()
      const before = readMark(database(directory))
      if (before === undefined || before === "damaged") throw new Error("there is no mark")
      copyFileSync(database(directory), `${directory}/main`)
      // Moves the log into the main file and ends.
      yield* opening(directory)
      renewMark(database(directory), { ...before, checkpointing: true })
      const older = freshDirectory()
      renameSync(`${directory}/main`, database(older))
      copyFileSync(`${database(directory)}.mark`, `${database(older)}.mark`)
      expect(yield* opening(directory)).toBe(killed.content)
      yield* refused(older, "below-mark", /fact 4, the last one acknowledged, is not there, it has 2 facts of 4/)
    }),
  )

  it.live("of a sweep before there were marks opens, and its log is kept until people remove it", () =>
    Effect.gen(function* () {
      const directory = copyOfKilled()
      rmSync(`${database(directory)}.mark`)
      const log = readFileSync(`${database(directory)}.wal`)
      expect(yield* opening(directory)).toBe(killed.content)
      const kept = readdirSync(directory).filter((name) => name.includes(".wal.before-mark-"))
      expect(kept).toHaveLength(1)
      expect(readFileSync(join(directory, kept[0]!))).toEqual(log)
      expect(yield* opening(directory)).toBe(killed.content)
    }),
  )
})

describe("a store that is taken away while it is open", () => {
  for (const [how, take] of [
    ["removed", (file: string) => rmSync(file)],
    ["replaced", (file: string) => (copyFileSync(file, `${file}.new`), renameSync(`${file}.new`, file))],
  ] as const) {
    it.live(`acknowledges nothing more once it was ${how}, and can be saved`, () =>
      Effect.gen(function* () {
        const directory = freshDirectory()
        yield* inStore(directory, (store) =>
          Effect.gen(function* () {
            yield* store.append([submitted])
            yield* store.ingest([batchOf(1, 1, [[1, "m", 1, 1]])], [])
            take(database(directory))
            for (let i = 0; i < 2; i++) {
              const error = yield* Effect.flip(store.append([created(1)]))
              expect(error).toMatchObject({ reason: "detached" })
              expect(error.message).toMatch(new RegExp(`was ${how} while sweep has it open.*sweep backup FILE`))
            }
            yield* store.backup(`${directory}/saved`)
          }),
        )
        const saved = freshDirectory()
        copyFileSync(`${directory}/saved`, database(saved))
        yield* inStore(saved, (store) =>
          Effect.gen(function* () {
            expect(yield* store.facts).toEqual([submitted])
            expect(yield* store.highWater).toMatchObject([{ epoch: 1, seq: 1 }])
          }),
        )
      }),
    )
  }
})

it.live("a store that existed with rights for everybody is its owner's alone once it is open", () =>
  Effect.gen(function* () {
    const directory = copyOfKilled()
    for (const suffix of ["", ".wal", ".mark"]) chmodSync(database(directory) + suffix, 0o666)
    yield* inStore(directory, (store) =>
      Effect.gen(function* () {
        yield* store.append([created(9)])
        for (const suffix of ["", ".wal", ".mark"]) {
          expect(existsSync(database(directory) + suffix)).toBe(true)
          expect(statSync(database(directory) + suffix).mode & 0o777).toBe(0o600)
        }
      }),
    )
  }),
)
