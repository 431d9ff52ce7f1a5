// Bundles a program for the browser: one script, the licences of the packages in it at its head.
import { readFile, readdir } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

export const root = fileURLToPath(new URL("..", import.meta.url))

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

/**
 * `entry` is a path below reports/, `notice` the sentence above the licences. `onInputs` is told which files the script
 * is made of, from the repository's root.
 */
export const bundle = async (
  entry: string,
  notice: string,
  onInputs?: (inputs: ReadonlyArray<string>) => void,
): Promise<string> => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
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
  const inputs = Object.keys(metafile.inputs)
  onInputs?.(inputs.map((input) => join("reports", input)))
  const texts = (await licences(inputs)).join("\n\n----\n\n").replaceAll("*/", "* /")
  return `/*\n${notice}\n\n${texts}\n*/\n${outputFiles[0]!.text}`
}
