// A chart in the page: the picture that print, old browsers and pages without scripts show, in the box the page's
// program draws the live one into.
import type { Chart } from "./charts/Chart.ts"
import { html, type Html, unsafe } from "./Html.ts"

/** An element of the page for `chart`; what was drawn for it is looked up by id. */
export type Figure = (chart: Chart) => Html

export const figureOf =
  (pictures: ReadonlyMap<string, string>): Figure =>
  (chart) =>
    // The picture is Vega's, which escapes the text in it.
    html`<div
      class="chart"
      id="chart-${chart.id}"
      data-chart="${chart.id}"
      role="img"
      aria-label="${chart.description}"
      data-zh="${chart.chinese}"
    >
      ${unsafe((pictures.get(chart.id) ?? "").replace(/^<svg /, '<svg aria-hidden="true" '))}
    </div>`
