import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { closeSync, cpSync, existsSync, openSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Fact, factVersion, sweepOf } from "@sweep/domain/Fact"
import { SweepId } from "@sweep/domain/Id"
import { random } from "@sweep/search/Random"
import { assigned, batchOf, created, epochNumber, logOf, submitted, sweep, trialNumber } from "./storeFixtures.ts"
import { layer } from "../src/duckdb/DuckdbStore.ts"
import { newestVersion } from "../src/duckdb/migrations.ts"
import type { HighWater } from "../src/EventBatch.ts"
import { Store, type StoreError } from "../src/Store.ts"
import { epochs, linesAfter, pointsOf } from "./committer.ts"
import { freshDirectory } from "./directory.ts"

const inStore = <A, E>(directory: string, body: (store: Store["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Store, body).pipe(Effect.provide(layer({ directory })))

const openingFails = (directory: string): Effect.Effect<StoreError, void> =>
  Effect.flip(inStore(directory, () => Effect.void))

/** Runs a statement on the file while nobody has it open. */
const changed = (directory: string, sql: string) =>
  Effect.promise(async () => {
    const { DuckDBInstance } = await import("@duckdb/node-api")
    const instance = await DuckDBInstance.create(join(directory, "sweep.duckdb"))
    const connection = await instance.connect()
    await connection.run(sql)
    connection.closeSync()
    instance.closeSync()
  })

const start = (directory: string, program = "committer.ts"): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, program), directory], {
    stdio: ["ignore", "pipe", "inherit"],
  })

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once("exit", () => resolve()))

/** Runs the committer until it has been acknowledged `count` times, kills it at once and returns what it said. */
const killedAfter = async (directory: string, count: number) => {
  const child = start(directory)
  const marks = new Map<number, HighWater>()
  let facts = 0
  let heard = 0
  for await (const line of createInterface({ input: child.stdout! })) {
    const said = JSON.parse(line) as HighWater | { readonly facts: number } | { readonly ready: number }
    if ("ready" in said) continue
    if ("facts" in said) facts = said.facts
    else marks.set(said.epoch, said)
    // What it says between the signal and its end counts too.
    if (++heard === count) child.kill("SIGKILL")
  }
  await ended(child)
  expect(child.signalCode).toBe("SIGKILL")
  return { marks, facts }
}

/** Kills the remover so many milliseconds after it began, or once it is done. Whether it said that it was. */
const killedWhile = async (child: ChildProcess, wait: number): Promise<boolean> => {
  let done = false
  for await (const line of createInterface({ input: child.stdout! })) {
    done = line === "done"
    if (done || wait === 0) child.kill("SIGKILL")
    else if (Number.isFinite(wait)) setTimeout(() => child.kill("SIGKILL"), wait)
  }
  await ended(child)
  return done
}

/** Every end of a batch up to `last`. */
const batchEnds = (last: number): ReadonlyArray<number> => {
  const ends = [0]
  while (ends.at(-1)! < last) ends.push(ends.at(-1)! + linesAfter(ends.at(-1)!))
  return ends
}

