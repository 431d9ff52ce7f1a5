// Where the page's program comes from. It is built once (reports/build/runtime.ts); a release carries it as a file beside
// the bundle, and from the sources it is built when it is first asked for. The only file here that reads anything.
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"

/** The file a release carries beside the module this code was bundled into. */
export const runtimeFile = "report-runtime.js"

const build = async (): Promise<string> => {
  // Named so that a bundler leaves it alone: a release has neither the sources nor the builder.
  const builder = new URL("../build/runtime.ts", import.meta.url)
  if (!existsSync(builder)) {
    throw new Error(`${runtimeFile} is missing beside the program, which is incomplete without it: install it again.`)
  }
  const { buildRuntime } = (await import(builder.href)) as { readonly buildRuntime: () => Promise<string> }
  return buildRuntime()
}

let loaded: Promise<string> | undefined

/** JavaScript for a script element: Vega, its expression interpreter and the page's own program. */
export const loadRuntime = (): Promise<string> =>
  (loaded ??= readFile(new URL(runtimeFile, import.meta.url), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return build()
    throw error
  }))
