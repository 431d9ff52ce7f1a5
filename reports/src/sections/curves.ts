// The curves of all trials: the objective, the eval loss and the train loss, in this order, each once.
import { evalLoss, trainLoss } from "@sweep/domain/Curve"
import { compare } from "@sweep/domain/Metric"
import type { Chart } from "../charts/Chart.ts"
import { tones } from "../charts/Chart.ts"
import { curvesChart, type CurvesInput, many, mostCurves, mostStaticPoints, toneOf } from "../charts/curves.ts"
import type { ChartWithPicture } from "../charts/compileCharts.ts"
import type { Figure } from "../figure.ts"
import { metricValue } from "../Format.ts"
import { html, type Html } from "../Html.ts"
import { say } from "../Say.ts"
import type { Standing, Standings } from "../Standings.ts"
import { curves } from "../strings/charts.ts"
import { nav } from "../strings/head.ts"
import { metricName } from "../strings/metricName.ts"
import { verdicts } from "../strings/states.ts"
import { signs } from "../signs.ts"

export interface CurveCharts {
  readonly shown: ReadonlyArray<Standing>
  readonly charts: ReadonlyArray<ChartWithPicture & { readonly metric: string; readonly outside: number }>
}

export const curveCharts = (standings: Standings): CurveCharts => {
  const shown = standings.all.slice(0, mostCurves)
  const order = compare(standings.goal)
  const input = (metric: string): CurvesInput => ({
    id: metric === standings.metric ? "objective" : metric === evalLoss ? "eval" : "train",
    metric,
    standings: shown,
    best: standings.best,
    base: metric === standings.metric ? standings.base : null,
    size: metric === trainLoss ? "low" : "tall",
    label: ({ value }, { trial }) => `${trial.number} · ${metricValue(value)}`,
    mark: (standing, points) =>
      metric === trainLoss
        ? null
        : metric === standings.metric
          ? standings.summary === "last"
            ? points.at(-1)!
            : points.reduce((a, b) => (order(b.value, a.value) < 0 ? b : a))
          : standing.bestEval,
  })
  return {
    shown,
    charts: [...new Set([standings.metric, evalLoss, trainLoss])].flatMap((metric) => {
      const chart = curvesChart(input(metric))
      const picture = curvesChart(input(metric), mostStaticPoints)
      return chart === null || picture === null ? [] : [{ chart, picture, metric, outside: chart.outside }]
    }),
  }
}

const legend = (shown: ReadonlyArray<Standing>): Html => {
  const counts = Map.groupBy(shown, toneOf)
  return html`<div class="legend" role="group" aria-label="Verdicts">
    ${tones.flatMap((tone) => {
      const count = counts.get(tone)?.length ?? 0
      return count === 0
        ? []
        : [
            html`<button type="button" class="chip ${tone}" data-tone="${tone}" aria-pressed="true">
              <span class="sign" aria-hidden="true">${signs[tone]}</span>${say(verdicts[tone])} <small>${count}</small>
            </button>`,
          ]
    })}
  </div>`
}

const tools = (chart: Chart): Html =>
  html`<span class="tools js">
    <button type="button" data-zoom="in" data-for="${chart.id}" aria-label="Zoom in" title="Zoom in">+</button>
    <button type="button" data-zoom="out" data-for="${chart.id}" aria-label="Zoom out" title="Zoom out">−</button>
    <button type="button" data-zoom="reset" data-for="${chart.id}">${say(curves.reset)}</button>
  </span>`

export const curvesSection = ({ shown, charts }: CurveCharts, standings: Standings, figure: Figure): Html => {
  if (charts.length === 0) {
    return html`<section id="curves">
      <h2>${say(nav.curves)}</h2>
      <p>${say(curves.none)}</p>
    </section>`
  }
  const all = standings.all.length
  return html`<section id="curves">
    <h2>${say(nav.curves)}</h2>
    <p class="lead">
      ${say(curves.lead)} ${standings.base === null ? null : say(curves.base)}
      ${shown.length < many ? null : say(curves.band)}
      ${shown.length < all ? say(curves.most(shown.length, all)) : null}
    </p>
    <div class="bar">
      ${legend(shown)}
      <button type="button" class="release" data-release hidden>${say(curves.release)} <span data-held></span></button>
    </div>
    ${charts.map(
      ({ chart, metric, outside }) =>
        html`<figure>
          <figcaption>
            <h3>${say(metricName(metric))}<span class="quiet">${say(curves.over)}</span></h3>
            ${tools(chart)}
          </figcaption>
          ${figure(chart)} ${outside === 0 ? null : html`<p class="note">${say(curves.outside(outside))}</p>`}
        </figure>`,
    )}
  </section>`
}