describe("a store whose process is killed", () => {
  it.live(
    "has everything it acknowledged, and no part of a batch, after each of twelve kills",
    () =>
      Effect.gen(function* () {
        const directory = freshDirectory()
        const draw = random(1, 0, "kills")
        let landed = 0
        for (let kill = 0; kill < 12; kill++) {
          const said = yield* Effect.promise(() => killedAfter(directory, 1 + draw.index(16)))
          yield* inStore(directory, (store) =>
            Effect.gen(function* () {
              const facts = yield* store.facts
              expect(facts.length).toBeGreaterThanOrEqual(said.facts)
              expect(facts.length % 2).toBe(0)
              expect(facts).toEqual(Array.from({ length: facts.length }, (_, i) => created(i + 1)))
              const marks = new Map((yield* store.highWater).map((mark) => [mark.epoch, mark]))
              for (const epoch of epochs) {
                const mark = marks.get(epochNumber(epoch))
                const acknowledged = said.marks.get(epoch)
                expect(mark?.seq ?? 0).toBeGreaterThanOrEqual(acknowledged?.seq ?? 0)
                expect(mark?.stdout ?? 0).toBeGreaterThanOrEqual(acknowledged?.stdout ?? 0)
                if (mark === undefined) continue
                if (mark.seq > (acknowledged?.seq ?? 0)) landed++
                expect(batchEnds(mark.seq)).toContain(mark.seq)
                const { rows } = yield* store.query(
                  `SELECT count(*), count(DISTINCT step), min(step), max(step), sum(value) FILTER (metric = 'train/loss')
                 FROM metrics WHERE trial = ${epoch}`,
                  1,
                )
                let sum = 0
                for (let seq = 1; seq <= mark.seq; seq++) sum += pointsOf(epoch, seq)[0]![3]
                expect(rows[0]).toEqual([2 * mark.seq, mark.seq, 1, mark.seq, expect.closeTo(sum, 6)])
                const log = yield* store.log(sweep, trialNumber(epoch), "stdout", { epoch: null, offset: 0 }, 1e9)
                expect(log.text).toBe("x".repeat(mark.stdout))
              }
            }),
          )
        }
        // Commits whose acknowledgement never arrived: why resending has to be harmless.
        expect(landed).toBeGreaterThan(0)
      }),
    180_000,
  )
})

describe("a sweep whose removal is killed", () => {
  it.live(
    "is there whole or gone whole, and another one is as it was",
    () =>
      Effect.gen(function* () {
        const full = freshDirectory()
        const other = SweepId.make("other")
        const points = 10_000
        const facts = [submitted, created(1), assigned(1, 1)]
        const ofOther = [submitted, assigned(1, 1_000)].map((fact) => ({ ...fact, sweep: other }) as Fact)
        yield* inStore(full, (store) =>
          Effect.gen(function* () {
            yield* store.append([...facts, ...ofOther])
            const lines = Array.from({ length: points }, (_, i) => [i + 1, `m${i % 5}`, i, i] as const)
            for (let epoch = 1; epoch <= 30; epoch++) {
              yield* store.ingest([batchOf(epoch, epoch, lines)], [logOf(epoch, epoch, 0, "x".repeat(5_000))])
            }
            yield* store.ingest([{ ...batchOf(1, 1_000, lines), sweep: other }], [])
          }),
        )
        const seen = new Set<string>()
        const draw = random(1, 0, "removals")
        // Killed at once, somewhere on the way, and once it is done.
        for (const wait of [0, ...Array.from({ length: 8 }, () => draw.index(60)), Number.POSITIVE_INFINITY]) {
          const directory = freshDirectory()
          cpSync(full, directory, { recursive: true })
          const child = start(directory, "fixtures/remover.ts")
          const done = yield* Effect.promise(() => killedWhile(child, wait))
          yield* inStore(directory, (store) =>
            Effect.gen(function* () {
              const left = yield* store.facts
              const gone = left.some(({ _tag }) => _tag === "SweepRemoved")
              seen.add(gone ? "gone" : "there")
              if (done) expect(gone).toBe(true)
              expect(left.filter((fact) => sweepOf(fact) === other)).toEqual(ofOther)
              expect(left.length).toBe(gone ? ofOther.length + 1 : facts.length + ofOther.length)
              expect(yield* store.countPoints(sweep)).toBe(gone ? 0 : 30 * points)
              expect(yield* store.countPoints(other)).toBe(points)
              expect((yield* store.highWater).length).toBe(gone ? 1 : 31)
              const { epoch } = yield* store.log(sweep, trialNumber(30), "stdout", { epoch: null, offset: 0 }, 10)
              expect(epoch).toBe(gone ? null : 30)
              expect(yield* store.lastEpoch).toBe(1_000)
            }),
          )
        }
        expect(seen).toEqual(new Set(["there", "gone"]))
      }),
    180_000,
  )
})

