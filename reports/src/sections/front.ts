// The Pareto front of a sweep with several metrics, as a table. Every number is the answer's (@sweep/diagnosis/front); this
// writes them out. A sweep with one metric has no such section.
import type { Answer } from "@sweep/diagnosis/answer"
import { metricValue, parameterValue, percent } from "../Format.ts"
import { html, type Html, join } from "../Html.ts"
import { say } from "../Say.ts"
import { frontDrawing, growthDrawing } from "../draw/front.ts"
import { markup } from "../draw/Mark.ts"
import type { Standing, Standings } from "../Standings.ts"
import { front } from "../strings/front.ts"
import { metricName } from "../strings/metricName.ts"

const drawings = ({ front: found }: Answer, standings: Standings): Html | null => {
  const [across, up] = found?.metrics ?? []
  if (found === null || across === undefined || up === undefined) return null
  const value = ({ objective, trial }: Standing, name: string) =>
    name === standings.metric ? objective : (trial.values[name] ?? null)
  const points = standings.ranked.flatMap((standing) => {
    const [x, y] = [value(standing, across.name), value(standing, up.name)]
    return x === null || y === null || !Number.isFinite(y) || !Number.isFinite(x)
      ? []
      : [{ trial: standing.trial.number, x, y }]
  })
  const members = found.members.map(({ trial, values }) => ({ trial, x: values[0]!, y: values[1]! }))
  const { compromise, growth, metrics } = found
  const isWhole = metrics.length === 2
  return html`<div class="grid two">
    <div class="drawing">
      ${markup(frontDrawing({ metrics: [across, up], points, members, isWhole, compromise, width: 520, height: 300 }))}
    </div>
    ${
      growth.length < 2
        ? null
        : html`<figure>
            <figcaption><h3>${say(front.growth)}</h3></figcaption>
            <div class="drawing">${markup(growthDrawing(growth, standings.all.length, 520, 260))}</div>
          </figure>`
    }
  </div>`
}

export const frontSection = (found: Answer | null, standings: Standings): Html | null => {
  const { varying } = standings
  if (found === null || found.front === null) return null
  const { metrics, members, compared, compromise, hypervolume, reference, growth } = found.front
  const halfway = growth.findLast(({ trials }) => trials <= growth.at(-1)!.trials / 2)
  const point = metrics.map(({ name }, k) => `${name} ${metricValue(reference[k]!)}`).join(", ")
  return html`<section id="front">
    <h2>${say(front.title)}</h2>
    <p class="lead">
      ${say(
        front.lead(
          members.length,
          compared,
          metrics.map(({ name }) => name),
        ),
      )}
      ${hypervolume === null ? null : say(front.hypervolume(percent(hypervolume), point))}
      ${halfway === undefined || members.length < 2 ? null : say(front.halfway(halfway.trials, percent(halfway.hypervolume)))}
      ${members.length < 3 ? null : say(front.compromise(compromise))}
    </p>
    ${drawings(found, standings)}
    <div class="scroll table" tabindex="0" role="region" aria-label="Pareto front">
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">${say(front.trials)}</th>
            ${metrics.map(({ name }) => html`<th scope="col" class="number">${say(metricName(name))}</th>`)}
            ${varying.map((name) => html`<th scope="col" class="number"><code>${name}</code></th>`)}
          </tr>
        </thead>
        <tbody>
          ${members.map(
            ({ trial, trials, values, parameters }) =>
              html`<tr data-trial="${trial}" ${trial === compromise && members.length > 2 ? html` class="best"` : null}>
                <td class="number">
                  ${join(
                    trials.map(
                      (number) => html`<button type="button" class="pick" data-pick="${number}">${number}</button>`,
                    ),
                    " ",
                  )}
                </td>
                ${values.map((value) => html`<td class="number">${metricValue(value)}</td>`)}
                ${varying.map((name) => html`<td class="number">${name in parameters ? parameterValue(parameters[name]!) : "–"}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`
}
