import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, it, onTestFinished } from "vitest"
import { type CoordinatorNote, ensureHome, homeAt, leaveNote, readNote } from "../src/serving/home.ts"

const fresh = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-home-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return homeAt(directory)
}

describe("the note of a coordinator", () => {
  it("is found while its process lives, and gone when its scope is closed", async () => {
    const at = fresh()
    const left = { address: "127.0.0.1:1", version: "1" }
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* leaveNote(at, left)
          expect(readNote(at)).toMatchObject({ ...left, pid: process.pid })
        }),
      ),
    )
    expect(existsSync(join(at.directory, "coordinator.json"))).toBe(false)
  })

  it("is stale when its pid is another process's now, as PID 1 of a container is", async () => {
    const at = fresh()
    const path = join(at.directory, "coordinator.json")
    const note = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* leaveNote(at, { address: "127.0.0.1:1", version: "1" })
          return JSON.parse(readFileSync(path, "utf8")) as CoordinatorNote
        }),
      ),
    )
    const found = (change: Partial<CoordinatorNote>) => {
      writeFileSync(path, JSON.stringify({ ...note, ...change }))
      return readNote(at)
    }
    expect(found({})).toEqual(note)
    expect(found({ pid: 1 })).toBeUndefined()
    expect(found({ startTime: note.startTime! - 1 })).toBeUndefined()
    expect(found({ boot: "another" })).toBeUndefined()
    // A note of an older sweep has the pid alone.
    writeFileSync(path, JSON.stringify({ pid: process.pid, address: note.address, version: "0" }))
    expect(readNote(at)).toMatchObject({ version: "0" })
  })
})

describe("the state directory", () => {
  const mode = (path: string) => statSync(path).mode & 0o7777

  it("is its owner's alone, even where it existed with rights for all", async () => {
    const at = fresh()
    chmodSync(at.directory, 0o755)
    await Effect.runPromise(ensureHome(at))
    expect(mode(at.directory)).toBe(0o700)
  })

  it("keeps its rights where everybody shares it", async () => {
    const at = homeAt(join(fresh().directory, "shared"))
    mkdirSync(at.directory)
    chmodSync(at.directory, 0o1777)
    await Effect.runPromise(ensureHome(at))
    expect(mode(at.directory)).toBe(0o1777)
  })
})
