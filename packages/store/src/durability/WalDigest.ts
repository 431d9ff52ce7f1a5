// What the write-ahead log hashes to, kept up as it grows. SHA-256 to know that a byte has changed; CRC-32 beside it,
// because from that the place of a single flipped bit follows (flippedBit.ts).
import { createHash, type Hash } from "node:crypto"
import { closeSync, fchmodSync, fstatSync, openSync, readSync } from "node:fs"
import { crc32 } from "node:zlib"
import type { Mark } from "./Mark.ts"

const chunkBytes = 1 << 20

export class WalDigest {
  private readonly path: string
  private readonly buffer = Buffer.alloc(chunkBytes)
  private hash: Hash = createHash("sha256")
  private crc = 0
  bytes = 0

  constructor(path: string) {
    this.path = path
  }

  /** From an empty log on. */
  restart(): void {
    this.hash = createHash("sha256")
    this.crc = 0
    this.bytes = 0
  }

  /** Takes in what has come since, up to `limit` bytes in all. Whether the log is as long as was taken in, or longer. */
  catchUp(limit = Infinity): boolean {
    let handle: number
    try {
      handle = openSync(this.path, "r")
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return this.bytes === 0
      throw error
    }
    try {
      const { size, mode } = fstatSync(handle)
      // DuckDB makes it again after each checkpoint, with what the umask leaves.
      if ((mode & 0o077) !== 0) fchmodSync(handle, 0o600)
      if (size < this.bytes) return false
      const end = Math.min(size, limit)
      while (this.bytes < end) {
        const read = readSync(handle, this.buffer, 0, Math.min(chunkBytes, end - this.bytes), this.bytes)
        if (read === 0) return false
        const chunk = this.buffer.subarray(0, read)
        this.hash.update(chunk)
        this.crc = crc32(chunk, this.crc)
        this.bytes += read
      }
      return true
    } finally {
      closeSync(handle)
    }
  }

  get value(): Mark["wal"] {
    return { bytes: this.bytes, sha256: this.hash.copy().digest("hex"), crc32: this.crc }
  }
}

/** What the first `bytes` of a log hash to; fewer bytes in the answer when it is shorter. */
export const digestOf = (path: string, bytes: number): Mark["wal"] => {
  const digest = new WalDigest(path)
  digest.catchUp(bytes)
  return digest.value
}
