import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import * as Effect from "effect/Effect"
import { attemptDirectory } from "../src/attempt/AttemptDirectory.ts"
import { Disk } from "../src/host/disk.ts"
import { makeRetention } from "../src/attempt/retention.ts"
import { temporaryDirectory } from "./testAgent.ts"

const settled = (home: string, epoch: number) => {
  const directory = attemptDirectory(home, Epoch.make(epoch))
  for (const folder of [directory.checkpoints, join(directory.path, "adapter")]) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, "weights"), Buffer.alloc(1_000))
  }
  return directory
}

const until = (holds: () => boolean) =>
  Effect.gen(function* () {
    while (!holds()) yield* Effect.sleep(10)
  })

describe("retention", () => {
  it.live("keeps the adapter, and the checkpoints only of what was released", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      mkdirSync(join(home, "attempts"))
      const retention = yield* makeRetention(home, new Disk(home), 1e9)
      const [finished, released, unwanted] = [settled(home, 1), settled(home, 2), settled(home, 3)]
      yield* retention.keep(finished, { checkpoints: false })
      yield* retention.keep(released, { checkpoints: true })
      yield* retention.forget(unwanted)
      yield* until(() => !existsSync(finished.checkpoints) && !existsSync(unwanted.path))
      expect(existsSync(join(finished.path, "adapter/weights"))).toBe(true)
      expect(existsSync(join(released.checkpoints, "weights"))).toBe(true)
    }),
  )

  it.live("removes what was shared by trials of which none is left", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      mkdirSync(join(home, "cache/gone"), { recursive: true })
      mkdirSync(join(home, "cache/kept"))
      const kept = settled(home, 1)
      kept.write({
        contract: 1,
        sweep: SweepId.make("kept"),
        trial: TrialNumber.make(1),
        attempt: 1,
        epoch: Epoch.make(1),
        slot: 0,
        trainer: "peft",
        command: null,
        tree: null,
        acknowledged: { seq: 0, offset: 0, stdout: 0, stderr: 0 },
        end: null,
        settled: true,
      })
      yield* makeRetention(home, new Disk(home), 1e9)
      expect(readdirSync(join(home, "cache"))).toEqual(["kept"])
    }),
  )

  it.live("gives way on a disk without room for another attempt, the oldest first, and no further than needed", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      mkdirSync(join(home, "attempts"))
      const attempts = [1, 2, 3].map((epoch) => settled(home, epoch))
      let full = false
      class SmallDisk extends Disk {
        override problem() {
          return full && existsSync(attempts[1]!.path) ? "no room" : undefined
        }
      }
      const retention = yield* makeRetention(home, new SmallDisk(home), 1e9)
      for (const attempt of attempts) yield* retention.keep(attempt, { checkpoints: true })
      yield* Effect.sleep(50)
      expect(attempts.map(({ path }) => existsSync(path))).toEqual([true, true, true])
      full = true
      yield* retention.relieve
      yield* until(() => !existsSync(attempts[1]!.path))
      yield* Effect.sleep(50)
      expect(attempts.map(({ path }) => existsSync(path))).toEqual([false, false, true])
    }),
  )

  it.live("stays within its total, the oldest going first", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory
      mkdirSync(join(home, "attempts"))
      const retention = yield* makeRetention(home, new Disk(home), 2_500)
      const attempts = [1, 2, 3].map((epoch) => settled(home, epoch))
      for (const attempt of attempts) yield* retention.keep(attempt, { checkpoints: false })
      yield* until(() => !existsSync(attempts[0]!.path))
      yield* Effect.sleep(50)
      expect(attempts.map(({ path }) => existsSync(path))).toEqual([false, true, true])
    }),
  )
})
