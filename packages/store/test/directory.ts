// A folder of its own for each test, removed when the file's tests are done.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"

const made: Array<string> = []
afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

export const freshDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "sweep-store-"))
  made.push(directory)
  return directory
}
