// Source snapshots on a host: fetched once, resumed after a break, checked, shared or copied, and within a quota.
import { createHash } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import type { SnapshotManifest } from "@sweep/domain/Snapshot"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { Unavailable } from "@sweep/protocol/SweepApi"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { onTestFinished } from "vitest"
import { Attempt } from "../src/attempt/Attempt.ts"
import { AttemptDirectory } from "../src/attempt/AttemptDirectory.ts"
import { Disk } from "../src/host/disk.ts"
import { placeSources, removeCopy } from "../src/sources/placeSources.ts"
import { SourceCache } from "../src/sources/SourceCache.ts"

const folder = () => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-sources-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(join(directory, "attempts"))
  return directory
}
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex")

/** A coordinator with a program's folder and a data file; `breakAfter` bytes of a fetch the connection goes. */
class Sender {
  readonly files = new Map<string, Buffer>()
  readonly asked: Array<{ readonly sha256: string; readonly offset: number }> = []
  breakAfter = Infinity
  readonly snapshot: { readonly sha256: string; readonly bytes: number; readonly roots: ReadonlyArray<string> }
  constructor(work: Readonly<Record<string, string | Buffer>>, data: Readonly<Record<string, string>> = {}) {
    const named = (all: Readonly<Record<string, string | Buffer>>) =>
      Object.entries(all).map(([path, text]) => {
        const content = Buffer.from(text)
        this.files.set(sha256(content), content)
        return {
          path,
          sha256: sha256(content),
          bytes: content.byteLength,
          ...(path.endsWith(".sh") && { executable: true }),
        }
      })
    const roots = [
      { work: true, files: named(work) },
      { work: false, files: named(data) },
    ]
    const manifest = Buffer.from(JSON.stringify({ format: 1, roots } satisfies SnapshotManifest))
    this.files.set(sha256(manifest), manifest)
    this.snapshot = { sha256: sha256(manifest), bytes: manifest.byteLength, roots: ["/home/me/project", "/data"] }
  }
  readonly service = {
    fetchSources: (_: SweepId, wanted: ReadonlyArray<{ readonly sha256: string; readonly offset: number }>) =>
      Stream.suspend(() => {
        this.asked.push(...wanted)
        const pieces = wanted.flatMap((each, file) => {
          const data = this.files.get(each.sha256)!.subarray(each.offset)
          return Array.from({ length: Math.ceil(data.byteLength / 4) }, (_, i) => ({
            file,
            data: data.subarray(4 * i, 4 * i + 4),
          }))
        })
        const count = this.breakAfter
        this.breakAfter = Infinity
        const sent = Stream.fromIterable(pieces.slice(0, count))
        return count >= pieces.length
          ? sent
          : Stream.concat(sent, Stream.fail(new Unavailable({ reason: "unreachable", message: "gone" })))
      }),
  } as unknown as ArtifactExchange["Service"]
}

const attemptOf = (home: string, sender: Sender, epoch = 1, command: ReadonlyArray<string> | null = null) => {
  const directory = new AttemptDirectory(join(home, "attempts", String(epoch)))
  mkdirSync(directory.path)
  const trial = {
    snapshot: sender.snapshot,
    working_directory: "/home/me/project/src",
    parameters: { file: "/data/train.json", other: "/database" },
    training: { data: { train: "/data/train.json" } },
  }
  for (const file of [directory.trial, directory.assigned]) writeFileSync(file, JSON.stringify(trial))
  for (const file of [directory.events, directory.control]) writeFileSync(file, "")
  return Attempt.make(directory, {
    contract: 1,
    sweep: SweepId.make("small"),
    trial: TrialNumber.make(1),
    attempt: 1,
    epoch: Epoch.make(epoch),
    slot: 0,
    trainer: "command",
    command,
    tree: null,
    acknowledged: { seq: 0, offset: 0, stdout: 0, stderr: 0 },
    end: null,
    settled: false,
  })
}
const put = (attempt: Attempt, cache: SourceCache, sender: Sender, home: string) =>
  placeSources(attempt, cache, new Disk(home)).pipe(Effect.provideService(ArtifactExchange, sender.service))

/** Files are read and written in real time; waiting for the coordinator is not. */
const passTime = (fiber: Fiber.Fiber<unknown, unknown>) =>
  Effect.gen(function* () {
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("100 millis")
    }
  })

const project = { "src/a.py": "print(1)", "run.sh": "#!", "empty.txt": "", "data/数.txt": "3" }

