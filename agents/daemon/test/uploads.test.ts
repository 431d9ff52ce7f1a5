// Handing files over to a coordinator that is away now and then, and to one that takes them from a shared disk.
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { type ArtifactFile, markerFile } from "@sweep/domain/Artifact"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { said } from "@sweep/domain/Reason"
import { ArtifactExchange, type Offer, type Piece, pieceBytes } from "@sweep/protocol/ArtifactExchange"
import { Refused, Unavailable } from "@sweep/protocol/SweepApi"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { onTestFinished } from "vitest"
import { AttemptDirectory, type AttemptRecord } from "../src/attempt/AttemptDirectory.ts"
import { makeUploads } from "../src/session/uploads.ts"

const record: AttemptRecord = {
  contract: 1,
  sweep: SweepId.make("small"),
  trial: TrialNumber.make(1),
  attempt: 1,
  epoch: Epoch.make(1),
  slot: 0,
  trainer: "peft",
  command: null,
  tree: null,
  acknowledged: { seq: 0, offset: 0, stdout: 0, stderr: 0 },
  end: { _tag: "Released", cause: said("test") },
  settled: true,
  handedOver: false,
}

const folder = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-uploads-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const attemptWith = (files: Record<string, Uint8Array>) => {
  const directory = folder()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), content)
  }
  return new AttemptDirectory(directory)
}

/** Takes what a coordinator takes; `puts` lets a test refuse or break off. */
class Receiver {
  readonly offered: Array<ReadonlyArray<ArtifactFile>> = []
  readonly parts = new Map<string, Buffer>()
  readonly whole = new Map<string, Buffer>()
  readonly pieces: Array<{ readonly path: string; readonly offset: number; readonly bytes: number }> = []
  shared: Pick<Offer, "folder" | "marker"> = { folder: "", marker: "" }
  puts: (piece: Piece, count: number) => Refused | Unavailable | undefined = () => undefined

  readonly service: ArtifactExchange["Service"] = {
    offer: (_, files) =>
      Effect.sync(() => {
        this.offered.push(files)
        const wanted = files
          .filter(({ path }) => !this.whole.has(path))
          .map(({ path }) => ({
            path,
            offset: this.parts.get(path)?.byteLength ?? 0,
            place: join(this.shared.folder, path.replaceAll("/", "-")),
          }))
        return { wanted, ...this.shared }
      }),
    put: (_, piece) =>
      Effect.suspend(() => {
        const { path, offset, bytes, data, sha256 } = piece
        const problem = this.puts(piece, this.pieces.length)
        this.pieces.push({ path, offset, bytes: data.byteLength })
        if (problem !== undefined) return Effect.fail(problem)
        const placed =
          this.shared.folder === ""
            ? Buffer.alloc(0)
            : readFileSync(join(this.shared.folder, path.replaceAll("/", "-")))
        const before = this.shared.folder === "" ? (this.parts.get(path) ?? Buffer.alloc(0)) : placed
        const part = Buffer.concat([before.subarray(0, offset), data])
        this.parts.set(path, part)
        if (sha256 === null) return Effect.void
        expect(part.byteLength).toBe(bytes)
        expect(createHash("sha256").update(part).digest("hex")).toBe(sha256)
        this.whole.set(path, part)
        return Effect.void
      }),
    listCheckpoint: () => Effect.succeed([]),
    fetch: () => Stream.empty,
    fetchSources: () => Stream.empty,
  }
}

const handOver = (receiver: Receiver, directory: AttemptDirectory) =>
  Effect.gen(function* () {
    const uploads = yield* makeUploads.pipe(Effect.provideService(ArtifactExchange, receiver.service))
    const done = yield* Deferred.make<void>()
    yield* uploads.enqueue(directory, record, Effect.asVoid(Deferred.succeed(done, undefined)))
    return { uploads, done: Deferred.await(done) }
  })

const large = Buffer.alloc(2 * pieceBytes + 5, "adapter weights ")

