// Trials that failed, by what went wrong, and attempts that were lost on the way.
import { hasFailed } from "@sweep/domain/Trial"
import type { FailureClass } from "@sweep/domain/TrialEvent"
import { duration } from "../Format.ts"
import { html, type Html } from "../Html.ts"
import type { ReportExtras } from "../ReportInput.ts"
import { say } from "../Say.ts"
import type { Standing, Standings } from "../Standings.ts"
import { reasonText } from "../strings/reasonText.ts"
import { failureClasses, failures } from "../strings/failures.ts"
import { nav } from "../strings/head.ts"
import { parameterLine } from "./diagnosis.ts"

/** Lines of a log; the reason stands at its end. */
const mostLines = 60

const excerpt = (text: string): string => {
  const lines = text.trimEnd().split("\n")
  return lines.length <= mostLines ? lines.join("\n") : `…\n${lines.slice(-mostLines).join("\n")}`
}

const block = (title: Html, text: string | null | undefined): Html | null =>
  text === null || text === undefined || text.trim() === ""
    ? null
    : html`<details>
        <summary>${title}</summary>
        <pre translate="no" tabindex="0"><code>${excerpt(text)}</code></pre>
      </details>`

const failedTrial = (standing: Standing, standings: Standings, log: string | undefined): Html => {
  const { failure, number } = standing.trial
  return html`<li>
    <p>
      <button type="button" class="pick" data-pick="${number}">${number}</button>
      <span class="message">${failure === null ? null : say(reasonText(failure.message))}</span>
    </p>
    <p class="quiet pairs">
      ${parameterLine(standing, standings.varying)}
      ${standing.duration === null ? null : html`<span class="pair">${duration(standing.duration)}</span>`}
    </p>
    ${block(say(failures.detail), failure?.detail)} ${block(say(failures.log), log)}
  </li>`
}

const lostAttempts = (standings: Standings): Html | null => {
  const lost = standings.all.flatMap(({ attempts }) => attempts.filter((one) => one.end === "released"))
  return lost.length === 0
    ? null
    : html`<h3>${say(failures.lost)} <span class="quiet">${lost.length}</span></h3>
        <p class="note">${say(failures.lostNote)}</p>
        <ul class="plain">
          ${lost.map(
            (one) =>
              html`<li>
                <button type="button" class="pick" data-pick="${one.trial}">${one.trial}</button>
                ${say(failures.attempt(one.attempt))} ${say(failures.on(one.agent))}:
                ${one.cause === null ? null : say(reasonText(one.cause))}
                ${one.endedAt === null ? null : html`<span class="quiet">${duration(one.endedAt - one.assignedAt)}</span>`}
              </li>`,
          )}
        </ul>`
}

export const failuresSection = (standings: Standings, logs: ReportExtras["logs"]): Html => {
  const failed = standings.all.filter(({ trial }) => hasFailed(trial.state) && trial.failure !== null)
  const groups = Map.groupBy(failed, (standing): FailureClass => standing.trial.failure!.class)
  return html`<section id="failures">
    <h2>${say(nav.failures)}</h2>
    ${failed.length === 0 ? html`<p>${say(failures.none)}</p>` : null}
    ${[...groups].map(
      ([kind, group]) =>
        html`<h3>${say(failureClasses[kind].name)} <span class="quiet">${group.length}</span></h3>
          <p class="note">${say(failureClasses[kind].remedy)}</p>
          <ul class="plain">
            ${group.map((one) => failedTrial(one, standings, logs?.get(one.trial.number)))}
          </ul>`,
    )}
    ${lostAttempts(standings)}
  </section>`
}
