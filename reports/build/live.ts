// Builds the live page: page/live/main.ts with uPlot as one script, its style sheet, and the document.
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { liveStyle } from "../page/live/style.ts"
import { palettes } from "../src/style.ts"

const root = fileURLToPath(new URL("..", import.meta.url))

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>sweep</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/live.css">
<script defer src="/live.js"></script>
</head>
<body><div id="app"></div></body>
</html>
`

/** `onInputs` is told which files it is made of, from the repository's root. */
export const buildLive = async (onInputs?: (inputs: ReadonlyArray<string>) => void) => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["page/live/main.ts"],
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
  const licence = (await readFile(join(root, "node_modules/uplot/LICENSE"), "utf8")).replaceAll("*/", "* /")
  const uplot = await readFile(join(root, "node_modules/uplot/dist/uPlot.min.css"), "utf8")
  return {
    html,
    script: `/*\nThis script contains uPlot under this licence.\n\n${licence}\n*/\n${outputFiles[0]!.text}`,
    style: `${uplot}\n${liveStyle(palettes)}`,
  }
}
