import { statfsSync } from "node:fs"

/** Bytes that are free on the disk of a folder; `undefined` where that is not to be learned. */
export const freeOn = (directory: string): number | undefined => {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return undefined
  }
}
