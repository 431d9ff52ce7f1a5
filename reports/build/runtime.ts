// Builds the page's program: page/main.ts with Vega, as one script, the licences of what it contains at its head.
// `node build/runtime.ts FILE` writes it, which is what a release does.
import { writeFile } from "node:fs/promises"
import { bundle } from "./bundle.ts"

/** `onInputs` is told which files it is made of, from the repository's root. */
export const buildRuntime = (onInputs?: (inputs: ReadonlyArray<string>) => void): Promise<string> =>
  bundle("page/main.ts", "This script contains Vega, D3 and other libraries under these licences.", onInputs)

if (import.meta.main) {
  const file = process.argv[2]
  if (file === undefined) {
    console.error("usage: node build/runtime.ts FILE")
    process.exit(2)
  }
  await writeFile(file, await buildRuntime())
}
