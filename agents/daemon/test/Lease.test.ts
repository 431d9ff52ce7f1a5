// When an agent has to give its trials up, on a clock of the test's own.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Timings } from "@sweep/domain/Lease"
import type { Reason } from "@sweep/domain/Reason"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Lease, monotonic } from "../src/session/Lease.ts"

const timings = new Timings({ heartbeat: 10_000, suspect: 45_000, lease: 900_000, grace: 30_000, margin: 30_000 })

const home = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sweep-lease-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
)

const leaseIn = Effect.fnUntraced(function* (directory: string) {
  const told: Array<Reason> = []
  const lease = yield* Lease.make(directory, (reason) => Effect.sync(() => void told.push(reason)))
  yield* lease.adopt(timings)
  return { lease, told }
})

describe("an agent's lease", () => {
  it.effect("lasts from when the coordinator's answer was asked for, however late it comes", () =>
    Effect.gen(function* () {
      const { lease, told } = yield* leaseIn(yield* home)
      const asked = yield* monotonic
      yield* TestClock.adjust("14 minutes")
      yield* lease.touch(asked)
      yield* TestClock.adjust("59 seconds")
      yield* lease.check
      expect(told).toEqual([])
      yield* TestClock.adjust("2 seconds")
      yield* lease.check
      expect(told).toHaveLength(1)
    }),
  )

  it.effect("is over until something is answered that was asked after it ended", () =>
    Effect.gen(function* () {
      const { lease, told } = yield* leaseIn(yield* home)
      const asked = yield* monotonic
      yield* TestClock.adjust("16 minutes")
      yield* lease.touch(asked)
      expect(lease.lapsed).toBe(true)
      yield* lease.touch(yield* monotonic)
      expect(lease.lapsed).toBe(false)
      expect(told).toHaveLength(1)
    }),
  )

  it.effect("is not extended by an answer from the future", () =>
    Effect.gen(function* () {
      const { lease, told } = yield* leaseIn(yield* home)
      yield* lease.touch(Number.MAX_VALUE)
      yield* TestClock.adjust("16 minutes")
      yield* lease.check
      expect(told).toHaveLength(1)
    }),
  )

  it.effect("continues in the agent's next life", () =>
    Effect.gen(function* () {
      const directory = yield* home
      const first = yield* leaseIn(directory)
      yield* first.lease.touch(yield* monotonic)
      yield* TestClock.adjust("16 minutes")
      const { lease, told } = yield* leaseIn(directory)
      yield* lease.check
      expect(told).toHaveLength(1)
    }),
  )
})
