// What noise reduction kept of the trained adapters: per trial the eval loss before and after, per layer the rank. Owns
// the choice of trials, the best ones that were treated; a sweep without any has no such section.
import { metricNumber, type TrialEventOf } from "@sweep/domain/TrialEvent"
import { evalLoss } from "@sweep/domain/Curve"
import { metricValue } from "../Format.ts"
import { html, type Html } from "../Html.ts"
import { say } from "../Say.ts"
import type { Standings } from "../Standings.ts"
import { retained } from "../strings/board.ts"

const mostTrials = 4

type Layers = NonNullable<TrialEventOf<"post">["layers"]>

const loss = (values: TrialEventOf<"post">["before"]): string => {
  const value = values[evalLoss]
  if (value === undefined) return "–"
  const number = metricNumber(value)
  return Number.isFinite(number) ? metricValue(number) : "∞"
}

const sum = (layers: Layers, of: (layer: Layers[number]) => number): number =>
  layers.reduce((total, layer) => total + of(layer), 0)

const table = (layers: Layers): Html =>
  html`<details>
    <summary>${say(retained.layers)}</summary>
    <div class="table long" tabindex="0">
      <table>
        <thead>
          <tr>
            <th>${say(retained.module)}</th>
            <th class="number">${say(retained.rank)}</th>
            <th class="number">${say(retained.similarity)}</th>
          </tr>
        </thead>
        <tbody>
          ${layers.map(
            ({ module, rank, kept, similarity }) =>
              html`<tr>
                <td><code>${module}</code></td>
                <td class="number">${kept} / ${rank}</td>
                <td class="number">${similarity === null ? "–" : similarity.toFixed(3)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`

export const retainedSection = (standings: Standings): Html | null => {
  const treated = standings.ranked.flatMap(({ trial, details }) => {
    const post = details?.post
    return post?.layers === undefined || post.layers.length === 0 ? [] : [{ trial, post, layers: post.layers }]
  })
  if (treated.length === 0) return null
  return html`<section id="retained">
    <h2>${say(retained.title)}</h2>
    <p class="lead">${say(retained.lead)}</p>
    ${treated.slice(0, mostTrials).map(
      ({ trial, post, layers }) =>
        html`<div>
          <p>
            <button type="button" class="pick" data-pick="${trial.number}">${trial.number}</button>
            ${say(
              retained.trial(
                sum(layers, ({ kept }) => kept),
                sum(layers, ({ rank }) => rank),
                loss(post.before),
                loss(post.after),
              ),
            )}
          </p>
          ${table(layers)}
        </div>`,
    )}
  </section>`
}
