// Who resumed from whom in a population: one row a takeover, in the order of the training, with what was changed. Owns this
// table; a sweep whose trials all trained on their own has no such section.
import { type Takeover, takeovers } from "@sweep/domain/lineage"
import { count, parameterValue } from "../Format.ts"
import { html, type Html } from "../Html.ts"
import { say } from "../Say.ts"
import type { Standings } from "../Standings.ts"
import { lineage } from "../strings/board.ts"

type Change = Takeover["changes"][number]

const value = (of: Change["after"]): string => (of === undefined ? "–" : of === null ? "null" : parameterValue(of))

const pick = (trial: number): Html => html`<button type="button" class="pick" data-pick="${trial}">${trial}</button>`

const row = ({ trial, from, step, changes }: Takeover): Html =>
  html`<tr>
    <td class="number">${count(step)}</td>
    <td class="number">${pick(trial)}</td>
    <td class="number">${pick(from)}</td>
    <td>
      ${changes.map(
        ({ name, before, parent, after }) =>
          html`<div>
            <code>${name}</code> ${value(parent)} → <strong>${value(after)}</strong>
            <small>${say(lineage.had(value(before)))}</small>
          </div>`,
      )}
    </td>
  </tr>`

export const lineageSection = (standings: Standings): Html | null => {
  const all = takeovers(new Map(standings.all.map(({ trial }) => [trial.number, trial])))
  if (all.length === 0) return null
  return html`<section id="lineage">
    <h2>${say(lineage.title)}</h2>
    <p class="lead">${say(lineage.lead(all.length))}</p>
    <div class="table" tabindex="0">
      <table>
        <thead>
          <tr>
            <th class="number">${say(lineage.step)}</th>
            <th class="number">${say(lineage.trial)}</th>
            <th class="number">${say(lineage.from)}</th>
            <th>${say(lineage.change)}</th>
          </tr>
        </thead>
        <tbody>
          ${all.map(row)}
        </tbody>
      </table>
    </div>
  </section>`
}
