// A store whose process was killed, and damage to its files.
import { spawnSync } from "node:child_process"
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freshDirectory } from "../directory.ts"

/** Its folder, and what it had acknowledged as `contentOf` says it. `size`: points in a batch. */
export const killedStore = (size = 200) => {
  const directory = freshDirectory()
  const program = join(import.meta.dirname, "../fixtures/killed.ts")
  const done = spawnSync(process.execPath, [program, directory, String(size)])
  if (done.signal !== "SIGKILL") throw new Error(`the program was not killed: ${String(done.stderr)}`)
  return { directory, content: String(done.stdout).trim() }
}

export const copyOf = (from: string): string => {
  const directory = freshDirectory()
  cpSync(from, directory, { recursive: true })
  return directory
}

export const flipBit = (path: string, byte: number, bit = 3): void => {
  const bytes = readFileSync(path)
  bytes[byte]! ^= 1 << bit
  writeFileSync(path, bytes)
}
