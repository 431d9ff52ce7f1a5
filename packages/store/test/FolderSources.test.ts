// Files named by their content: in pieces, resumed, checked, and gone when nobody needs them.
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { onTestFinished } from "vitest"
import * as FolderSources from "../src/sources/FolderSources.ts"
import { SourceStore } from "../src/sources/SourceStore.ts"

const storeIn = (reserve = 0) => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-sources-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return Effect.map(Layer.build(FolderSources.layer({ directory, reserve })), (context) =>
    Context.get(context, SourceStore),
  )
}
const content = (text: string) => ({
  sha256: createHash("sha256").update(text).digest("hex"),
  bytes: Buffer.byteLength(text),
})
const piece = (text: string, offset = 0) => ({ offset, data: Buffer.from(text) })

describe("source files in a folder", () => {
  it.effect("continue where they broke off, and count once their content is their name", () =>
    Effect.gen(function* () {
      const store = yield* storeIn()
      const file = content("hello world")
      expect(yield* store.received(file)).toBe(0)
      yield* store.write(file, piece("hello"))
      expect(yield* store.received(file)).toBe(5)
      expect((yield* Effect.flip(store.write(file, piece("world", 6)))).message).toMatch(/is at byte 5/)
      yield* store.write(file, piece(" world", 5))
      expect(yield* store.received(file)).toBeNull()
      expect(readFileSync(store.locate(file.sha256), "utf8")).toBe("hello world")
      // Once more is no harm.
      yield* store.write(file, piece("hello"))
      const empty = content("")
      yield* store.write(empty, piece(""))
      expect(yield* store.received(empty)).toBeNull()
    }),
  )

  it.effect("of another content than their name are discarded, in one piece or several", () =>
    Effect.gen(function* () {
      const store = yield* storeIn()
      const file = content("hello world")
      expect((yield* Effect.flip(store.write(file, piece("jello world")))).message).toMatch(/checksum differs/)
      yield* store.write(file, piece("jello"))
      expect((yield* Effect.flip(store.write(file, piece(" world", 5)))).message).toMatch(/checksum differs/)
      expect(yield* store.received(file)).toBe(0)
      expect((yield* Effect.flip(store.write(file, piece("hello world and more")))).message).toMatch(
        /more than 11 bytes/,
      )
    }),
  )

  it.live("that no sweep needs go, but not while they may be about to be used", () =>
    Effect.gen(function* () {
      const store = yield* storeIn()
      const [needed, old, young] = [content("needed"), content("old"), content("young")]
      for (const [file, text] of [
        [needed, "needed"],
        [old, "old"],
        [young, "young"],
      ] as const) {
        yield* store.write(file, piece(text))
      }
      for (const { sha256 } of [needed, old]) utimesSync(store.locate(sha256), 1, 1)
      expect(yield* store.sweepUp((sha256) => sha256 === needed.sha256, 100_000)).toBe(1)
      expect([needed, old, young].map(({ sha256 }) => existsSync(store.locate(sha256)))).toEqual([true, false, true])
    }),
  )

  it.effect("leave the reserve of the disk free", () =>
    Effect.gen(function* () {
      const store = yield* storeIn(2 ** 60)
      expect((yield* Effect.flip(store.write(content("a"), piece("a")))).message).toMatch(/are kept for the database/)
    }),
  )
})
