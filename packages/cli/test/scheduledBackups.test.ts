import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it, onTestFinished } from "vitest"
import * as Coordinator from "@sweep/coordinator/Coordinator"
import * as DuckdbStore from "@sweep/store/DuckdbStore"
import { restore } from "@sweep/store/restore"
import { Store } from "@sweep/store/Store"
import { batchOf, created, submitted, sweep } from "@sweep/store/storeFixtures"
import { acknowledgedIn, verifyBackup } from "@sweep/store/verifyBackup"
import { readSchedule, takeBackup } from "../src/serving/scheduledBackups.ts"

const fresh = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-backups-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
const coordinatorIn = (directory: string) =>
  Coordinator.layer({ version: "test", home: directory }).pipe(
    Layer.provideMerge(DuckdbStore.layer({ directory })),
    Layer.provide(NodeFileSystem.layer),
  )

it("a scheduled backup restores to the last acknowledged point; the oldest go", async () => {
  const [directory, to, elsewhere] = [fresh(), fresh(), fresh()]
  for (const hour of ["01", "02", "03"]) writeFileSync(join(to, `sweep-2026-01-01T${hour}-00-00Z.duckdb`), "")
  writeFileSync(join(to, "mine.duckdb"), "not ours")
  const taken = await Effect.gen(function* () {
    const store = yield* Store
    yield* store.append([submitted, created(1)])
    for (let n = 1; n <= 5; n++) yield* store.ingest([batchOf(1, 1, [[n, "m", n, n]])], [])
    return yield* takeBackup(directory, { directory: to, keep: 2 })
  }).pipe(Effect.provide(coordinatorIn(directory)), Effect.runPromise)
  expect(taken).toMatchObject({ facts: 2, points: 5 })
  const left = readdirSync(to).sort()
  expect(left).toEqual(["mine.duckdb", "sweep-2026-01-01T03-00-00Z.duckdb", taken.path.split("/").at(-1)])
  await Effect.runPromise(restore({ file: taken.path, directory: elsewhere, replace: false }))
  const restored = await Effect.gen(function* () {
    const store = yield* Store
    return [(yield* store.facts).length, (yield* store.highWater)[0]!.seq, yield* store.countPoints(sweep)]
  }).pipe(Effect.provide(DuckdbStore.layer({ directory: elsewhere })), Effect.runPromise)
  expect(restored).toEqual([3, 5, 5])
})

it("a backup that is damaged, or older than what was acknowledged, is not taken for one", async () => {
  const directory = fresh()
  const file = join(directory, "copy.duckdb")
  const older = await Effect.gen(function* () {
    const store = yield* Store
    yield* store.append([submitted])
    yield* store.ingest(
      [
        batchOf(
          1,
          1,
          Array.from({ length: 3_000 }, (_, i) => [i + 1, "m", i, Math.sin(i)] as const),
        ),
      ],
      [],
    )
    yield* store.backup(file)
    const acknowledged = acknowledgedIn(directory)
    expect(yield* verifyBackup(file, acknowledged)).toEqual({ facts: 1, points: 3_000, lastFact: 1 })
    yield* store.append([created(1)])
    return yield* Effect.flip(verifyBackup(file, acknowledgedIn(directory)))
  }).pipe(Effect.provide(DuckdbStore.layer({ directory })), Effect.runPromise)
  expect(older).toMatchObject({ reason: "below-mark", message: expect.stringContaining("fact 2") })
  const bytes = readFileSync(file)
  let refused = 0
  for (let at = 13_000; at < bytes.length; at += 262_144) {
    const damaged = join(directory, "damaged.duckdb")
    copyFileSync(file, damaged)
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 4
    writeFileSync(damaged, flipped)
    const result = await Effect.runPromise(Effect.result(verifyBackup(damaged, undefined)))
    if (result._tag === "Failure") refused++
  }
  expect(refused).toBeGreaterThan(0)
})

it("the flags of scheduled backups say what they have to be", async () => {
  const read = (backupTo?: string, every?: string, keep?: number) =>
    Effect.runPromise(Effect.result(readSchedule({ backupTo, every, keep })))
  expect(await read()).toMatchObject({ success: undefined })
  const { success } = (await read("/backups", "30m", 5)) as { success: { every: Duration.Duration } }
  expect(success).toMatchObject({ directory: "/backups", keep: 5 })
  expect(Duration.toMillis(success.every)).toBe(1_800_000)
  for (const [args, message] of [
    [[undefined, "1h"], /--backup-to DIR/],
    [["/b", "1 hour"], /--every 1 hour: expected a time from 10s to 366d/],
    [["/b", "0s"], /--every 0s/],
    [["/b", "1h", 0], /--keep 0: expected 1 or more/],
  ] as ReadonlyArray<readonly [Parameters<typeof read>, RegExp]>) {
    expect(await read(...args)).toMatchObject({ _tag: "Failure", failure: { text: expect.stringMatching(message) } })
  }
})
