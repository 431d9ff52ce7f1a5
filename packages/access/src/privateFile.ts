// Files that hold secrets: written whole or not at all, and for nobody but their owner to read, from the first byte on.
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"

export const writePrivately = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.tmp`
  rmSync(draft, { force: true })
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" })
    // Whatever the process's umask is.
    chmodSync(draft, 0o600)
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** A change takes milliseconds: a lock that is older was left by a process that died. */
const staleMillis = 5_000
const waitMillis = 10

/** Runs `use` while no other process holds the lock `path`. */
export const withLock = <A>(path: string, use: () => A): A => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  for (;;) {
    try {
      closeSync(openSync(path, "wx", 0o600))
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
      const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs
      if (made !== undefined && Date.now() - made > staleMillis) rmSync(path, { force: true })
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMillis)
    }
  }
  try {
    return use()
  } finally {
    rmSync(path, { force: true })
  }
}
