// Whether there is room for another attempt on the agent's disk. Owns how much that has to be.
import { statfsSync } from "node:fs"

/** Bytes: a spool, logs, and a checkpoint of a small adapter. What a large one needs, its trial has to find out. */
const leastFree = 256 * 1024 * 1024

/** Why no attempt can be begun in `home`; `undefined` when one can, and where it cannot be told. */
export const diskProblem = (home: string): string | undefined => {
  try {
    const { bavail, bsize } = statfsSync(home)
    const free = bavail * bsize
    if (free >= leastFree) return undefined
    return `only ${Math.floor(free / 2 ** 20)} MiB are free on the disk of ${home}, and an attempt needs ${leastFree / 2 ** 20}`
  } catch {
    return undefined
  }
}
