// What is said of an attempt counts only from the agent that it was given to, and what is kept does not change.
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { onTestFinished } from "vitest"
import { TrialNumber } from "@sweep/domain/Id"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { said } from "@sweep/domain/Reason"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { connectAgent, evalLosses, finished } from "@sweep/protocol/ScriptedAgent"
import { SweepApi } from "@sweep/protocol/SweepApi"
import * as FolderArtifacts from "@sweep/store/FolderArtifacts"
import { as, inMemory, trialIs } from "./harness.ts"

const withFolder = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-holders-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return inMemory().pipe(Layer.provide(FolderArtifacts.layer({ directory })))
}

const pieceOf = (path: string, text: string) => {
  const data = Buffer.from(text)
  return { path, bytes: data.byteLength, offset: 0, data, sha256: createHash("sha256").update(data).digest("hex") }
}

/** `mine` has trial 1, `other` has none. */
const begin = Effect.gen(function* () {
  const api = yield* SweepApi
  const exchange = yield* ArtifactExchange
  const sweep = yield* api.submit(exampleSpec({ artifacts: "last" }))
  const mine = yield* as("mine")(connectAgent({ id: "mine" }))
  const { epoch } = yield* mine.next("Assign")
  const other = yield* as("other")(connectAgent({ id: "other", hostname: "elsewhere", slots: [] }))
  yield* other.next("Welcome")
  return { api, exchange, mine, other, epoch, owner: { sweep, trial: TrialNumber.make(1), epoch } }
})

describe("another agent", () => {
  it.effect("cannot come under a name that its token is not bound to, and throws nobody out", () =>
    Effect.gen(function* () {
      const { mine, epoch } = yield* begin
      const posing = yield* as("other")(connectAgent({ id: "mine", hostname: "host" }))
      expect(yield* posing.over).toMatchObject({ _tag: "SessionRefused", denied: true })
      yield* mine.report(epoch, evalLosses(1))
      yield* mine.acknowledged(epoch, 1)
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )

  it.effect("neither ends an attempt nor reports for it, also of a paused trial", () =>
    Effect.gen(function* () {
      const { api, mine, other, epoch, owner } = yield* begin
      yield* other.ended(epoch, 0, finished({ values: { "eval/loss": 0 } }))
      yield* other.confirmed(epoch)
      expect((yield* api.get(owner.sweep)).trials.get(owner.trial)!.state).toBe("assigned")
      yield* other.report(epoch, evalLosses(0))
      expect(yield* other.next("Stop")).toMatchObject({ epoch, mode: "kill" })
      yield* mine.report(epoch, evalLosses(1))
      yield* mine.acknowledged(epoch, 1)
      yield* api.control(owner.sweep, owner.trial, "pause", said("test"))
      yield* trialIs(owner.sweep, 1, "paused")
      yield* other.report(epoch, evalLosses(1, 0), 1)
      yield* mine.report(epoch, evalLosses(0.5), 2)
      yield* mine.acknowledged(epoch, 2)
      const { curves } = yield* api.results(owner.sweep, { maxPoints: 100 })
      expect(curves.flatMap(({ points }) => points.map(({ value }) => value))).not.toContain(0)
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )

  it.effect("neither leaves files for an attempt nor fetches its checkpoint", () =>
    Effect.gen(function* () {
      const { exchange, mine, epoch, owner } = yield* begin
      const manifest = pieceOf("checkpoints/step-00000002/manifest.json", "{}")
      const theirs = as("other")
      const refused = <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.map(Effect.flip(theirs(effect)), ({ message }) => message)
      expect(yield* refused(exchange.offer(owner, [manifest]))).toMatch(/was not given to agent other/)
      expect(yield* refused(exchange.put(owner, manifest))).toMatch(/was not given to agent other/)
      yield* mine.report(epoch, evalLosses(1))
      yield* mine.acknowledged(epoch, 1)
      yield* as("mine")(exchange.put(owner, manifest))
      expect(yield* refused(exchange.listCheckpoint(owner.sweep, owner.trial))).toMatch(/is not with agent other/)
      const fetched = Stream.runDrain(exchange.fetch(owner.sweep, owner.trial, { epoch, path: manifest.path }))
      expect(yield* refused(fetched)).toMatch(/is not with agent other/)
      yield* as("mine")(fetched)
      const foreign = Stream.runDrain(exchange.fetch(owner.sweep, owner.trial, { epoch, path: "adapter/x.json" }))
      expect((yield* Effect.flip(as("mine")(foreign))).message).toMatch(/no file of a checkpoint/)
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )
})

describe("a file that is kept", () => {
  it.effect("is not replaced by anybody, and its checksum stands in the journal", () =>
    Effect.gen(function* () {
      const { api, exchange, mine, epoch, owner } = yield* begin
      yield* mine.complete(epoch, evalLosses(1, 0.5))
      yield* trialIs(owner.sweep, 1, "completed")
      const path = "adapter/adapter_model.safetensors"
      const put = (text: string) => as("mine")(exchange.put(owner, pieceOf(path, text)))
      yield* put("good")
      // Once more, as after a lost answer.
      yield* put("good")
      for (const text of ["evil", "longer evil"]) {
        expect((yield* Effect.flip(put(text))).message).toMatch(/does not change/)
      }
      const [kept] = yield* api.artifacts(owner.sweep, owner.trial)
      expect(kept).toMatchObject({ path, sha256: pieceOf(path, "good").sha256 })
      expect(Buffer.concat(yield* Stream.runCollect(api.fetchArtifact(owner.sweep, kept!, 0))).toString()).toBe("good")
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )

  it.effect("holds data: code is not taken", () =>
    Effect.gen(function* () {
      const { exchange, mine, epoch, owner } = yield* begin
      yield* mine.report(epoch, evalLosses(1))
      yield* mine.acknowledged(epoch, 1)
      const step = "checkpoints/step-00000002"
      const names = ["modeling.py", "training_args.bin", "adapter/x.pkl", "optimizer.pt", "manifest.json"]
      const offered = names.map((name) => ({ path: `${step}/${name}`, bytes: 2 }))
      const { wanted } = yield* as("mine")(exchange.offer(owner, offered))
      expect(wanted.map(({ path }) => path)).toEqual([`${step}/optimizer.pt`, `${step}/manifest.json`])
      const planted = as("mine")(exchange.put(owner, pieceOf(`${step}/modeling.py`, "import os")))
      expect((yield* Effect.flip(planted)).message).toMatch(/not wanted/)
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )
})
