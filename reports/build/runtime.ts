// Builds the page's program: page/main.ts with Vega, as one script, the licences of what it contains at its head.
// `node build/runtime.ts FILE` writes it, which is what a release does.
import { readFile, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("..", import.meta.url))

/** The licence texts of the packages whose files were bundled, each once. */
const licences = async (inputs: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const folders = new Set(
    inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.slice(1, 2) ?? []),
  )
  const texts = await Promise.all(
    [...folders].toSorted().map(async (folder) => {
      const file = (await readdir(join(root, folder))).find((name) => /^licen[cs]e/i.test(name))
      return file === undefined ? "" : (await readFile(join(root, folder, file), "utf8")).trim()
    }),
  )
  return [...new Set(texts)].filter((text) => text !== "")
}

/** `onInputs` is told which files it is made of, from the repository's root. */
export const buildRuntime = async (onInputs?: (inputs: ReadonlyArray<string>) => void): Promise<string> => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["page/main.ts"],
    bundle: true,
    minify: true,
    charset: "utf8",
    format: "iife",
    target: "es2022",
    platform: "browser",
    legalComments: "none",
    metafile: true,
    write: false,
  })
  onInputs?.(Object.keys(metafile.inputs).map((input) => join("reports", input)))
  const notice = (await licences(Object.keys(metafile.inputs))).join("\n\n----\n\n").replaceAll("*/", "* /")
  return `/*\nThis script contains Vega, D3 and other libraries under these licences.\n\n${notice}\n*/\n${outputFiles[0]!.text}`
}

if (import.meta.main) {
  const file = process.argv[2]
  if (file === undefined) {
    console.error("usage: node build/runtime.ts FILE")
    process.exit(2)
  }
  await writeFile(file, await buildRuntime())
}
