// Sweeps that are removed: what is refused, what still comes of them, and what a restart finds.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { onTestFinished } from "vitest"
import { type SweepId, TrialNumber } from "@sweep/domain/Id"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layer as duckdb } from "@sweep/store/DuckdbStore"
import * as FolderArtifacts from "@sweep/store/FolderArtifacts"
import { Store } from "@sweep/store/Store"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { batchOf } from "@sweep/store/storeFixtures"
import { connectAgent, evalLosses, eventually } from "@sweep/protocol/ScriptedAgent"
import { coordinator, inMemory, sweepIs } from "./harness.ts"

const freshDirectory = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-remove-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
/** A coordinator on the real database and the real folder of artifacts. */
const on = (directory: string) =>
  coordinator().pipe(
    Layer.provideMerge(duckdb({ directory })),
    Layer.provide(FolderArtifacts.layer({ directory: join(directory, "artifacts") })),
  )

const once = { budget: { trials: 1, gpuHours: null, hours: null } }
const remove = (sweep: SweepId) => Effect.flatMap(SweepApi, (api) => api.remove(sweep, { preview: false }))
const refusal = (sweep: SweepId) => Effect.map(Effect.flip(remove(sweep)), (error) => `${error._tag}: ${error.message}`)

const adapter = { path: "adapter/adapter_model.safetensors", bytes: 7 }
const piece = {
  ...adapter,
  offset: 0,
  data: Buffer.from("weights"),
  sha256: "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
}

describe("a sweep that is removed", () => {
  it.effect("has to have ended, with every trial", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const sweep = yield* api.submit(exampleSpec(once))
      const agent = yield* connectAgent()
      const { epoch } = yield* agent.next("Assign")
      expect(yield* refusal(sweep)).toBe("Refused: example is running; end it first: sweep stop example")
      yield* api.control(sweep, null, "pause", said(""))
      expect(yield* refusal(sweep)).toBe("Refused: example is paused; end it first: sweep stop example")
      yield* api.control(sweep, null, "stop", said("enough"))
      expect(yield* refusal(sweep)).toBe(
        "Refused: example has ended (stopped), but 1 trial of it still has to; remove it after that",
      )
      yield* agent.complete(epoch, evalLosses(1))
      yield* agent.confirmed(epoch)
      expect(yield* remove(sweep)).toMatchObject({ trials: 1, points: 1 })
    }).pipe(Effect.scoped, Effect.provide(inMemory())),
  )

  it.effect("is not removed while another one shows its results; what was learned from it stays", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const spec = (name: string, change: Parameters<typeof exampleSpec>[0] = {}) =>
        exampleSpec({ name, modelFingerprint: "f00d", ...once, ...change })
      const agent = yield* connectAgent()
      const source = yield* api.submit(spec("source"))
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(2))
      yield* sweepIs(source, "finished")
      const taught = yield* api.submit(spec("taught", { method: "tpe", warmStart: [source], seed: 8 }))
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(3))
      yield* sweepIs(taught, "finished")
      const user = yield* api.submit(spec("user", { reuse: true }))
      yield* sweepIs(user, "finished")
      expect(yield* refusal(source)).toBe(
        "Refused: results of source are reused by user (1 trial), whose curves and adapters they are; remove that sweep first",
      )
      yield* remove(user)
      yield* remove(source)
      expect((yield* api.get(taught)).spec.learned).toMatchObject([{ sweep: source, objective: 2 }])
      // A run that only the removed one had made is made again; one that is still there is not.
      const again = yield* api.submit(spec("again", { reuse: true }))
      yield* agent.complete((yield* agent.next("Assign")).epoch, evalLosses(2))
      yield* sweepIs(again, "finished")
      const last = yield* api.submit(spec("last", { reuse: true }))
      expect((yield* sweepIs(last, "finished")).trials.get(TrialNumber.make(1))?.reusedFrom).toEqual({
        sweep: again,
        trial: 1,
      })
    }).pipe(Effect.scoped, Effect.provide(inMemory())),
  )

  it.live("stays gone: late lines and files of it are turned away, and a restart knows it no more", () =>
    Effect.gen(function* () {
      const directory = freshDirectory()
      const folder = join(directory, "artifacts", "example")
      const gone = yield* Effect.gen(function* () {
        const api = yield* SweepApi
        const sweep = yield* api.submit(exampleSpec(once))
        const agent = yield* connectAgent()
        const { epoch } = yield* agent.next("Assign")
        yield* agent.log(epoch, 0, "training\n")
        yield* agent.complete(epoch, evalLosses(3, 2))
        yield* sweepIs(sweep, "finished")
        const owner = { sweep, trial: TrialNumber.make(1), epoch }
        const exchange = yield* ArtifactExchange
        expect((yield* exchange.offer(owner, [adapter])).wanted).toHaveLength(1)
        // Half of it has come.
        yield* exchange.put(owner, { ...piece, data: piece.data.subarray(0, 3), sha256: null })
        expect(yield* remove(sweep)).toEqual({ trials: 1, points: 2, files: 1, bytes: 3 })
        expect(existsSync(folder)).toBe(false)

        expect((yield* exchange.offer(owner, [adapter])).wanted).toEqual([])
        // On a shared disk its agent may have put it there by itself.
        mkdirSync(join(folder, "1"), { recursive: true })
        expect((yield* Effect.flip(exchange.put(owner, piece))).message).toMatch(/is not wanted any more/)
        expect(existsSync(folder)).toBe(false)
        yield* agent.report(epoch, evalLosses(1), 3)
        expect(yield* agent.next("Stop")).toMatchObject({ epoch, mode: "kill" })
        // Accepted before, committed after.
        const store = yield* Store
        yield* store.ingest([{ ...batchOf(1, epoch, [[3, "eval/loss", 30, 1]]), sweep }], [])
        expect(yield* store.countPoints(sweep)).toBe(0)
        return { sweep, epoch }
      }).pipe(Effect.scoped, Effect.provide(on(directory)))

      // The process ended between the removal and its files.
      mkdirSync(join(folder, "1", "1"), { recursive: true })
      writeFileSync(join(folder, "1", "1", "left"), "over")
      yield* Effect.gen(function* () {
        const api = yield* SweepApi
        yield* eventually(
          "the files are gone",
          Effect.sync(() => !existsSync(folder)),
        )
        expect((yield* Effect.flip(api.get(gone.sweep))).message).toMatch(/no sweep named example; it was removed/)
        const held = [{ epoch: gone.epoch, slot: 0, running: false }]
        const agent = yield* connectAgent({ held })
        expect(yield* agent.next("Welcome")).toMatchObject({ discard: [gone.epoch] })
        expect(yield* api.submit(exampleSpec(once))).toBe("example-2")
        expect((yield* agent.next("Assign")).epoch).toBeGreaterThan(gone.epoch)
      }).pipe(Effect.scoped, Effect.provide(on(directory)))
    }),
  )
})
