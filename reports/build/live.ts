// Builds the live page: page/live/main.ts with uPlot as one script, its style sheet, and the document.
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { liveStyle } from "../page/live/style.ts"
import { bundle, root } from "./bundle.ts"

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
  const uplot = await readFile(join(root, "node_modules/uplot/dist/uPlot.min.css"), "utf8")
  return {
    html,
    script: await bundle("page/live/main.ts", "This script contains uPlot under this licence.", onInputs),
    importance: await bundle("page/live/importance.ts", "This script contains Effect under this licence.", onInputs),
    style: `${uplot}\n${liveStyle}`,
  }
}