describe("files of an attempt", () => {
  it.effect("go in pieces, adapter and checkpoints and nothing else", () =>
    Effect.gen(function* () {
      const receiver = new Receiver()
      const directory = attemptWith({
        "adapter/adapter_model.safetensors": large,
        "adapter/empty.txt": Buffer.alloc(0),
        "adapter/.secret": Buffer.from("no"),
        "checkpoints/step-00000004/state.pt": Buffer.from("state"),
        "checkpoints/.incomplete-step-00000008/state.pt": Buffer.from("half"),
        "events.jsonl": Buffer.from("{}"),
      })
      const { uploads, done } = yield* handOver(receiver, directory)
      yield* done
      yield* uploads.idle
      expect(Array.from(receiver.whole.keys()).toSorted()).toEqual([
        "adapter/adapter_model.safetensors",
        "adapter/empty.txt",
        "checkpoints/step-00000004/state.pt",
      ])
      expect(receiver.whole.get("adapter/adapter_model.safetensors")!.equals(large)).toBe(true)
      expect(receiver.pieces.filter(({ path }) => path.endsWith(".safetensors"))).toMatchObject([
        { offset: 0, bytes: pieceBytes },
        { offset: pieceBytes, bytes: pieceBytes },
        { offset: 2 * pieceBytes, bytes: 5 },
      ])
    }).pipe(Effect.scoped),
  )

  it.effect("resume from where they broke off when the coordinator was away", () =>
    Effect.gen(function* () {
      const receiver = new Receiver()
      receiver.puts = (_, count) =>
        count === 1 ? new Unavailable({ reason: "unreachable", message: "the coordinator is away" }) : undefined
      const { done } = yield* handOver(receiver, attemptWith({ "adapter/model.safetensors": large }))
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(TestClock.adjust("1 second"), Effect.yieldNow)))
      yield* done
      expect(receiver.pieces.map(({ offset }) => offset)).toEqual([0, pieceBytes, pieceBytes, 2 * pieceBytes])
      expect(receiver.whole.size).toBe(1)
    }).pipe(Effect.scoped),
  )

  it.effect("that are refused are sent again, a few times; the attempt is let go in any case", () =>
    Effect.gen(function* () {
      const receiver = new Receiver()
      receiver.puts = () => new Refused({ message: "its checksum differs" })
      const { done } = yield* handOver(receiver, attemptWith({ "adapter/model.safetensors": Buffer.from("x") }))
      yield* done
      expect(receiver.pieces).toHaveLength(3)
    }).pipe(Effect.scoped),
  )

  it.effect("are copied where the disk is shared, and only their last piece is sent", () =>
    Effect.gen(function* () {
      const receiver = new Receiver()
      receiver.shared = { folder: folder(), marker: "the same" }
      writeFileSync(join(receiver.shared.folder, markerFile), "the same\n")
      const { done } = yield* handOver(receiver, attemptWith({ "adapter/model.safetensors": large }))
      yield* done
      expect(receiver.pieces).toEqual([{ path: "adapter/model.safetensors", offset: large.byteLength, bytes: 0 }])
      expect(receiver.whole.get("adapter/model.safetensors")!.equals(large)).toBe(true)
    }).pipe(Effect.scoped),
  )

  it.effect("are sent when the folder of that name is another one", () =>
    Effect.gen(function* () {
      const receiver = new Receiver()
      const other = folder()
      writeFileSync(join(other, markerFile), "another")
      const { service } = receiver
      const claims = {
        ...service,
        offer: (...of: Parameters<typeof service.offer>) =>
          Effect.map(service.offer(...of), (offer) => ({ ...offer, folder: other, marker: "the same" })),
      }
      const uploads = yield* makeUploads.pipe(Effect.provideService(ArtifactExchange, claims))
      yield* uploads.enqueue(attemptWith({ "adapter/model.safetensors": Buffer.from("x") }), record, Effect.void)
      yield* uploads.idle
      expect(receiver.whole.size).toBe(1)
    }).pipe(Effect.scoped),
  )
})
