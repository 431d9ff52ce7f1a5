// A file that a trainer appends to and the agent reads: opened on first use, because the trainer may be the one to make
// it. Owns the descriptor; what stands in the file is for those who read it.
import { closeSync, fstatSync, openSync } from "node:fs"

export class GrowingFile {
  readonly path: string
  private descriptor: number | undefined

  constructor(path: string) {
    this.path = path
  }

  /** Bytes in the file; 0 while there is none. */
  size(): number {
    const descriptor = this.open()
    return descriptor === undefined ? 0 : fstatSync(descriptor).size
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
  }

  /** `undefined` while there is no file. */
  protected open(): number | undefined {
    if (this.descriptor === undefined) {
      try {
        this.descriptor = openSync(this.path, "r")
      } catch (error) {
        // Any other error, such as too few descriptors, is no empty file: what stands in it would be given up.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
        throw error
      }
    }
    return this.descriptor
  }
}
