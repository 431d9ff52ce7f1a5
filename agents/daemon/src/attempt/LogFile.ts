// One of a trainer's two logs, read in pieces for the coordinator. Owns where a piece may end (never within a character, nor
// within a word, so that a secret is whole or not there) and how much of a log is sent: the first MiB; the rest stays on
// the agent's disk, and not without bound there.
import { fstatSync, readSync, truncateSync } from "node:fs"
import { GrowingFile } from "./GrowingFile.ts"

/** Of each stream of an attempt, in bytes. */
export const sentLimit = 1024 * 1024
/** A log that has grown to this is cut back to what was sent of it: it would fill the disk. */
const keptLimit = 64 * 1024 * 1024
const pieceBytes = 64 * 1024
/** What is longer than this without a blank is no secret, and is not waited for. */
const longestWord = 4096

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

/** Bytes of a word that has begun at the end of `bytes`, of which the rest may not be there. */
const begunWord = (bytes: Buffer): number => {
  const longest = Math.min(bytes.length, longestWord)
  for (let back = 0; back < longest; back++) if (bytes[bytes.length - 1 - back]! <= 32) return back
  return bytes.length < longestWord ? bytes.length : 0
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
    const wait = last && length < pieceBytes ? 0 : begunWord(bytes) || incomplete(bytes)
    if (length - wait === 0 && !atLimit) return undefined
    const text = bytes.subarray(0, length - wait).toString("utf8")
    const note = `\n[the first MiB of this log; the rest is only on the agent, in ${this.path}]\n`
    return atLimit ? { offset, end: sentLimit, text: text + note } : { offset, end: offset + length - wait, text }
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
    // What the cut has left of a word could be the end of a secret.
    const whole = size > buffer.length ? buffer.subarray(buffer.findIndex((byte) => byte <= 32) + 1) : buffer
    return whole.toString("utf8").trimEnd().split("\n").slice(-lines).join("\n")
  }
}
