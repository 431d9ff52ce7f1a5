// Which of what an agent sends is new. Owns the rule that makes resending harmless: a line or a byte at or below the
// attempt's high-water mark is skipped, one right above it is taken, and what would leave a hole is refused whole. Keeps
// no marks itself.
import { Buffer } from "node:buffer"
import type { Epoch } from "@sweep/domain/Id"
import type { EventBatch, HighWater, LogChunk } from "./EventBatch.ts"

export const unseen = (epoch: Epoch): HighWater => ({ epoch, seq: 0, stdout: 0, stderr: 0 })

/** Whether `batch` has lines beyond the mark and none is missing in between. Of its lines, those above `mark.seq` are new. */
export const isNew = (mark: HighWater, batch: EventBatch): boolean =>
  batch.lastSeq > mark.seq && batch.firstSeq <= mark.seq + 1

/** The part of `chunk` beyond the mark, or `undefined` when there is none, or it would leave a hole. */
export const newPart = (mark: HighWater, chunk: LogChunk): LogChunk | undefined => {
  const from = mark[chunk.stream]
  if (chunk.end <= from || chunk.offset > from) return undefined
  if (chunk.offset === from) return chunk
  const bytes = Buffer.from(chunk.text)
  // Text that stands for bytes that are no UTF-8 cannot be cut by byte offsets; the sender resumes from the mark.
  if (bytes.length !== chunk.end - chunk.offset) return undefined
  return { ...chunk, offset: from, text: bytes.subarray(from - chunk.offset).toString() }
}
