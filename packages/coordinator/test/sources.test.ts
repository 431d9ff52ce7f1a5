// Source snapshots: a sweep is taken only with all of its files, and an agent reads those of sweeps it has trials of.
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { onTestFinished } from "vitest"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { connectAgent, finished } from "@sweep/protocol/ScriptedAgent"
import { SweepApi } from "@sweep/protocol/SweepApi"
import * as FolderSources from "@sweep/store/FolderSources"
import { as, inMemory, trialIs } from "./harness.ts"

const withFolder = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-sources-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return inMemory().pipe(Layer.provide(FolderSources.layer({ directory })))
}

const named = (text: string) => {
  const data = Buffer.from(text)
  return { sha256: createHash("sha256").update(data).digest("hex"), bytes: data.byteLength, offset: 0, data }
}

const program = named("print(1)")
const manifest = named(
  JSON.stringify({ format: 1, roots: [{ work: true, files: [{ path: "a.py", sha256: program.sha256, bytes: 8 }] }] }),
)
const spec = exampleSpec({
  snapshot: { sha256: manifest.sha256 as never, manifestBytes: manifest.bytes, files: 1, bytes: 8, roots: ["/a"] },
})

describe("a sweep with a source snapshot", () => {
  it.effect("is refused until every file is there", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      expect((yield* Effect.flip(api.submit(spec))).message).toMatch(/snapshot .* is not here/)
      yield* api.putSources([manifest])
      expect((yield* Effect.flip(api.submit(spec))).message).toMatch(/not every file/)
      expect(yield* api.offerSources([program, manifest])).toEqual([{ sha256: program.sha256, offset: 0 }])
      expect((yield* Effect.flip(api.putSources([{ ...program, data: Buffer.from("print(2)") }]))).message).toMatch(
        /checksum/,
      )
      yield* api.putSources([program])
      expect(yield* api.offerSources([program, manifest])).toEqual([])
      expect(yield* api.submit(spec)).toBe("example")
    }).pipe(Effect.provide(withFolder())),
  )

  it.effect("gives its files to agents that have a trial of it, and no others", () =>
    Effect.gen(function* () {
      const api = yield* SweepApi
      const exchange = yield* ArtifactExchange
      const other = named("another sweep's")
      yield* api.putSources([manifest, program, other])
      const sweep = yield* api.submit(spec)
      const fetch = (...wanted: ReadonlyArray<{ readonly sha256: string }>) =>
        Stream.runCollect(
          exchange.fetchSources(
            sweep,
            wanted.map(({ sha256 }, i) => ({ sha256, offset: i * 4 })),
          ),
        )
      expect((yield* Effect.flip(as("mine")(fetch(program)))).message).toMatch(/no trial of .* is with agent mine/)
      const agent = yield* as("mine")(connectAgent({ id: "mine" }))
      const assigned = yield* agent.next("Assign")
      expect(JSON.parse(assigned.trialJson).snapshot).toEqual({
        sha256: manifest.sha256,
        bytes: manifest.bytes,
        roots: ["/a"],
      })
      const pieces = yield* as("mine")(fetch(manifest, program))
      expect(Array.from(pieces, ({ file, data }) => [file, Buffer.from(data).toString()])).toEqual([
        [0, manifest.data.toString()],
        [1, "t(1)"],
      ])
      expect((yield* Effect.flip(as("other")(fetch(program)))).message).toMatch(/no trial of .* is with agent other/)
      expect((yield* Effect.flip(as("mine")(fetch(other)))).message).toMatch(/is no file of the source snapshot/)
      yield* agent.ended(assigned.epoch, 0, finished({ values: { "eval/loss": 1 } }))
      yield* trialIs(sweep, 1, "completed")
    }).pipe(Effect.scoped, Effect.provide(withFolder())),
  )
})