describe("a store that is opened again", () => {
  it.live("knows its facts, marks and metrics, and continues with their numbers", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* inStore(directory, (store) =>
        Effect.gen(function* () {
          yield* store.append([submitted, created(1)])
          yield* store.ingest(
            [batchOf(1, 7, [[1, "a", 1, 1]]), batchOf(1, 7, [], [], [2, 5])],
            [logOf(1, 7, 0, "abc", "stderr")],
          )
        }),
      )
      yield* inStore(directory, (store) =>
        Effect.gen(function* () {
          expect(yield* store.highWater).toEqual([{ epoch: 7, seq: 5, stdout: 0, stderr: 3 }])
          yield* store.append([created(2)])
          yield* store.ingest(
            [
              batchOf(1, 7, [
                [6, "a", 2, 2],
                [6, "b", 2, 3],
              ]),
            ],
            [],
          )
          expect((yield* store.curves(sweep, {})).map(({ metric, points }) => [metric, points.length])).toEqual([
            ["a", 2],
            ["b", 1],
          ])
          expect((yield* store.query("SELECT seq, type FROM facts ORDER BY seq", 10)).rows).toEqual([
            [1, "SweepSubmitted"],
            [2, "TrialCreated"],
            [3, "TrialCreated"],
          ])
          expect((yield* store.query("SELECT DISTINCT attempt FROM metrics", 10)).rows).toEqual([[1]])
        }),
      )
    }),
  )
})

describe("a store that another one has open", () => {
  it.live("is refused with the other's process id, and left alone", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      const child = start(directory)
      const lines = createInterface({ input: child.stdout! })
      yield* Effect.promise(() => new Promise((resolve) => lines.once("line", resolve)))
      const error = yield* openingFails(directory)
      expect(error.reason).toBe("locked")
      expect(error.message).toContain(`(PID ${child.pid})`)
      expect(child.exitCode).toBeNull()
      child.kill("SIGKILL")
      lines.resume()
      yield* Effect.promise(() => ended(child))
      // The lock died with its owner.
      yield* inStore(directory, (store) => store.facts)
    }),
  )

  it.live("is refused in the same process too, by any path", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* inStore(directory, (store) =>
        Effect.gen(function* () {
          const error = yield* openingFails(join(directory, "..", directory.split("/").at(-1)!))
          expect(error).toMatchObject({ reason: "locked", message: expect.stringContaining(`PID ${process.pid}`) })
          yield* store.append([submitted])
        }),
      )
      expect(yield* inStore(directory, (store) => store.facts)).toHaveLength(1)
    }),
  )
})

