// Trials a verdict warns of, with what it rests on and what to do. Overfitting ones come first, each with its losses.
import { adviceSentence, evidenceSentence, type Language } from "@sweep/diagnosis/sentence"
import type { Evidence, VerdictKind } from "@sweep/domain/Verdict"
import { count, parameterValue, shortValue } from "../Format.ts"
import { html, type Html, join } from "../Html.ts"
import { say } from "../Say.ts"
import type { Standing, Standings } from "../Standings.ts"
import { diagnosis } from "../strings/diagnosis.ts"
import { nav } from "../strings/head.ts"
import { lossesDrawing } from "./drawings.ts"
import { kindBadge } from "./verdictBadge.ts"

/** More than this stand open are no evidence any more but a wall. */
const mostOpen = 8
/** Of them each has its chart, its evidence and its advice; the others are in a list. */
const mostCards = 48
const mostListed = 1_000
const flagged: ReadonlyArray<VerdictKind> = ["overfitting", "diverged", "underfitting", "plateaued"]

export interface Flagged {
  readonly standing: Standing
  readonly kind: VerdictKind
}

export const flaggedTrials = (standings: Standings): ReadonlyArray<Flagged> => {
  return flagged.flatMap((kind) =>
    standings.all.filter(({ trial }) => trial.verdict?.kind === kind).map((standing) => ({ standing, kind })),
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

const card = ({ standing, kind }: Flagged, standings: Standings): Html => {
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
    ${lossesDrawing(standing)}
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

const listed = ({ standing, kind }: Flagged): Html =>
  html`<li>
    <button type="button" class="pick" data-pick="${standing.trial.number}">${standing.trial.number}</button>
    ${kindBadge(kind)}
  </li>`

export const diagnosisSection = (trials: ReadonlyArray<Flagged>, standings: Standings): Html => {
  const judged = standings.all.some(({ trial }) => trial.verdict !== null)
  const open = trials.slice(0, mostOpen)
  const folded = trials.slice(mostOpen, mostCards)
  const rest = trials.slice(mostCards)
  return html`<section id="diagnosis">
    <h2>${say(nav.diagnosis)}</h2>
    ${
      trials.length === 0
        ? html`<p>${say(judged ? diagnosis.none : diagnosis.notJudged)}</p>`
        : html`<p class="lead">${countsOf(trials)} ${say(diagnosis.legend)}</p>`
    }
    ${open.length === 0 ? null : html`<div class="grid cards">${open.map((one) => card(one, standings))}</div>`}
    ${
      folded.length === 0
        ? null
        : html`<details>
            <summary>${say(diagnosis.more(folded.length + rest.length))}</summary>
            <div class="grid cards">${folded.map((one) => card(one, standings))}</div>
            ${
              rest.length === 0
                ? null
                : html`<ul class="plain flags">
                    ${rest.slice(0, mostListed).map(listed)}
                  </ul>`
            }
          </details>`
    }
  </section>`
}
