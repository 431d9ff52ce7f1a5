// Which curves `verdicts` and `stopOverfitting` look at: the response table's, and those of a file of public training
// logs where one is given or lies in bench/data. Owns that choice.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "../root.ts"
import { type RealCurve, readCurves, tableCurves } from "./readCurves.ts"

export const publicCurves = join(root, "bench/data/curves.json.gz")

/** `--curves FILE`: a file of curves (bench/data/README.md); `--half tune`: those that rules were chosen on. */
export const chosenCurves = (): { readonly curves: ReadonlyArray<RealCurve>; readonly half: "tune" | "held" } => {
  const { values } = parseArgs({
    options: { curves: { type: "string", multiple: true, default: [] }, half: { type: "string", default: "held" } },
  })
  const half = values.half === "tune" ? "tune" : "held"
  const files = values.curves.length > 0 ? values.curves : [publicCurves].filter(existsSync)
  for (const file of files) {
    if (existsSync(file)) continue
    console.error(`${file}: no such file of curves; bench/data/README.md says what one holds`)
    process.exit(66)
  }
  if (files.length === 0) console.log("no file of public curves (--curves FILE): the response table alone")
  const curves = [...files.flatMap(readCurves), ...tableCurves()].filter((curve) => curve.half === half)
  return { curves, half }
}

/** Sources with names of their own; all others are small public logs. */
export const groupOf = ({ kind }: RealCurve): string =>
  kind === "response-table" || kind === "algoperf" || kind === "pretrain-log" ? kind : "small public logs"
