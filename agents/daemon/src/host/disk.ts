// The agent's disk: whether it has room for another attempt, or any at all. Owns how much that has to be, and learns it: where
// an attempt has filled the disk, the next one is begun only with more room than that one had.
import { statfsSync } from "node:fs"

/** Bytes: a spool, logs, and a checkpoint of a small adapter. */
const leastFree = 256 * 1024 * 1024
/** Bytes: a disk with less is full, whatever a file system still counts as free. */
const nothing = 1024 * 1024

/** Bytes: a little more room than before is what the attempt's own files leave when they go, and no more room at all. */
const noticeable = 16 * 1024 * 1024

/** Milliseconds for which an attempt that filled the disk is held against it. */
const rememberedFor = 30 * 60_000

const inMiB = (bytes: number): number => Math.floor(bytes / 2 ** 20)

export class Disk {
  private readonly home: string
  /** Bytes that were free when an attempt began that then filled the disk. */
  private tooLittle = 0
  /** When that was: milliseconds that only grow. */
  private filledAt = 0

  constructor(home: string) {
    this.home = home
  }

  /** Bytes; everything there is where it cannot be told. */
  free(): number {
    try {
      const { bavail, bsize } = statfsSync(this.home)
      return bavail * bsize
    } catch {
      return Number.POSITIVE_INFINITY
    }
  }

  isFull(): boolean {
    return this.free() < nothing
  }

  /** An attempt that had so many bytes when it began has filled the disk. */
  ranFull(freeBefore: number): void {
    if (!Number.isFinite(freeBefore)) return
    this.tooLittle = Math.max(this.tooLittle, freeBefore)
    this.filledAt = performance.now()
  }

  /** Why no attempt can be begun; `undefined` when one can. */
  problem(): string | undefined {
    const free = this.free()
    // Another trial may need less than the one that filled it: after a while one is tried.
    if (performance.now() - this.filledAt > rememberedFor) this.tooLittle = 0
    if (free >= leastFree && (this.tooLittle === 0 || free > this.tooLittle + noticeable)) return undefined
    const needed =
      this.tooLittle >= leastFree
        ? `an attempt that had ${inMiB(this.tooLittle)} filled it: make room there`
        : `an attempt needs ${inMiB(leastFree)}`
    return `only ${inMiB(free)} MiB are free on the disk of ${this.home}, and ${needed}`
  }
}
