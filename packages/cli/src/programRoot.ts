// Where the program lies: the root of the sources, of a bundle in a clone, or of what the wheel installed. Below it are
// the trainer's sources and the quickstart.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const programRoot = (() => {
  for (let directory = fileURLToPath(new URL(".", import.meta.url)); ; directory = join(directory, "..")) {
    if (existsSync(join(directory, "agents/trainer/src")) || directory === "/") return directory
  }
})()