describe("a source snapshot on a host", () => {
  it.effect("is copied for a program, shared where trials only read, and named in trial.json and the command", () =>
    Effect.gen(function* () {
      const home = folder()
      const sender = new Sender(project, { "train.json": "[1]" })
      const cache = new SourceCache(home)
      const attempt = yield* attemptOf(home, sender, 1, ["python", "/home/me/project/src/a.py", "--x=/data/train.json"])
      yield* put(attempt, cache, sender, home)
      const source = join(attempt.directory.path, "source")
      for (const [path, text] of Object.entries(project)) expect(readFileSync(join(source, path), "utf8")).toBe(text)
      expect(statSync(join(source, "run.sh")).mode & 0o777).toBe(0o755)
      expect(attempt.record.command).toEqual(["python", join(source, "src/a.py"), "--x=/data/train.json"])
      const trial = JSON.parse(readFileSync(attempt.directory.trial, "utf8"))
      expect(trial.working_directory).toBe(join(source, "src"))
      expect(readFileSync(trial.parameters.file, "utf8")).toBe("[1]")
      expect(trial.parameters.other).toBe("/database")
      expect(trial.training.data.train).toBe(trial.parameters.file)
      // What names the run is the same on every host.
      expect(trial.assigned.training).toEqual({ data: { train: "/data/train.json" } })

      // The next trial fetches nothing, and has a copy of its own.
      sender.asked.length = 0
      writeFileSync(join(source, "src/a.py"), "changed by the first")
      const next = yield* attemptOf(home, sender, 2)
      yield* put(next, cache, sender, home)
      expect(sender.asked).toEqual([])
      expect(readFileSync(join(next.directory.path, "source/src/a.py"), "utf8")).toBe("print(1)")
      expect(JSON.parse(readFileSync(next.directory.trial, "utf8")).parameters.file).toBe(trial.parameters.file)

      // What the trial made stays when its copy goes.
      writeFileSync(join(source, "src/result.txt"), "mine")
      yield* Effect.promise(() => removeCopy(attempt.directory))
      expect(readdirSync(source, { recursive: true }).sort()).toEqual(["src", "src/result.txt"])
    }),
  )

  it.effect("is fetched on from where the connection broke, and again where a file was damaged", () =>
    Effect.gen(function* () {
      const home = folder()
      const large = Buffer.alloc(100, "0123456789")
      const sender = new Sender({ "a.bin": large })
      const cache = new SourceCache(home)
      const attempt = yield* attemptOf(home, sender)
      // The manifest arrives whole; of the file, ten pieces of four bytes.
      yield* Effect.provideService(placeSources(attempt, cache, new Disk(home)), ArtifactExchange, {
        fetchSources: (sweep: SweepId, wanted: ReadonlyArray<{ readonly sha256: string; readonly offset: number }>) => {
          if (wanted[0]!.sha256 !== sender.snapshot.sha256 && sender.asked.length === 1) sender.breakAfter = 10
          return sender.service.fetchSources(sweep, wanted)
        },
      } as unknown as ArtifactExchange["Service"]).pipe(
        Effect.forkChild,
        Effect.flatMap((fiber) => Effect.andThen(passTime(fiber), Fiber.join(fiber))),
      )
      expect(sender.asked.slice(1)).toEqual([
        { sha256: sha256(large), offset: 0 },
        { sha256: sha256(large), offset: 40 },
      ])
      expect(readFileSync(join(attempt.directory.path, "source/a.bin"))).toEqual(large)

      // Somebody wrote to the host's copy: it is fetched again.
      const kept = cache.file(sha256(large))
      chmodSync(kept, 0o644)
      writeFileSync(kept, Buffer.alloc(100, "x"))
      const next = yield* attemptOf(home, sender, 2)
      yield* put(next, cache, sender, home)
      expect(readFileSync(join(next.directory.path, "source/a.bin"))).toEqual(large)
    }),
  )

  it.effect("that does not arrive as its name says is a sentence, and nothing of it is used", () =>
    Effect.gen(function* () {
      const home = folder()
      const sender = new Sender(project)
      sender.files.set(sha256(Buffer.from("print(1)")), Buffer.from("print(2)"))
      const attempt = yield* attemptOf(home, sender)
      const problem = yield* Effect.flip(put(attempt, new SourceCache(home), sender, home))
      expect(problem).toMatchObject({ problem: expect.stringMatching(/did not arrive as its name says/) })
      expect(existsSync(join(attempt.directory.path, "source"))).toBe(false)
    }),
  )

  it.effect("gives way to newer ones beyond the quota, unless a trial uses it", () =>
    Effect.gen(function* () {
      const home = folder()
      const cache = new SourceCache(home, 3_000)
      const of = (letter: string) => new Sender({ "a.bin": letter.repeat(1_000), "same.txt": "shared" })
      const senders = ["a", "b", "c", "d"].map(of)
      const has = () =>
        senders.map(({ files }) => Array.from(files.keys()).every((name) => existsSync(cache.file(name))))
      for (const [i, sender] of senders.slice(0, 3).entries()) {
        const attempt = yield* attemptOf(home, sender, i + 1)
        yield* put(attempt, cache, sender, home)
        // The first one still runs.
        if (i > 0) yield* attempt.endedAs({ _tag: "Released", cause: { _tag: "AgentDrains" } })
        yield* attempt.save
      }
      expect(has()).toEqual([true, false, true, false])
      yield* put(yield* attemptOf(home, senders[3]!, 4), cache, senders[3]!, home)
      expect(has()).toEqual([true, false, false, true])
    }),
  )
})
