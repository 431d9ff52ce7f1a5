// The variants of one sweep side by side: what the best trial of each reached from its own untouched base model (a
// quantised one begins elsewhere), and what it cost. Owns the choice of that trial; a sweep of one variant has no such
// section.
import { metricNumber } from "@sweep/domain/TrialEvent"
import { bytes, count, difference, metricValue, percent } from "../Format.ts"
import { html, type Html, type Piece } from "../Html.ts"
import { say } from "../Say.ts"
import type { Configuration, Standing, Standings } from "../Standings.ts"
import { board, variants } from "../strings/board.ts"
import { metricName } from "../strings/metricName.ts"

const none = html`<span class="none">–</span>`
const orNone = <A>(value: A | null | undefined, show: (value: A) => Piece): Piece =>
  value === null || value === undefined ? none : show(value)

const variantOf = (parameters: Configuration["parameters"]): string | null => {
  const { variant } = parameters
  return variant === undefined ? null : String(variant)
}

/** The metric of the untouched base as this trial held it. */
const baseOf = ({ curves }: Standing, metric: string): number | null => {
  const first = curves.get(metric)?.[0]
  return first?.step === 0 ? first.value : null
}

const afterPost = ({ details }: Standing, metric: string): Html | null => {
  const value = details?.post?.after[metric]
  if (value === undefined) return null
  const number = metricNumber(value)
  return Number.isFinite(number) ? html`<br /><small>${say(variants.afterPost(metricValue(number)))}</small>` : null
}

const trainable = ({ details }: Standing): Piece =>
  orNone(details?.started, ({ trainable_parameters: own, total_parameters: all }) =>
    own === undefined
      ? none
      : html`${count(own)}${all === undefined || all === 0 ? null : html` <small>${percent(own / all)}</small>`}`,
  )

const row = (variant: string, configuration: Configuration, standings: Standings): Html => {
  const standing = configuration.standings[0]!
  const base = baseOf(standing, standings.metric)
  return html`<tr>
    <td class="word"><code>${variant}</code></td>
    <td class="number">
      <button type="button" class="pick" data-pick="${standing.trial.number}">${standing.trial.number}</button>
    </td>
    <td class="number"><strong>${metricValue(configuration.mean)}</strong>${afterPost(standing, standings.metric)}</td>
    <td class="number">${orNone(base, metricValue)}</td>
    <td class="number">${orNone(base, (value) => difference(configuration.mean - value))}</td>
    <td class="number">${trainable(standing)}</td>
    <td class="number">${orNone(standing.peakBytes, bytes)}</td>
    <td class="number">${orNone(standing.tokensPerSecond, count)}</td>
  </tr>`
}

export const variantsSection = (standings: Standings): Html | null => {
  const best = new Map<string, Configuration>()
  for (const configuration of standings.configurations) {
    const variant = variantOf(configuration.parameters)
    if (variant !== null && !best.has(variant)) best.set(variant, configuration)
  }
  const tried = new Set(standings.all.flatMap(({ trial }) => variantOf(trial.parameters) ?? []))
  if (tried.size < 2) return null
  const without = [...tried].filter((variant) => !best.has(variant))
  const columns = [
    variants.variant,
    board.trial,
    metricName(standings.metric),
    variants.base,
    variants.change,
    variants.trainable,
    board.memory,
    board.speed,
  ]
  return html`<section id="variants">
    <h2>${say(variants.title)}</h2>
    <p class="lead">${say(variants.lead)}</p>
    <div class="scroll table" tabindex="0" role="region" aria-label="Variants">
      <table>
        <thead>
          <tr>
            ${columns.map((column, index) => html`<th scope="col" class="${index === 0 ? "word" : "number"}">${say(column)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${[...best].map(([variant, configuration]) => row(variant, configuration, standings))}
        </tbody>
      </table>
    </div>
    ${without.length === 0 ? null : html`<p class="note">${say(variants.without)} ${without.map((variant) => html`<code>${variant}</code> `)}</p>`}
  </section>`
}
