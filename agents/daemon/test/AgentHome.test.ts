// One agent at a time in a home directory, also where several hosts see it.
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import { claimHome, thisPlace } from "../src/host/AgentHome.ts"
import { temporaryDirectory } from "./testAgent.ts"

const elsewhere = { host: "another", hostname: "gpu-2", boot: "b" }

describe("a home directory that two hosts share", () => {
  it.live("is the first one's: the second says who has it, or takes one of its own", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const first = yield* claimHome({ directory, taken: "refuse", place: elsewhere })
      // The pid in the lock says nothing here, though a process of it runs (this one).
      const refused = yield* Effect.flip(claimHome({ directory, taken: "refuse" }))
      expect(refused.message).toContain(`process ${process.pid} on gpu-2`)
      const second = yield* claimHome({ directory, taken: "next" })
      expect(second.directory).toBe(`${first.directory}-2`)
      expect(second.host).not.toBe(first.host)
      expect(second.agent).not.toBe(first.agent)
    }),
  )

  it.live("is free once its agent gave no sign of life for lease, grace and margin, and the agent is told", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* claimHome({ directory, taken: "refuse", place: elsewhere })
      const lock = join(directory, "agent.lock")
      const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000)
      utimesSync(lock, ago(15), ago(15))
      yield* Effect.flip(claimHome({ directory, taken: "refuse" }))
      utimesSync(lock, ago(17), ago(17))
      yield* claimHome({ directory, taken: "refuse" })
      expect(JSON.parse(readFileSync(lock, "utf8"))).toMatchObject(thisPlace())
    }),
  )

  it.live("is free at once after a reboot, and the lock of another agent is never removed", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const scope = yield* Scope.make()
      yield* claimHome({ directory, taken: "refuse", place: { ...thisPlace(), boot: "before" } }).pipe(
        Scope.provide(scope),
      )
      yield* claimHome({ directory, taken: "refuse" })
      yield* Scope.close(scope, Exit.void)
      expect(existsSync(join(directory, "agent.lock"))).toBe(true)
    }),
  )

  it.live("is free when an earlier version's agent is dead, and not while it lives", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const lock = join(directory, "agent.lock")
      writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, startTime: 1 }))
      const scope = yield* Scope.make()
      yield* claimHome({ directory, taken: "refuse" }).pipe(Scope.provide(scope))
      yield* Effect.flip(claimHome({ directory, taken: "refuse" }))
      yield* Scope.close(scope, Exit.void)
    }),
  )
})
