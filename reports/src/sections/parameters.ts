// What the parameters do to the objective: how much each matters, the two that matter most together, each one alone.
import type { Interaction, ParameterImportance } from "@sweep/diagnosis/importance"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import { heatMap, heatMapPairs } from "../charts/heatMap.ts"
import { importanceBars } from "../draw/importance.ts"
import { markup } from "../draw/Mark.ts"
import type { Figure } from "../figure.ts"
import { percent } from "../Format.ts"
import { html, type Html, join } from "../Html.ts"
import { parallelDrawing, sliceDrawing } from "./drawings.ts"
import { say, type Text } from "../Say.ts"
import type { Standings } from "../Standings.ts"
import { parameters } from "../strings/charts.ts"
import { nav } from "../strings/head.ts"
import { metricName } from "../strings/metricName.ts"

const mostCharts = 9
export interface ParameterCharts {
  readonly single: ReadonlyArray<{ readonly name: string; readonly drawing: Html }>
  /** Varying parameters beyond the most that are drawn. */
  readonly left: number
  readonly heats: ReadonlyArray<ReturnType<typeof heatMap>>
  readonly parallel: Html | null
}

/** By importance where that is more than chance, in the order of the sweep file otherwise. */
const ordered = (
  names: ReadonlyArray<string>,
  importance: ReadonlyArray<ParameterImportance>,
): ReadonlyArray<string> => {
  const share = new Map(importance.flatMap((one) => (one.finding === "matters" ? [[one.parameter, one.share]] : [])))
  return names.toSorted((a, b) => (share.get(b) ?? -1) - (share.get(a) ?? -1))
}

export const parameterCharts = (
  standings: Standings,
  space: SearchSpace,
  importance: ReadonlyArray<ParameterImportance>,
): ParameterCharts => {
  const names = ordered(standings.varying, importance)
  const single = names.flatMap((name) => {
    const drawing = sliceDrawing(standings, space, name)
    return drawing === null ? [] : [{ name, drawing }]
  })
  return {
    single: single.slice(0, mostCharts),
    left: Math.max(0, single.length - mostCharts),
    parallel: parallelDrawing(standings, space),
    heats: heatMapPairs(
      standings,
      space,
      importance.filter((one) => one.finding === "matters").map((one) => one.parameter),
    ).map((pair, index) => heatMap(standings, space, pair, `heat-${index}`)),
  }
}

const importanceList = (
  importance: ReadonlyArray<ParameterImportance>,
  interactions: ReadonlyArray<Interaction>,
): Html | null =>
  importance.length === 0
    ? null
    : html`<div class="importance">
        <h3>${say(parameters.importance)}</h3>
        ${importance.some((one) => one.finding === "matters") ? null : html`<p>${say(parameters.nothingStandsOut)}</p>`}
        <div class="drawing wide">${markup(importanceBars(importance, 620))}</div>
        <div class="drawing narrow">${markup(importanceBars(importance, 358))}</div>
        <ul class="plain findings">
          ${importance.slice(0, 10).flatMap(({ parameter, interval, finding, inseparable }) =>
            finding === "matters" && inseparable.length === 0
              ? []
              : [
                  html`<li>
                    <code>${parameter}</code>
                    <small>${say(parameters.interval(percent(interval[0]), percent(interval[1])))}</small>
                    ${finding === "matters" ? null : html`<small>${say(finding === "little" ? parameters.little : parameters.cannotSay)}</small>`}
                    ${inseparable.length === 0 ? null : html`<small>${say(parameters.inseparable(inseparable.join(", ")))}</small>`}
                  </li>`,
                ],
          )}
        </ul>
        ${
          interactions.length === 0
            ? null
            : html`<p>
                ${join(
                  interactions.map(({ parameters: [one, other], share }) =>
                    say(parameters.together(html`<code>${one}</code>`, html`<code>${other}</code>`, percent(share))),
                  ),
                  " ",
                )}
              </p>`
        }
        <p class="note">${say(parameters.importanceNote)}</p>
      </div>`

const maps = (heats: ParameterCharts["heats"], metric: Text, figure: Figure): Html | null =>
  heats.length === 0
    ? null
    : html`<div class="grid maps">
          ${heats.map(
            (heat) =>
              html`<figure class="heat">
                <figcaption>
                  <h3>
                    ${say(parameters.heat(metric))}<code>${heat.x}</code>${say(parameters.by)}<code>${heat.y}</code>
                  </h3>
                </figcaption>
                <div class="scroll" tabindex="0" role="region" aria-label="Heat map">
                  <div style="min-width:${6 + 3.2 * heat.columns}rem">${figure(heat)}</div>
                </div>
              </figure>`,
          )}
        </div>
        <p class="note">${say(parameters.heatNote)}</p>`

const alone = (single: ParameterCharts["single"], metric: Text): Html | null =>
  single.length === 0
    ? null
    : html`<div class="grid small ${single.length === 2 || single.length === 4 ? "even" : "odd"}">
        ${single.map(
          ({ name, drawing }) =>
            html`<figure>
              <figcaption>
                <h3><code>${name}</code><span class="quiet">${say(parameters.against(metric))}</span></h3>
              </figcaption>
              ${drawing}
            </figure>`,
        )}
      </div>`

export const parametersSection = (
  { single, left, heats, parallel }: ParameterCharts,
  standings: Standings,
  importance: ReadonlyArray<ParameterImportance>,
  interactions: ReadonlyArray<Interaction>,
  figure: Figure,
): Html => {
  const metric = metricName(standings.metric)
  return html`<section id="parameters">
    <h2>${say(nav.parameters)}</h2>
    ${single.length === 0 ? html`<p>${say(parameters.none)}</p>` : html`<p class="lead">${say(parameters.lead)}</p>`}
    ${
      parallel === null
        ? null
        : html`<figure id="parallel">
            <figcaption><h3>${say(parameters.parallel)}</h3></figcaption>
            ${parallel}
            <p class="note">${say(parameters.parallelNote)}</p>
          </figure>`
    }
    ${importanceList(importance, interactions)} ${maps(heats, metric, figure)} ${alone(single, metric)}
    ${left === 0 ? null : html`<p class="note">${say(parameters.more(left))}</p>`}
  </section>`
}
