// Whatever a trainer writes: everything valid ends up committed, once, and no message breaks the session. The parts are
// the real ones: the agent's spool, the wire's codec and the store's high-water mark, with the connection lost at any
// point.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import * as Effect from "effect/Effect"
import { afterAll, expect, it } from "vitest"
import { Spool, start } from "@sweep/daemon/spool"
import { fuzzRuns } from "@sweep/domain/fuzzRuns"
import { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { decodeAgentMessage, encodeAgentMessage } from "@sweep/grpc/agentCodec"
import { makeMemory, type Received } from "@sweep/store/Store"

const directory = mkdtempSync(join(tmpdir(), "sweep-spool-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, "events.jsonl")

const epoch = Epoch.make(1)
const of = { sweep: SweepId.make("any"), trial: TrialNumber.make(1), epoch }
const at = '"at":"2026-01-01T00:00:00.000Z"'

/** What a line holds, and the value that is to be stored of it, if it is a valid one. */
type Written = { readonly text: (seq: number) => string; readonly value?: number }
const metrics = (text: string, value: number): Written => ({
  text: (seq) => `{"seq":${seq},${at},"type":"metrics","step":${seq},"values":{"loss":${text}}}`,
  value,
})
const written: fc.Arbitrary<Written> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1000 }).map((n) => metrics(String(n), n)) },
  // As Python's json.dumps writes them.
  {
    weight: 2,
    arbitrary: fc.constantFrom(metrics("NaN", NaN), metrics("Infinity", Infinity), metrics("-Infinity", -Infinity)),
  },
  // A line that is lost, with its number: broken JSON, a wrong field, or longer than a line may be.
  {
    weight: 3,
    arbitrary: fc.constantFrom<Written>(
      { text: (seq) => `{"seq":${seq},${at},"type":"metr` },
      { text: (seq) => `{"seq":${seq},${at},"type":"metrics","step":NaN,"values":{}}` },
      { text: (seq) => `{"seq":${seq},${at},"type":"nothing"}` },
      { text: () => "Epoch 1: 100%|####|\u0000\ufffd" },
      { text: () => "" },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Written>({
      text: (seq) => `{"seq":${seq},${at},"type":"sample","probe":0,"prompt":"","answer":"${"x".repeat(1_100_000)}"}`,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Written>({
      text: (seq) => `{"seq":${seq},${at},"type":"sample","probe":0,"prompt":"NaN","answer":"${"x".repeat(300_000)}"}`,
    }),
  },
)

it("any lines: all that is valid is committed once, through every loss of the connection", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(written, fc.nat({ max: 2 })), { maxLength: 30 }),
      fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
      (lines, losses) => {
        let seq = 0
        const expected: Array<number> = []
        let text = ""
        for (const [{ text: write, value }, leftOut] of lines) {
          seq += 1 + leftOut
          text += `${write(seq)}\n`
          if (value !== undefined) expected.push(value)
        }
        writeFileSync(path, text)
        const received = new Map<Epoch, Received>()
        const store = makeMemory(received)
        const spool = new Spool(path)
        const mark = () => received.get(epoch)?.mark.seq ?? 0
        try {
          let from = start
          for (let n = 0; ; n++) {
            // A new session: it begins from what is committed, as an agent that has lost its own place does.
            if (losses[n] === true) from = { offset: 0, seq: mark() }
            const batch = spool.read(from)
            if (batch === undefined) break
            if (batch.lines > 0) {
              const { firstSeq, points, events } = batch
              const sent = { _tag: "Events", epoch, firstSeq, lastSeq: batch.next.seq, points, events } as const
              const arrived = decodeAgentMessage(encodeAgentMessage(sent))
              if (arrived._tag !== "Events") throw new Error("another message")
              const { _tag, ...message } = arrived
              Effect.runSync(store.ingest([{ ...message, ...of }], []))
              // What the ingest loop breaks the session for.
              expect(mark()).toBeGreaterThanOrEqual(sent.lastSeq)
            }
            from = batch.next
          }
          expect((received.get(epoch)?.points ?? []).map(([, , value]) => value)).toEqual(expected)
        } finally {
          spool.close()
        }
      },
    ),
    fuzzRuns(300),
  )
})
