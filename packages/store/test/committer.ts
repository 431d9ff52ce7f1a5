// A program for the durability test to kill: commits batches, facts and logs without end into the store in its first
// argument and says on standard output what was acknowledged, after it was. What it sends follows from the epoch and the
// line alone, so that the test knows it too. It begins where the store's marks are, as an agent would.
import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import type { EventBatch } from "../src/EventBatch.ts"
import { Store } from "../src/Store.ts"
import { layer } from "../src/duckdb/DuckdbStore.ts"
import { batchOf, created, epochNumber, logOf, type Point } from "./storeFixtures.ts"

/** Lines in the batch that begins after `seq`: from 1 to 3,000. */
export const linesAfter = (seq: number): number => 1 + ((seq * 7919 + 13) % 3000)
export const pointsOf = (epoch: number, seq: number): ReadonlyArray<Point> => [
  [seq, "train/loss", seq, 1 / (seq + epoch)],
  [seq, "lr", seq, epoch],
]
export const epochs = [1, 2, 3]

const batchAfter = (epoch: number, seq: number): EventBatch =>
  batchOf(epoch, epoch, Array.from({ length: linesAfter(seq) }, (_, i) => pointsOf(epoch, seq + 1 + i)).flat())

const sending = (store: Store["Service"], epoch: number, from: number, offset: number) =>
  Effect.gen(function* () {
    let seq = from
    let end = offset
    while (true) {
      const chunk = logOf(epoch, epoch, end, "x".repeat(1 + (end % 97)))
      const [mark] = yield* store.ingest([batchAfter(epoch, seq)], [chunk])
      seq = mark!.seq
      end = mark!.stdout
      writeSync(1, `${JSON.stringify(mark)}\n`)
    }
  })

const appending = (store: Store["Service"], from: number) =>
  Effect.gen(function* () {
    for (let n = from + 1; ; n++) {
      yield* store.append([created(2 * n - 1), created(2 * n)])
      writeSync(1, `${JSON.stringify({ facts: 2 * n })}\n`)
    }
  })

if (process.argv[1] === import.meta.filename) {
  await Effect.gen(function* () {
    const store = yield* Store
    const marks = new Map((yield* store.highWater).map((mark) => [mark.epoch, mark]))
    const facts = (yield* store.facts).length
    writeSync(1, `${JSON.stringify({ ready: process.pid })}\n`)
    yield* Effect.all(
      [
        appending(store, facts / 2),
        ...epochs.map((epoch) => {
          const mark = marks.get(epochNumber(epoch))
          return sending(store, epoch, mark?.seq ?? 0, mark?.stdout ?? 0)
        }),
      ],
      { concurrency: "unbounded" },
    )
  }).pipe(Effect.provide(layer({ directory: process.argv[2]! })), Effect.runPromise)
}
