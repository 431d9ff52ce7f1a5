// Vega-Lite to Vega, and Vega to a picture without a browser. Owns that work and loads the libraries for it only when it
// is asked: they are large. Charts that share a specification are compiled once.
import type { TopLevelSpec } from "vega-lite"
import type { Spec } from "vega"
import type { Chart } from "./Chart.ts"

export interface CompiledCharts {
  /** Compiled Vega specifications, each once. */
  readonly specs: ReadonlyArray<Spec>
  readonly charts: ReadonlyArray<{
    readonly chart: Chart
    /** Index into `specs`. */
    readonly spec: number
    /** An svg element, for print and for pages without scripts. */
    readonly svg: string
  }>
}

/** The picture may be drawn from fewer rows than the chart in the page. */
export interface ChartWithPicture {
  readonly chart: Chart
  readonly picture: Chart
}

/** Vega counts its clip paths through the life of a process; in a page with several pictures they must be each one's own. */
const ownIds = (svg: string, id: string): string => {
  const seen = new Map<string, string>()
  return svg.replace(/(?<=id="|url\(#)clip\d+/g, (clip) => {
    const own = seen.get(clip) ?? `${id}-clip${seen.size}`
    seen.set(clip, own)
    return own
  })
}

export const compileCharts = async (wanted: ReadonlyArray<ChartWithPicture>): Promise<CompiledCharts> => {
  if (wanted.length === 0) return { specs: [], charts: [] }
  const [{ compile }, vega] = await Promise.all([import("vega-lite"), import("vega")])
  const known = new Map<TopLevelSpec, number>()
  const specs: Array<Spec> = []
  const charts = []
  for (const { chart, picture } of wanted) {
    let spec = known.get(chart.spec)
    if (spec === undefined) {
      spec = specs.push(compile(chart.spec).spec) - 1
      known.set(chart.spec, spec)
    }
    const view = new vega.View(vega.parse(specs[spec]!), { renderer: "none", logLevel: vega.Error })
    for (const [name, value] of Object.entries(picture.signals)) view.signal(name, value)
    // Vega writes on the rows it is given.
    for (const [name, rows] of Object.entries(picture.data))
      view.data(
        name,
        rows.map((row) => ({ ...row })),
      )
    const svg = ownIds(await view.toSVG(), chart.id)
    view.finalize()
    charts.push({ chart, spec, svg })
  }
  return { specs, charts }
}
