// One of a trainer's two logs, read in pieces for the coordinator. Owns where a piece may end (never within a character)
// and how much of a log is sent: the first MiB; the rest stays on the agent's disk, and not without bound there.
import { fstatSync, readSync, truncateSync } from "node:fs"
import { GrowingFile } from "./GrowingFile.ts"

/** Of each stream of an attempt, in bytes. */
export const sentLimit = 1024 * 1024
/** A log that has grown to this is cut back to what was sent of it: it would fill the disk. */
const keptLimit = 64 * 1024 * 1024
const pieceBytes = 64 * 1024

export interface LogPiece {
  readonly offset: number
  readonly end: number
  readonly text: string
}

/** Bytes at the end of `bytes` that begin a UTF-8 character whose rest is not there. */
const incomplete = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0
    if (byte < 0x80) return 0
  }
  return 0
}

export class LogFile extends GrowingFile {
  /** What follows `offset`; `undefined` when nothing does. `last`: the writer is gone, so no rest of a character will come. */
  read(offset: number, last: boolean): LogPiece | undefined {
    if (offset >= sentLimit) return undefined
    const descriptor = this.open()
    if (descriptor === undefined) return undefined
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, sentLimit - offset))
    const length = readSync(descriptor, buffer, 0, buffer.length, offset)
    const bytes = buffer.subarray(0, length)
    const atLimit = offset + length === sentLimit
    const wait = last && length < pieceBytes ? 0 : atLimit ? 0 : incomplete(bytes)
    if (length - wait === 0) return undefined
    const text = bytes.subarray(0, length - wait).toString("utf8")
    const note = `\n[the first MiB of this log; the rest is only on the agent, in ${this.path}]\n`
    return { offset, end: offset + length - wait, text: atLimit ? text + note : text }
  }

  /** Keeps a log without end from filling the disk. */
  bound(): void {
    if (this.size() > keptLimit) truncateSync(this.path, sentLimit)
  }

  /** The last lines, for the message of a crash: at most 4 KB of them. */
  tail(lines: number): string {
    const descriptor = this.open()
    if (descriptor === undefined) return ""
    const { size } = fstatSync(descriptor)
    const buffer = Buffer.alloc(Math.min(4096, size))
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString("utf8").trimEnd().split("\n").slice(-lines).join("\n")
  }
}
