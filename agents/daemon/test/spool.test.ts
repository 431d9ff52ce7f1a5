import { spawnSync } from "node:child_process"
import { appendFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LogFile, sentLimit } from "../src/attempt/LogFile.ts"
import { type Position, Spool, type SpoolBatch, start } from "../src/attempt/spool.ts"
import { temporaryDirectory } from "./testAgent.ts"

const metrics = (seq: number, values: object = { "train/loss": seq }) =>
  `${JSON.stringify({ seq, at: "2026-01-01T00:00:00.000Z", type: "metrics", step: seq, values })}\n`

const file = Effect.map(temporaryDirectory, (directory) => join(directory, "events.jsonl"))

const all = (spool: Spool): ReadonlyArray<SpoolBatch> => {
  const batches: Array<SpoolBatch> = []
  let from: Position = start
  for (let batch = spool.read(from); batch !== undefined; batch = spool.read(from)) {
    batches.push(batch)
    from = batch.next
  }
  return batches
}

describe("the spool", () => {
  it.live("is read in batches that a message can hold, and completely", () =>
    Effect.gen(function* () {
      const path = yield* file
      writeFileSync(path, Array.from({ length: 10_000 }, (_, i) => metrics(i + 1)).join(""))
      const batches = all(new Spool(path))
      expect(batches.length).toBeGreaterThan(2)
      expect(batches.flatMap(({ points }) => Array.from(points.value))).toEqual(
        Array.from({ length: 10_000 }, (_, i) => i + 1),
      )
      for (const { next, firstSeq, lines } of batches) expect(next.seq - firstSeq + 1).toBe(lines)
    }),
  )

  it.live("keeps a line back until its end is written", () =>
    Effect.gen(function* () {
      const path = yield* file
      const spool = new Spool(path)
      expect(spool.read(start)).toBeUndefined()
      writeFileSync(path, metrics(1).slice(0, -1))
      expect(spool.read(start)).toBeUndefined()
      appendFileSync(path, "\n")
      expect(spool.read(start)?.lines).toBe(1)
    }),
  )

  it.live("drops repeated lines, counts gaps and what nobody can read", () =>
    Effect.gen(function* () {
      const path = yield* file
      writeFileSync(
        path,
        `${metrics(1)}${metrics(1)}\n{"seq":2}\n${metrics(5, { a: "Infinity", b: "-Infinity" })}null\n`,
      )
      const [batch] = all(new Spool(path))
      expect(batch).toMatchObject({ lines: 2, firstSeq: 1, invalid: 2, missing: 3, next: { seq: 5 } })
      expect(batch!.problem).toContain('{"seq":2}')
      expect(Array.from(batch!.points.value)).toEqual([1, Infinity, -Infinity])
      expect(batch!.points.metrics).toEqual(["train/loss", "a", "b"])
    }),
  )

  it.live("takes a long line whole and steps over one without measure", () =>
    Effect.gen(function* () {
      const path = yield* file
      const sample = (seq: number, length: number) =>
        `${JSON.stringify({ seq, at: "", type: "sample", probe: 0, prompt: "p", answer: "x".repeat(length) })}\n`
      writeFileSync(path, sample(1, 500_000) + sample(2, 3_000_000) + metrics(3))
      const batches = all(new Spool(path))
      expect(batches.map(({ lines }) => lines)).toEqual([1, 0, 1])
      expect(batches[1]).toMatchObject({ invalid: 1, problem: "a line is longer than 1048576 bytes" })
      expect(batches[2]!.next.seq).toBe(3)
    }),
  )

  it.live("is not taken for empty when no descriptor is left, and read once there is one", () =>
    Effect.gen(function* () {
      const path = yield* file
      writeFileSync(path, metrics(1))
      const spool = JSON.stringify(join(import.meta.dirname, "../src/attempt/spool.ts"))
      const program = `
        import { closeSync, openSync } from "node:fs"
        const { Spool, start } = await import(${spool})
        const open = []
        try { for (;;) open.push(openSync("/dev/null", "r")) } catch {}
        const one = new Spool(${JSON.stringify(path)})
        let first = "read"
        try { one.read(start) } catch (error) { first = error.code }
        for (const descriptor of open) closeSync(descriptor)
        console.log(first, one.read(start).lines)
      `
      const limited = ["-c", 'ulimit -n 200; exec "$0" --input-type=module -e "$1"', process.execPath, program]
      expect(spawnSync("sh", limited, { encoding: "utf8" }).stdout.trim()).toBe("EMFILE 1")
    }),
  )

  it.live("survives any bytes: every prefix and a shuffled file are read without a defect", () =>
    Effect.gen(function* () {
      const path = yield* file
      const bytes = Buffer.from(
        metrics(1) + '{"seq":2,"type":"failed","class":"oom","message":"\\u0000","detail":null}\n' + metrics(3),
      )
      for (let cut = 0; cut <= bytes.length; cut++) {
        writeFileSync(path, Buffer.concat([bytes.subarray(0, cut), Buffer.from([0xff, 0xfe, 10, 0x7b])]))
        all(new Spool(path))
      }
    }),
  )
})

describe("a log", () => {
  it.live("is cut only between words, so that a secret is whole or not there", () =>
    Effect.gen(function* () {
      const path = yield* file
      const log = new LogFile(path)
      const bytes = Buffer.from("login with hf_canary_0123456789 done\r50%\r")
      const pieces: Array<string> = []
      let offset = 0
      for (let length = 1; length <= bytes.length; length++) {
        writeFileSync(path, bytes.subarray(0, length))
        const piece = log.read(offset, false)
        if (piece === undefined) continue
        pieces.push(piece.text)
        offset = piece.end
      }
      expect(pieces).toEqual(["login ", "with ", "hf_canary_0123456789 ", "done\r", "50%\r"])
    }),
  )

  it.live("is cut only between characters", () =>
    Effect.gen(function* () {
      const path = yield* file
      const log = new LogFile(path)
      const before = "x".repeat(5_000)
      const bytes = Buffer.from(`${before}aé你𝄞`)
      let text = ""
      let offset = 0
      for (let length = before.length; length <= bytes.length; length++) {
        writeFileSync(path, bytes.subarray(0, length))
        const piece = log.read(offset, false)
        if (piece === undefined) continue
        text += piece.text
        offset = piece.end
      }
      expect(text + log.read(offset, true)!.text).toBe(`${before}aé你𝄞`)
      offset = bytes.length
      writeFileSync(path, Buffer.concat([bytes, Buffer.from([0xe4])]))
      expect(log.read(offset, false)).toBeUndefined()
      expect(log.read(offset, true)?.text).toBe("\ufffd")
    }),
  )

  it.live("is sent to its first MiB, with a note where it breaks off", () =>
    Effect.gen(function* () {
      const path = yield* file
      writeFileSync(path, "x".repeat(sentLimit + 10))
      const log = new LogFile(path)
      let text = ""
      let offset = 0
      for (let piece = log.read(offset, true); piece !== undefined; piece = log.read(offset, true)) {
        text += piece.text
        offset = piece.end
      }
      expect(offset).toBe(sentLimit)
      expect(text.slice(0, sentLimit)).toBe("x".repeat(sentLimit))
      expect(text.slice(sentLimit)).toContain(`the rest is only on the agent, in ${path}`)
    }),
  )
})
