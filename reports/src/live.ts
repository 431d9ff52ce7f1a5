// The live page's files: built once (reports/build/live.ts); a release carries them beside the bundle, and from the sources
// they are built when they are first asked for.
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"

export interface LivePage {
  readonly html: string
  readonly script: string
  readonly style: string
  /** Of a worker, loaded when the importance of parameters is looked at. */
  readonly importance: string
}

const build = async (): Promise<LivePage> => {
  // Named so that a bundler leaves it alone: a release has neither the sources nor the builder.
  const builder = new URL("../build/live.ts", import.meta.url)
  if (!existsSync(builder)) {
    throw new Error("live.json is missing beside the program, which is incomplete without it: install it again.")
  }
  const { buildLive } = (await import(builder.href)) as { readonly buildLive: () => Promise<LivePage> }
  return buildLive()
}

export const loadLive = (): Promise<LivePage> =>
  readFile(new URL("live.json", import.meta.url), "utf8").then(
    (text) => JSON.parse(text) as LivePage,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return build()
      throw error
    },
  )