describe("a file that cannot be used", () => {
  const filled = (directory: string) =>
    inStore(directory, (store) =>
      Effect.gen(function* () {
        yield* store.append([submitted, created(1)])
        yield* store.ingest(
          [
            batchOf(
              1,
              1,
              Array.from({ length: 5000 }, (_, i) => [i + 1, "m", i, Math.sin(i)] as const),
            ),
          ],
          [],
        )
      }),
    )

  it.live("of a newer sweep is refused, and said so", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* filled(directory)
      yield* changed(directory, `INSERT INTO schema_version VALUES (${newestVersion + 1}, now()::TIMESTAMP)`)
      const error = yield* openingFails(directory)
      expect(error.reason).toBe("version")
      expect(error.message).toMatch(/newer sweep.*update sweep/)
    }),
  )

  it.live("with facts of a newer sweep is refused, and said so with both versions", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* filled(directory)
      yield* changed(directory, `INSERT INTO journal.fact_versions VALUES (${factVersion + 1}, now()::TIMESTAMP)`)
      const error = yield* openingFails(directory)
      expect(error).toMatchObject({ reason: "version" })
      expect(error.message).toContain(`its facts are of version ${factVersion + 1}, this sweep knows ${factVersion}`)
    }),
  )

  it.live("with a fact that nobody knows names it instead of a schema", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* filled(directory)
      yield* changed(
        directory,
        `INSERT INTO journal.facts VALUES (7777, 0, NULL, NULL, NULL, 'TrialDreamt', '{"_tag":"TrialDreamt","at":0}')`,
      )
      const error = yield* Effect.flip(inStore(directory, (store) => store.facts))
      expect(error.message).toMatch(/cannot read \(number 7777, TrialDreamt\).*update sweep/)
    }),
  )

  const damages: ReadonlyArray<readonly [string, (file: string) => void]> = [
    ["is no database", (file) => writeFileSync(file, "hello\n".repeat(5000))],
    ["is cut off", (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ["is shorter than a header", (file) => truncateSync(file, 100)],
    [
      "has a header of noise",
      (file) => {
        const handle = openSync(file, "r+")
        writeSync(handle, new Uint8Array(8192).fill(0xa5), 0, 8192, 4096)
        closeSync(handle)
      },
    ],
  ]
  it.live.each(damages)("that %s is called damaged, with the way out", ([, damage]) =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* filled(directory)
      const file = join(directory, "sweep.duckdb")
      damage(file)
      const error = yield* openingFails(directory)
      expect(error.reason).toBe("corrupt")
      expect(error.message).toMatch(/damaged[\s\S]*aside[\s\S]*sweep doctor/)
      expect(existsSync(file)).toBe(true)
    }),
  )

  it.live("whose log has noise in it is called damaged too", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* Effect.promise(() => killedAfter(directory, 10))
      const log = join(directory, "sweep.duckdb.wal")
      const handle = openSync(log, "r+")
      // In the middle: DuckDB takes a log whose first entry cannot be read for one that was never finished.
      writeSync(handle, new Uint8Array(64).fill(0xa5), 0, 64, Math.floor(statSync(log).size / 2))
      closeSync(handle)
      const error = yield* openingFails(directory)
      expect(error.reason).toBe("below-mark")
      expect(error.message).toMatch(/damaged[\s\S]*sweep doctor/)
    }),
  )

  it.live("in a folder that is none says so", () =>
    Effect.gen(function* () {
      const file = join(freshDirectory(), "file")
      writeFileSync(file, "")
      const error = yield* openingFails(join(file, "below"))
      expect(error).toMatchObject({ reason: "io", message: expect.stringContaining(file) })
    }),
  )
})

/** A disk of its own size, where this process may mount one. */
const smallDisk = (bytes: number) => {
  const directory = freshDirectory()
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", directory], { stdio: "ignore" })
  } catch {
    return undefined
  }
  return {
    directory,
    resize: (to: number) => execFileSync("mount", ["-o", `remount,size=${to}`, directory]),
    remove: () => execFileSync("umount", [directory]),
  }
}

it.live(
  "a full disk is called full; nothing acknowledged is lost, and with room again the store continues",
  (context) =>
    Effect.gen(function* () {
      const disk = smallDisk(3 << 20)
      if (disk === undefined) return context.skip("this process may not mount a disk")
      const lines = 5000
      const batch = (n: number) =>
        batchOf(
          1,
          1,
          Array.from({ length: lines }, (_, i) => [n * lines + i + 1, "m", n * lines + i, Math.sin(i * n)] as const),
        )
      const send = (store: Store["Service"], n: number) => Effect.result(store.ingest([batch(n)], []))
      const count = (store: Store["Service"]) =>
        Effect.map(store.query("SELECT count(*) FROM metrics", 1), ({ rows }) => rows[0]![0])
      yield* Effect.gen(function* () {
        let acknowledged = 0
        yield* inStore(disk.directory, (store) =>
          Effect.gen(function* () {
            let result = yield* send(store, 0)
            while (result._tag === "Success" && acknowledged < 100) result = yield* send(store, ++acknowledged)
            expect(result).toMatchObject({ _tag: "Failure", failure: { _tag: "StoreError", reason: "full" } })
            expect(yield* count(store)).toBe(acknowledged * lines)
            disk.resize(64 << 20)
            expect((yield* send(store, acknowledged++))._tag).toBe("Success")
          }),
        )
        yield* inStore(disk.directory, (store) =>
          Effect.gen(function* () {
            expect(yield* count(store)).toBe(acknowledged * lines)
            expect(yield* store.highWater).toEqual([{ epoch: 1, seq: acknowledged * lines, stdout: 0, stderr: 0 }])
          }),
        )
      }).pipe(Effect.ensuring(Effect.sync(disk.remove)))
    }),
)
