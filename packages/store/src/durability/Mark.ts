// The durable mark: a small file beside the database that says what was committed last. Owns its two slots, written in
// turn, so that a write cut off by a power failure leaves the one before. What is compared with it stands in other files.
import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs"
import { crc32 } from "node:zlib"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

export const tables = ["facts", "attempts", "metric_names", "points", "events", "output", "marks"] as const
export type Table = (typeof tables)[number]

const count = Schema.Number
export const Mark = Schema.Struct({
  /** Of this layout; a greater one is a newer sweep's. */
  version: Schema.Number,
  /** Grows with every write: the slot with the greater one counts. */
  turn: count,
  store: Schema.String,
  /** The last fact and the SHA-256 of its body; `seq` 0 when there is none. */
  fact: Schema.Struct({ seq: count, sha256: Schema.String }),
  /** Rows of the journal's tables. */
  rows: Schema.Record(Schema.Literals(tables), count),
  /** The write-ahead log as far as it was committed: a length, and what its bytes up to there hash to. */
  wal: Schema.Struct({ bytes: count, sha256: Schema.String, crc32: count }),
  /** That DuckDB was about to move the log into the main file: the log may be gone, the rows may not. */
  checkpointing: Schema.Boolean,
})
export type Mark = typeof Mark.Type

export const newestMark = 1
export const markPath = (file: string): string => `${file}.mark`

const slotBytes = 1024

const encode = (mark: Mark): Buffer => {
  const json = JSON.stringify(mark)
  const line = `${crc32(json).toString(16).padStart(8, "0")} ${json}`
  if (line.length >= slotBytes) throw new Error(`a mark of ${line.length} bytes does not fit`)
  return Buffer.from(`${line.padEnd(slotBytes - 1)}\n`)
}

const decodeMark = Schema.decodeUnknownOption(Mark)

const decode = (slot: Buffer): Mark | undefined => {
  const text = slot.toString("utf8").trimEnd()
  const json = text.slice(9)
  if (text.slice(0, 8) !== crc32(json).toString(16).padStart(8, "0")) return undefined
  return Option.getOrUndefined(decodeMark(JSON.parse(json)))
}

/** `undefined`: there is none, the database is of before there were any. `damaged`: no slot can be read. */
export const readMark = (file: string): Mark | "damaged" | undefined => {
  const path = markPath(file)
  if (!existsSync(path)) return undefined
  const bytes = readFileSync(path)
  const found = [bytes.subarray(0, slotBytes), bytes.subarray(slotBytes)].flatMap((slot) => decode(slot) ?? [])
  return found.sort((a, b) => b.turn - a.turn)[0] ?? "damaged"
}

/** Over the older slot; on the disk only after a sync. */
export const writeMark = (handle: number, mark: Mark): void => {
  const slot = encode(mark)
  if (writeSync(handle, slot, 0, slotBytes, (mark.turn % 2) * slotBytes) !== slotBytes) {
    throw new Error("the durable mark was not written whole")
  }
}

/** Opens the mark of `file` for writing, for its owner alone. */
export const openMark = (file: string): number => {
  const path = markPath(file)
  const handle = openSync(path, existsSync(path) ? "r+" : "w+", 0o600)
  fchmodSync(handle, 0o600)
  return handle
}

/** Writes `mark` into both slots of a mark that cannot be read, or that there was none of. */
export const renewMark = (file: string, mark: Mark): void => {
  const handle = openSync(markPath(file), "w", 0o600)
  try {
    writeMark(handle, mark)
    writeMark(handle, { ...mark, turn: mark.turn + 1 })
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
