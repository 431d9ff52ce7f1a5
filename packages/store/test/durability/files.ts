// A store whose process was killed, and damage to its files.
import { spawnSync } from "node:child_process"
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Its folder, and what it had acknowledged as `contentOf` says it. */
export const killedStore = (directory: string) => {
  const program = join(import.meta.dirname, "../fixtures/killed.ts")
  const done = spawnSync(process.execPath, [program, directory])
  if (done.signal !== "SIGKILL") throw new Error(`the program was not killed: ${String(done.stderr)}`)
  return { directory, content: String(done.stdout).trim() }
}

export const copyOf = (from: string, directory: string): string => {
  cpSync(from, directory, { recursive: true })
  return directory
}

export const flipBit = (path: string, byte: number, bit = 3): void => {
  const bytes = readFileSync(path)
  bytes[byte]! ^= 1 << bit
  writeFileSync(path, bytes)
}
