import { createHash } from "node:crypto"
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { ArtifactStore } from "../src/artifacts/ArtifactStore.ts"
import * as FolderArtifacts from "../src/artifacts/FolderArtifacts.ts"
import { freshDirectory } from "./directory.ts"

const sweep = SweepId.make("small")
const trial = TrialNumber.make(3)
const owner = { sweep, trial, epoch: Epoch.make(7) }
const content = Buffer.from("safetensors".repeat(100))
const sha256 = createHash("sha256").update(content).digest("hex")
const file = { path: "adapter/model.safetensors", bytes: content.byteLength }

const opened = (directory: string) =>
  Effect.map(Layer.build(FolderArtifacts.layer({ directory })), (context) => Context.get(context, ArtifactStore))

const test = <E>(
  title: string,
  body: (store: ArtifactStore["Service"], directory: string) => Effect.Effect<unknown, E, Scope.Scope>,
) =>
  it.effect(title, () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      yield* body(yield* opened(directory), directory)
    }).pipe(Effect.scoped),
  )

const put = (store: ArtifactStore["Service"], of = owner, path = file.path) =>
  Effect.andThen(
    store.write(of, { path, offset: 0, data: content }),
    store.complete(of, { path, bytes: content.byteLength, sha256 }),
  )

describe("artifacts in a folder", () => {
  test("a file counts once it is whole, and is asked for from where it broke off until then", (store) =>
    Effect.gen(function* () {
      expect(yield* store.received(owner, file)).toBe(0)
      expect(yield* store.write(owner, { path: file.path, offset: 0, data: content.subarray(0, 100) })).toBe(100)
      expect(yield* store.received(owner, file)).toBe(100)
      expect(yield* store.list(sweep, trial)).toEqual([])
      yield* store.write(owner, { path: file.path, offset: 100, data: content.subarray(100) })
      yield* store.complete(owner, { ...file, sha256 })
      expect(yield* store.received(owner, file)).toBe(null)
      expect(yield* store.list(sweep, null)).toMatchObject([{ trial, epoch: 7, path: file.path, bytes: 1100, sha256 }])
      expect(readFileSync(store.locate(sweep, { ...owner, path: file.path }))).toEqual(content)
    }))

  test("a piece that leaves a hole, or comes twice, is refused and changes nothing", (store) =>
    Effect.gen(function* () {
      yield* store.write(owner, { path: file.path, offset: 0, data: content.subarray(0, 100) })
      for (const offset of [50, 101]) {
        const error = yield* Effect.flip(
          store.write(owner, { path: file.path, offset, data: content.subarray(offset) }),
        )
        expect(error.message).toMatch(/is at byte 100/)
      }
      expect(yield* store.received(owner, file)).toBe(100)
    }))

  test("what arrives damaged is thrown away", (store, directory) =>
    Effect.gen(function* () {
      const damaged = Buffer.from(content)
      damaged[500]! ^= 1
      yield* store.write(owner, { path: file.path, offset: 0, data: damaged })
      expect((yield* Effect.flip(store.complete(owner, { ...file, sha256 }))).message).toMatch(/checksum differs/)
      expect(yield* store.received(owner, file)).toBe(0)
      yield* store.write(owner, { path: file.path, offset: 0, data: content.subarray(1) })
      expect((yield* Effect.flip(store.complete(owner, { ...file, sha256 }))).message).toMatch(
        /1099 bytes instead of 1100/,
      )
      expect(yield* store.list(sweep, trial)).toEqual([])
      expect(existsSync(join(directory, sweep, "3", "7", file.path))).toBe(false)
    }))

  test("a writer that shares the folder puts a file in its place", (store, directory) =>
    Effect.gen(function* () {
      expect(store.shared.folder).toBe(directory)
      expect(readFileSync(join(directory, ".sweep-artifacts"), "utf8").trim()).toBe(store.shared.marker)
      const place = store.place(owner, file.path)
      mkdirSync(dirname(place), { recursive: true })
      writeFileSync(place, content)
      yield* store.complete(owner, { ...file, sha256 })
      expect(yield* store.list(sweep, trial)).toHaveLength(1)
    }))

  test("survives a restart; a damaged index loses names, not the coordinator", (store, directory) =>
    Effect.gen(function* () {
      yield* put(store)
      const again = yield* opened(directory)
      expect(again.shared).toEqual(store.shared)
      expect(yield* again.list(sweep, trial)).toHaveLength(1)
      appendFileSync(join(directory, sweep, "3", "index.json"), "}")
      expect(yield* again.list(sweep, trial)).toEqual([])
      expect(yield* again.received(owner, file)).toBe(0)
    }))

  test("retaining removes the rest, but not what is on its way", (store, directory) =>
    Effect.gen(function* () {
      const newer = { ...owner, epoch: Epoch.make(9) }
      yield* put(store)
      yield* put(store, newer)
      yield* put(store, newer, "checkpoints/step-00000004/state.pt")
      yield* store.write(newer, { path: "adapter/rest.bin", offset: 0, data: content })
      yield* store.write(owner, { path: "adapter/rest.bin", offset: 0, data: content })
      yield* store.retain(sweep, trial, newer.epoch, (all) =>
        all.filter(({ epoch, path }) => epoch === 9 && path.startsWith("adapter/")),
      )
      expect(yield* store.list(sweep, trial)).toMatchObject([{ epoch: 9, path: file.path }])
      expect(existsSync(join(directory, sweep, "3", "7"))).toBe(false)
      expect(existsSync(join(directory, sweep, "3", "9", "checkpoints"))).toBe(false)
      expect(yield* store.received(newer, { path: "adapter/rest.bin", bytes: 5000 })).toBe(content.byteLength)
      expect(readFileSync(store.locate(sweep, { ...newer, path: file.path }))).toEqual(content)
    }))

  test("go with their sweep", (store, directory) =>
    Effect.gen(function* () {
      yield* put(store)
      yield* store.write(owner, { path: "adapter/rest.bin", offset: 0, data: content })
      expect(yield* store.sizeOf(sweep)).toEqual({ files: 2, bytes: 2 * content.byteLength })
      yield* store.removeSweep(sweep)
      yield* store.removeSweep(sweep)
      expect(yield* store.sizeOf(sweep)).toEqual({ files: 0, bytes: 0 })
      expect(yield* store.list(sweep, null)).toEqual([])
      expect(existsSync(join(directory, sweep))).toBe(false)
    }))

  it.effect("a folder that cannot be written is said in a sentence", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      rmSync(directory, { recursive: true })
      writeFileSync(directory, "a file")
      const error = yield* Effect.flip(Effect.scoped(opened(directory)))
      expect(error.message).toContain(`artifacts in ${directory}`)
    }),
  )
})

it.effect("files leave the reserve of the disk free for the database, and are taken once there is room", () =>
  Effect.gen(function* () {
    const directory = freshDirectory()
    let free = 10_000
    const options = { directory, reserve: 9_000, free: () => free }
    const store = Context.get(yield* Layer.build(FolderArtifacts.layer(options)), ArtifactStore)
    for (const tried of [
      store.received(owner, file),
      store.write(owner, { path: file.path, offset: 0, data: content }),
    ]) {
      const error = yield* Effect.flip(tried)
      expect(error).toMatchObject({
        _tag: "ArtifactsUnusable",
        message: expect.stringContaining("kept for the database"),
      })
    }
    expect(existsSync(join(directory, sweep))).toBe(false)
    free = 11_000
    yield* put(store)
    expect(yield* store.received(owner, file)).toBe(null)
  }).pipe(Effect.scoped),
)
