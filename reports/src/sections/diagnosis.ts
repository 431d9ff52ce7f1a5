// Trials a verdict warns of, with what it rests on and what to do. Overfitting ones come first, each with its losses.
import { adviceSentence, evidenceSentence, type Language } from "@sweep/diagnosis/sentence"
import type { Evidence, VerdictKind } from "@sweep/domain/Verdict"
import type { Chart } from "../charts/Chart.ts"
import { overfittingChart } from "../charts/overfitting.ts"
import type { Figure } from "../figure.ts"
import { count, parameterValue, shortValue } from "../Format.ts"
import { html, type Html, join } from "../Html.ts"
import { say } from "../Say.ts"
import type { Standing, Standings } from "../Standings.ts"
import { diagnosis } from "../strings/diagnosis.ts"
import { nav } from "../strings/head.ts"
import { kindBadge } from "./verdictBadge.ts"

/** More pictures than this are no evidence any more but a wall. */
const mostCharts = 8
const flagged: ReadonlyArray<VerdictKind> = ["overfitting", "diverged", "underfitting", "plateaued"]

export interface Flagged {
  readonly standing: Standing
  readonly kind: VerdictKind
  readonly chart: Chart | null
}

export const flaggedTrials = (standings: Standings): ReadonlyArray<Flagged> => {
  const found = flagged.flatMap((kind) =>
    standings.all
      .filter(({ trial }) => trial.verdict?.kind === kind)
      .map((standing) => ({ standing, kind, chart: null as Chart | null })),
  )
  return found.map((one, index) =>
    one.kind === "overfitting" && index < mostCharts
      ? { ...one, chart: overfittingChart(one.standing, `overfitting-${one.standing.trial.number}`) }
      : one,
  )
}

/** The diagnosis writes clauses; here they stand alone. A name of a parameter or a metric stays as it is. */
const sentence = (clause: (language: Language) => string): Html => {
  const english = clause("en")
  const en = /^[\w-]*[_/.]/.test(english) ? english : english.charAt(0).toUpperCase() + english.slice(1)
  const zh = clause("zh")
  // A sentence of a fact from before verdicts held codes is English everywhere.
  return say({ en, zh: zh === english ? en : zh })
}

const evidence = (one: Evidence): Html =>
  html`<li class="${one.holds ? "holds" : "fails"}">
    <span class="sign" aria-hidden="true">${one.holds ? "✓" : "·"}</span>
    <span
      >${sentence((language) => evidenceSentence(one, language))}
      <small
        ><code>${one.criterion}</code>
        ${say(diagnosis.limit(shortValue(one.value), shortValue(one.threshold), one.holds))}</small
      ></span
    >
  </li>`

export const parameterLine = (standing: Standing, names: ReadonlyArray<string>): Html =>
  join(
    names.flatMap((name) => {
      const value = standing.trial.parameters[name]
      return value === undefined ? [] : [html`<span class="pair"><code>${name}</code> ${parameterValue(value)}</span>`]
    }),
    " ",
  )

const card = ({ standing, kind, chart }: Flagged, standings: Standings, figure: Figure): Html => {
  const { verdict, number } = standing.trial
  return html`<article class="card" data-trial="${number}">
    <header>
      <h3>
        <button type="button" class="pick" data-pick="${number}">${number}</button> ${kindBadge(kind)}
        ${
          verdict === null || verdict.sinceStep === null
            ? null
            : html`<span class="quiet">${say(diagnosis.since(count(verdict.sinceStep)))}</span>`
        }
      </h3>
      <p class="quiet pairs">${parameterLine(standing, standings.varying)}</p>
    </header>
    ${chart === null ? null : figure(chart)}
    ${
      verdict === null || verdict.evidence.length === 0
        ? null
        : html`<h4>${say(diagnosis.evidence)}</h4>
            <ul class="evidence">
              ${verdict.evidence.map(evidence)}
            </ul>`
    }
    ${
      verdict === null || verdict.advice.length === 0
        ? null
        : html`<h4>${say(diagnosis.advice)}</h4>
            <ol>
              ${verdict.advice.map((advice) => html`<li>${sentence((language) => adviceSentence(advice, language))}</li>`)}
            </ol>`
    }
  </article>`
}

const countsOf = (trials: ReadonlyArray<Flagged>): Html => {
  const counts = Map.groupBy(trials, (one) => one.kind)
  return join(
    [...counts].map(([kind, of]) => html`<span class="pair">${of.length} ${kindBadge(kind)}</span>`),
    " ",
  )
}

export const diagnosisSection = (trials: ReadonlyArray<Flagged>, standings: Standings, figure: Figure): Html => {
  const judged = standings.all.some(({ trial }) => trial.verdict !== null)
  const detailed = trials.slice(0, mostCharts)
  const rest = trials.slice(mostCharts)
  return html`<section id="diagnosis">
    <h2>${say(nav.diagnosis)}</h2>
    ${
      trials.length === 0
        ? html`<p>${say(judged ? diagnosis.none : diagnosis.notJudged)}</p>`
        : html`<p class="lead">
            ${countsOf(trials)} ${detailed.some((one) => one.chart !== null) ? say(diagnosis.legend) : null}
          </p>`
    }
    ${detailed.length === 0 ? null : html`<div class="grid cards">${detailed.map((one) => card(one, standings, figure))}</div>`}
    ${
      rest.length === 0
        ? null
        : html`<details>
            <summary>${say(diagnosis.more(rest.length))}</summary>
            <div class="grid cards">${rest.map((one) => card(one, standings, figure))}</div>
          </details>`
    }
  </section>`
}
