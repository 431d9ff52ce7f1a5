// Files of trials, as an agent hands them over and a person fetches them: the real coordinator and folder.
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { onTestFinished } from "vitest"
import type { KeepRule } from "@sweep/domain/Artifact"
import { Epoch, TrialNumber } from "@sweep/domain/Id"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { SweepApi } from "@sweep/protocol/SweepApi"
import * as FolderArtifacts from "@sweep/store/FolderArtifacts"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { connectAgent, evalLosses, eventually } from "@sweep/protocol/ScriptedAgent"
import type { ArtifactQuotas } from "../src/attempts/artifacts.ts"
import { inMemory, trialIs } from "./harness.ts"

const withFolder = (quotas: ArtifactQuotas = {}) => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-artifacts-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return inMemory(undefined, quotas).pipe(Layer.provide(FolderArtifacts.layer({ directory })))
}

const data = Buffer.from("weights")
const sha256 = createHash("sha256").update(data).digest("hex")
const files = [
  { path: "adapter/adapter_model.safetensors", bytes: data.byteLength },
  { path: "checkpoints/step-00000002/manifest.json", bytes: data.byteLength },
  { path: "checkpoints/step-00000004/manifest.json", bytes: data.byteLength },
]
const paths = (found: ReadonlyArray<{ readonly path: string }>) => found.map(({ path }) => path)

const begin = (artifacts: KeepRule) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const exchange = yield* ArtifactExchange
    const sweep = yield* api.submit(exampleSpec({ artifacts }))
    const agent = yield* connectAgent()
    const { epoch } = yield* agent.next("Assign")
    const owner = { sweep, trial: TrialNumber.make(1), epoch }
    /** Hands over whatever is wanted. */
    const handOver = Effect.gen(function* () {
      const { wanted } = yield* exchange.offer(owner, files)
      for (const { path, offset } of wanted) {
        yield* exchange.put(owner, { path, bytes: data.byteLength, offset, data: data.subarray(offset), sha256 })
      }
      return paths(wanted)
    })
    return { api, exchange, agent, owner, handOver }
  })

describe("files of trials", () => {
  it.effect("of a trial that has ended are kept by the sweep's rule, and fetched as they were", () =>
    Effect.gen(function* () {
      const { api, agent, owner, handOver } = yield* begin("last")
      yield* agent.complete(owner.epoch, evalLosses(1, 0.5))
      yield* trialIs(owner.sweep, 1, "completed")
      expect(yield* handOver).toEqual([files[0]!.path, files[2]!.path])
      expect(yield* handOver).toEqual([])
      const kept = yield* api.artifacts(owner.sweep, owner.trial)
      expect(paths(kept)).toEqual([files[0]!.path, files[2]!.path])
      expect(yield* Stream.runCollect(api.fetchArtifact(owner.sweep, kept[0]!, 3))).toEqual([data.subarray(3)])
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )

  it.effect("a trial that may continue leaves its checkpoints, until it has ended", () =>
    Effect.gen(function* () {
      const { api, exchange, agent, owner, handOver } = yield* begin("best")
      yield* agent.report(owner.epoch, evalLosses(1))
      yield* agent.acknowledged(owner.epoch, 1)
      const checkpoints = paths(files.slice(1))
      expect(yield* handOver).toEqual(checkpoints)
      expect(paths(yield* exchange.listCheckpoint(owner.sweep, owner.trial))).toEqual(checkpoints)
      // Of a newer one its manifest has not come yet.
      const state = { path: "checkpoints/step-00000006/optimizer.pt", bytes: data.byteLength }
      const { wanted } = yield* exchange.offer(owner, [
        ...files,
        state,
        { ...state, path: "checkpoints/step-00000006/manifest.json" },
      ])
      expect(paths(wanted)).toEqual([state.path, "checkpoints/step-00000006/manifest.json"])
      yield* exchange.put(owner, { ...state, offset: 0, data, sha256 })
      expect(paths(yield* exchange.listCheckpoint(owner.sweep, owner.trial))).toEqual(checkpoints)
      yield* agent.ended(owner.epoch, 1, { _tag: "Finished", interrupted: false, step: 1, values: { "eval/loss": 1 } })
      yield* trialIs(owner.sweep, 1, "completed")
      yield* eventually(
        "the checkpoint is gone",
        Effect.map(api.artifacts(owner.sweep, null), (all) => all.length === 0),
      )
      expect(yield* handOver).toEqual([files[0]!.path])
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )

  it.effect("an attempt that is not the trial's newest, a failed trial and a rule of none are not listened to", () =>
    Effect.gen(function* () {
      const { exchange, agent, owner, handOver } = yield* begin("all")
      const stale = { ...owner, epoch: Epoch.make(owner.epoch + 1) }
      expect((yield* exchange.offer(stale, files)).wanted).toEqual([])
      const piece = { ...files[0]!, offset: 0, data, sha256 }
      expect((yield* Effect.flip(exchange.put(stale, piece))).message).toMatch(/not wanted/)
      yield* agent.ended(owner.epoch, 0, { _tag: "Failed", class: "diverged", message: said("NaN"), detail: null })
      yield* trialIs(owner.sweep, 1, "failed")
      expect(yield* handOver).toEqual([])
      const none = yield* begin("none")
      yield* none.agent.complete(none.owner.epoch, evalLosses(1))
      yield* trialIs(none.owner.sweep, 1, "completed")
      expect(yield* none.handOver).toEqual([])
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )

  it.effect("what is not kept is not found, in words", () =>
    Effect.gen(function* () {
      const { api, owner } = yield* begin("best")
      const missing = api.fetchArtifact(owner.sweep, { ...owner, path: files[0]!.path }, 0)
      expect((yield* Effect.flip(Stream.runDrain(missing))).message).toMatch(/is not kept/)
      const trial = TrialNumber.make(99)
      expect((yield* Effect.flip(api.artifacts(owner.sweep, trial))).message).toMatch(/there is no trial/)
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )
})

for (const quotas of [{ sweep: 10 }, { agent: 10 }] as ReadonlyArray<ArtifactQuotas>) {
  const [of] = Object.keys(quotas)
  it.effect(`files beyond the quota of the ${of} are refused whole, and said so`, () =>
    Effect.gen(function* () {
      const { exchange, agent, owner, handOver } = yield* begin("last")
      yield* agent.complete(owner.epoch, evalLosses(1, 0.5))
      yield* trialIs(owner.sweep, 1, "completed")
      // Two files of 7 bytes, and room for 10.
      const error = yield* Effect.flip(handOver)
      expect(error).toMatchObject({ _tag: "Refused", message: expect.stringContaining("over its quota") })
      const { wanted } = yield* exchange.offer(owner, files.slice(0, 1))
      expect(paths(wanted)).toEqual([files[0]!.path])
    }).pipe(Effect.provide(withFolder(quotas))),
  )
}
