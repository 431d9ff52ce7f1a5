// What the trained models answer to the probes, side by side: the best trials, and one that overfits to compare with.
import type { SweepResults } from "@sweep/domain/SweepResults"
import type { Probe } from "@sweep/domain/SweepSpec"
import { html, type Html } from "../Html.ts"
import { say } from "../Say.ts"
import { metricValue } from "../Format.ts"
import type { Standing, Standings } from "../Standings.ts"
import { samples } from "../strings/diagnosis.ts"
import { nav } from "../strings/head.ts"
import { kindBadge, verdictBadge } from "./verdictBadge.ts"

const mostTrials = 4

const answered = (standing: Standing): boolean => (standing.details?.samples.length ?? 0) > 0

interface Compared {
  readonly best: ReadonlyArray<Standing>
  /** The worst overfitting trial that is not among the best. */
  readonly contrast: Standing | null
}

const comparedOf = (standings: Standings): Compared => {
  const ranked = standings.ranked.filter(answered)
  const best = ranked.slice(0, mostTrials)
  return {
    best,
    contrast: ranked.slice(mostTrials).findLast(({ trial }) => trial.verdict?.kind === "overfitting") ?? null,
  }
}

/** Each text in its own direction, whatever the language around it. */
const text = (value: string): Html => html`<span class="text" dir="auto">${value}</span>`

const question = (probe: Probe | undefined, prompt: string): Html =>
  probe === undefined
    ? html`<p class="question">${text(prompt)}</p>`
    : html`<div class="question">
        ${probe.system === "" ? null : html`<p class="quiet"><small>${say(samples.system)}:</small> ${text(probe.system)}</p>`}
        <p>${text(probe.instruction)}</p>
        ${probe.input === "" ? null : html`<p class="input">${text(probe.input)}</p>`}
      </div>`

const answerCell = (standing: Standing, probe: number, contrast: boolean): Html => {
  const sample = standing.details?.samples.find((one) => one.probe === probe)
  const { number, verdict } = standing.trial
  return html`<div class="reply${contrast ? " contrast" : ""}" data-trial="${number}">
    <p class="who">
      <button type="button" class="pick" data-pick="${number}">${number}</button>
      ${contrast ? kindBadge("overfitting") : verdictBadge(verdict)}
      <span class="quiet">${standing.objective === null ? null : metricValue(standing.objective)}</span>
    </p>
    ${
      sample === undefined
        ? html`<p class="none">${say(samples.noAnswer)}</p>`
        : sample.answer.trim() === ""
          ? html`<p class="none">${say(samples.empty)}</p>`
          : html`<p>${text(sample.answer)}</p>`
    }
  </div>`
}

export const samplesSection = (results: SweepResults, standings: Standings): Html => {
  const { best, contrast } = comparedOf(standings)
  const probes = results.sweep.spec.probes
  const indices = [...new Set(best.flatMap((one) => one.details!.samples.map((sample) => sample.probe)))].toSorted(
    (a, b) => a - b,
  )
  const promptOf = (probe: number): string =>
    best.flatMap((one) => one.details!.samples).find((one) => one.probe === probe)?.prompt ?? ""
  return html`<section id="samples">
    <h2>${say(nav.samples)}</h2>
    ${
      indices.length === 0
        ? html`<p>${say(probes.length === 0 ? samples.none : samples.noneYet)}</p>`
        : html`<p class="lead">${say(samples.lead(best.length))}</p>`
    }
    ${indices.map(
      (probe) =>
        html`<div class="probe">
          ${question(probes[probe], promptOf(probe))}
          <div class="replies">
            ${best.map((one) => answerCell(one, probe, false))}
            ${contrast === null ? null : answerCell(contrast, probe, true)}
          </div>
        </div>`,
    )}
  </section>`
}
