// Whatever a trainer writes to events.jsonl: it is read to its end, in whole lines, and what is sent of it is sound.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { Epoch } from "@sweep/domain/Id"
import { decodeAgentMessage, encodeAgentMessage } from "@sweep/grpc/agentCodec"
import { fuzzRuns } from "@sweep/domain/fuzzRuns"
import { Spool, start } from "../src/attempt/spool.ts"

const runs = fuzzRuns(1_000)

const directory = mkdtempSync(join(tmpdir(), "sweep-spool-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, "events.jsonl")

const at = "2026-01-01T00:00:00.000Z"
const good = [
  { seq: 1, at, type: "started", pid: 1, warm: false, versions: {}, device: "cpu", total_steps: 4 },
  { seq: 2, at, type: "metrics", step: 1, values: { "train/loss": 1, "eval/loss": "NaN" } },
  { seq: 3, at, type: "sample", probe: 0, prompt: "p", answer: "a" },
  { seq: 4, at, type: "finished", step: 4, values: {}, interrupted: false },
  { seq: 5, at, type: "failed", class: "oom", message: "m", detail: null },
]
const odd = fc.constantFrom<unknown>(null, true, -1, 0, 0.5, 1e308, 2 ** 53, 2 ** 32, "", "NaN", "x", [], {}, { a: {} })
const line = fc.oneof(
  fc.constantFrom(...good).map((event) => JSON.stringify(event)),
  // A good one with another value for one of its fields, or one more field.
  fc
    .tuple(fc.constantFrom(...good), fc.constantFrom("seq", "at", "type", "step", "values", "__proto__", "pid"), odd)
    .map(([event, field, value]) => JSON.stringify({ ...event, [field]: value })),
  fc.integer({ min: -2, max: 9 }).map((seq) => JSON.stringify({ ...good[1], seq })),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.json({ maxDepth: 3 }),
)
const bytes = fc
  .tuple(
    fc.array(line, { maxLength: 12 }),
    fc.constantFrom("\n", "\r\n", ""),
    fc.uint8Array({ maxLength: 6 }),
    fc.nat(),
  )
  .map(([lines, end, noise, where]) => {
    const text = Buffer.from(lines.map((one) => one + end).join("") + "\n")
    const cut = text.length === 0 ? 0 : where % text.length
    return Buffer.concat([text.subarray(0, cut), noise, text.subarray(cut)])
  })

describe("any events.jsonl", () => {
  it("is read to its last whole line, and sent as the coordinator takes it", () => {
    fc.assert(
      fc.property(bytes, (content) => {
        writeFileSync(path, content)
        const spool = new Spool(path)
        try {
          let from = start
          for (let batch = spool.read(from); batch !== undefined; batch = spool.read(from)) {
            expect(batch.next.offset).toBeGreaterThan(from.offset)
            expect(batch.next.seq).toBeGreaterThanOrEqual(from.seq)
            if (batch.lines > 0) {
              const { firstSeq, points, events } = batch
              const message = {
                _tag: "Events",
                epoch: Epoch.make(1),
                firstSeq,
                lastSeq: batch.next.seq,
                points,
                events,
              } as const
              expect(decodeAgentMessage(encodeAgentMessage(message))._tag).toBe("Events")
            }
            from = batch.next
          }
          expect(from.offset).toBe(content.lastIndexOf(10) + 1)
        } finally {
          spool.close()
        }
      }),
      runs,
    )
  })
})
