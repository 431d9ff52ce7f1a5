// Reading events.jsonl, the spool: from a byte offset on, complete lines only, into batches of the size a message may
// have. Owns what counts as a line (a torn last one waits, an invalid one is skipped and counted, a repeated one is
// dropped, a number left out is passed over); who reads when is the tail's and the uplink's affair. Nothing is kept in memory: the file is the queue.
import { readSync } from "node:fs"
import type { PointColumns } from "@sweep/domain/PointColumns"
import { metricNumber, TrialEvent } from "@sweep/domain/TrialEvent"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { GrowingFile } from "./GrowingFile.ts"

/** Text of one message, in bytes. With the shortest lines it makes a message of about 1 MB. */
const batchBytes = 256 * 1024
/** A line beyond this is no event but a mistake. */
const maxLineBytes = 1024 * 1024

export interface Position {
  /** Bytes from the start of the file: the beginning of a line. */
  readonly offset: number
  /** The last line read; 0 before the first. */
  readonly seq: number
}
export const start: Position = { offset: 0, seq: 0 }

export interface SpoolBatch {
  readonly next: Position
  /** Valid new lines; 0 when the text held only invalid or repeated ones. */
  readonly lines: number
  /**
   * The number after the last line read before: what is between it and the first line here is not in the file. With it,
   * the batches of a file follow each other without a hole, whatever the trainer left out.
   */
  readonly firstSeq: number
  readonly points: PointColumns
  /** Every event that is no metrics line, in order. */
  readonly events: ReadonlyArray<TrialEvent>
  /** Lines that were not understood, and why the first was not. */
  readonly invalid: number
  readonly problem: string | undefined
  /** How many sequence numbers were jumped over. */
  readonly missing: number
}

const decode = Schema.decodeUnknownResult(TrialEvent)

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Python's `json.dumps` writes numbers that are not finite as barewords, which JSON does not have. They become the names
 * by which the contract knows them; what stands in a string stays.
 */
const barewords = /NaN|Infinity/
const quoteBarewords = (text: string): string =>
  text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN/g, (found) => (found.startsWith('"') ? found : `"${found}"`))

/** The event of a line, or why it is none. */
const parseLine = (text: string): Result.Result<TrialEvent, string> => {
  let json = parseJson(text)
  if (json === undefined && barewords.test(text)) json = parseJson(quoteBarewords(text))
  if (json === undefined) return Result.fail("it is not JSON")
  return Result.mapError(decode(json), (error) => error.message.replace(/\s+/g, " "))
}

export class Spool extends GrowingFile {
  private buffer = Buffer.alloc(0)

  /** The lines after `from`, as many as fit a message; `undefined` when there is no complete line yet. */
  read(from: Position): SpoolBatch | undefined {
    const descriptor = this.open()
    if (descriptor === undefined) return undefined
    if (this.buffer.length === 0) this.buffer = Buffer.allocUnsafe(batchBytes)
    let length = readSync(descriptor, this.buffer, 0, batchBytes, from.offset)
    if (length === 0) return undefined
    let end = this.buffer.lastIndexOf(10, length - 1)
    if (end === -1 && length === batchBytes) {
      // One line longer than a batch.
      const long = Buffer.allocUnsafe(maxLineBytes)
      length = readSync(descriptor, long, 0, maxLineBytes, from.offset)
      end = long.indexOf(10)
      if (end !== -1 && end < length) return this.parse(long.subarray(0, end + 1), from)
      return length < maxLineBytes ? undefined : this.skipLine(descriptor, from)
    }
    return end === -1 ? undefined : this.parse(this.buffer.subarray(0, end + 1), from)
  }

  override close(): void {
    super.close()
    this.buffer = Buffer.alloc(0)
  }

  private parse(bytes: Buffer, from: Position): SpoolBatch {
    const columns = { metrics: [] as Array<string>, seq: [], metric: [], step: [], value: [], at: [] } as {
      metrics: Array<string>
      seq: Array<number>
      metric: Array<number>
      step: Array<number>
      value: Array<number>
      at: Array<number>
    }
    const names = new Map<string, number>()
    const events: Array<TrialEvent> = []
    let { seq } = from
    let lines = 0
    let invalid = 0
    let missing = 0
    let problem: string | undefined
    for (const text of bytes.toString("utf8").split("\n")) {
      if (text.trim() === "") continue
      const parsed = parseLine(text)
      if (Result.isFailure(parsed)) {
        invalid++
        problem ??= `${text.length > 80 ? `${text.slice(0, 80)}…` : text}: ${parsed.failure}`
        continue
      }
      const event = parsed.success
      if (event.seq <= seq) continue
      missing += event.seq - seq - 1
      seq = event.seq
      lines++
      if (event.type !== "metrics") {
        events.push(event)
        continue
      }
      const at = Date.parse(event.at)
      for (const [name, value] of Object.entries(event.values)) {
        let index = names.get(name)
        if (index === undefined) {
          index = columns.metrics.push(name) - 1
          names.set(name, index)
        }
        columns.seq.push(seq)
        columns.metric.push(index)
        columns.step.push(event.step)
        columns.value.push(metricNumber(value))
        columns.at.push(Number.isNaN(at) ? 0 : at)
      }
    }
    const next = { offset: from.offset + bytes.length, seq }
    return { next, lines, firstSeq: from.seq + 1, points: columns, events, invalid, problem, missing }
  }

  /** Past a line that is too long to be one; `undefined` while its end is not there yet. */
  private skipLine(descriptor: number, from: Position): SpoolBatch | undefined {
    const chunk = Buffer.allocUnsafe(batchBytes)
    for (let offset = from.offset; ;) {
      const length = readSync(descriptor, chunk, 0, batchBytes, offset)
      if (length === 0) return undefined
      const end = chunk.subarray(0, length).indexOf(10)
      if (end !== -1) {
        const skipped = this.parse(Buffer.alloc(0), { offset: offset + end + 1, seq: from.seq })
        return { ...skipped, invalid: 1, problem: `a line is longer than ${maxLineBytes} bytes` }
      }
      offset += length
    }
  }
}
