// What users see, kept as files: every compiled Vega specification of the fixture and the page without its pictures and
// its program. `UPDATE_GOLDEN=1` writes them again; look at the difference before you commit it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { importance } from "@sweep/diagnosis/importance"
import { compileCharts } from "../src/charts/compileCharts.ts"
import { chartsOf, renderReport } from "../src/renderReport.ts"
import { standingsOf } from "../src/Standings.ts"
import { fixture } from "./fixture.ts"

const folder = join(import.meta.dirname, "golden")
const update = process.env["UPDATE_GOLDEN"] === "1"

const matches = (name: string, text: string): void => {
  const file = join(folder, name)
  if (update) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, text)
  }
  expect(text, `${name} (UPDATE_GOLDEN=1 accepts it)`).toBe(readFileSync(file, "utf8"))
}

it("compiles the charts to the kept specifications", async () => {
  const results = fixture()
  const { all } = chartsOf(results, standingsOf(results), importance(results.sweep))
  const { specs, charts } = await compileCharts(all)
  const seen = new Set<number>()
  for (const { chart, spec } of charts) {
    if (seen.has(spec)) continue
    seen.add(spec)
    matches(`${chart.id}.vg.json`, `${JSON.stringify(specs[spec], null, 2)}\n`)
  }
  expect(charts.map(({ chart }) => chart.id)).toEqual(["objective", "train", "heat-0"])
})

/** One element a line: a difference shows what changed. */
const inLines = (markup: string): string => markup.replace(/>\s*(?=<(?!\/|span|code|small|strong|wbr))/g, ">\n")

it("renders the kept page", async () => {
  const page = await renderReport(fixture(), { runtime: "0", versions: { sweep: "0.1.0" } })
  const skeleton = page
    .replace(/<style>.*?<\/style>/s, "<style>…</style>")
    .replace(/(<script type="application\/json" id="data">).*?(<\/script>)/s, "$1…$2")
    .replace(/<svg (?:aria-hidden="true" )?xmlns=.*?<\/svg>/gs, "<svg>…</svg>")
  matches("report.html", inLines(skeleton))
})

it("compares variants in the kept table", async () => {
  const parameters = { rank: 8, learning_rate: 1e-3, epochs: 2 }
  const trials = ["lora", "qlora", "oft"].map((variant) => ({ parameters: { variant, ...parameters } }))
  const page = await renderReport(fixture({ trials }), { runtime: "0" })
  matches("variants.html", `${inLines(/<section id="variants">.*?<\/section>/s.exec(page)![0])}\n`)
})

it("says the same of the same results", async () => {
  const [first, second] = await Promise.all([1, 2].map(() => renderReport(fixture(), { runtime: "0" })))
  expect(first).toBe(second)
})
