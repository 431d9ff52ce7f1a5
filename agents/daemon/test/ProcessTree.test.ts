import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isAlive, processStatus } from "../src/process/ProcessIdentity.ts"
import {
  isRunning,
  kill,
  members,
  type ProcessTree,
  terminate,
  treeOf,
  treeVariable,
} from "../src/process/ProcessTree.ts"
import { temporaryDirectory } from "./testAgent.ts"

/** `sh -c SCRIPT` as the agent starts a trainer, with its mark; gone after the test whatever becomes of it. */
const tree = (script: string, mark: string) =>
  Effect.acquireRelease(
    Effect.callback<ProcessTree>((resume) => {
      const child = spawn("/bin/sh", ["-c", script], {
        env: { ...process.env, [treeVariable]: mark },
        detached: true,
        stdio: ["ignore", "pipe", "inherit"],
      })
      // The script says when everything it starts is there.
      child.stdout.once("data", () => {
        child.stdout.destroy()
        resume(Effect.succeed(treeOf(child.pid!, mark)))
      })
    }),
    kill,
  )

const untilSize = (of: ProcessTree, size: number) =>
  Effect.gen(function* () {
    while (members(of).length !== size) yield* Effect.sleep(20)
  })

describe("a process tree", () => {
  it.live("is found by parentage, group and mark, and nobody else is", () =>
    Effect.gen(function* () {
      const mark = "a4c6e1f0-0000-4000-8000-000000000001"
      const bystander = yield* tree("echo; exec sleep 600", "a4c6e1f0-0000-4000-8000-000000000002")
      const one = yield* tree(
        // In the group; in a session of its own by the mark; without the mark in a session of its own, as a child.
        "sleep 600 & setsid sleep 600 & setsid env -i /bin/sleep 600 & echo; wait",
        mark,
      )
      yield* untilSize(one, 4)
      expect(yield* kill(one)).toEqual([])
      expect(members(one)).toEqual([])
      expect(isRunning(bystander)).toBe(true)
    }),
  )

  it.live("is ended even when the shell around the real process dies first", () =>
    Effect.gen(function* () {
      const wrapped = yield* tree(
        "sh -c 'trap \"\" TERM; echo; sleep 600; sleep 600' & wait",
        "a4c6e1f0-0000-4000-8000-000000000003",
      )
      yield* untilSize(wrapped, 3)
      expect(yield* terminate(wrapped, 400)).toEqual([])
      expect(members(wrapped)).toEqual([])
    }),
  )

  it.live("is ended only when whoever is on the way out has given up its memory", () =>
    Effect.gen(function* () {
      // Gigabytes take a while to free, in which the process has no environment any more to be known by.
      const script = "const all = Buffer.alloc(1e9, 1); console.log(all.length); setInterval(() => {}, 1e6)"
      const large = yield* tree(
        `setsid "${process.execPath}" -e '${script}' & wait`,
        "a4c6e1f0-0000-4000-8000-000000000008",
      )
      yield* untilSize(large, 2)
      const found = members(large)
      expect(yield* kill(large)).toEqual([])
      expect(found.filter(isAlive)).toEqual([])
    }),
  )

  it.live("lets its trainer go before its workers", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDirectory, "saw")
      const trainer = yield* tree(
        // A worker dies of the signal at once; the trainer needs it to be there while it saves.
        `sleep 600 & worker=$!; trap 'sleep 0.2; kill -0 $worker && echo worker >${file}; exit 143' TERM; echo; wait`,
        "a4c6e1f0-0000-4000-8000-000000000004",
      )
      yield* untilSize(trainer, 2)
      expect(yield* terminate(trainer, 60_000)).toEqual([])
      expect(readFileSync(file, "utf8")).toBe("worker\n")
    }),
  )

  it.live("wakes a stopped process to end it", () =>
    Effect.gen(function* () {
      const stopped = yield* tree("echo; kill -STOP $$; sleep 600", "a4c6e1f0-0000-4000-8000-000000000005")
      while (processStatus(stopped.pid)?.state !== "T") yield* Effect.sleep(20)
      expect(yield* terminate(stopped, 60_000)).toEqual([])
    }),
  )

  it.live("does not touch a process that has got the pid of one that is gone", () =>
    Effect.gen(function* () {
      const running = yield* tree("echo; exec sleep 600", "a4c6e1f0-0000-4000-8000-000000000006")
      const gone = { pid: running.pid, startTime: running.startTime - 1, mark: "a4c6e1f0-0000-4000-8000-000000000007" }
      expect(isRunning(gone)).toBe(false)
      expect(yield* kill(gone)).toEqual([])
      expect(yield* terminate(gone, 100)).toEqual([])
      // The same start, another mark: another agent's.
      expect(isRunning({ ...running, mark: gone.mark })).toBe(false)
      expect(isAlive(running)).toBe(true)
    }),
  )
})
