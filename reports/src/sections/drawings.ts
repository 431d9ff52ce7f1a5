// The drawings of the report that the live page has, too. Owns which data they are drawn from, and that a wide and a narrow
// one stand beside each other where letters would shrink on a phone; a style rule hides one.
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import { axisOf } from "../charts/axisOf.ts"
import { toneColour } from "../charts/Chart.ts"
import { toneOf } from "../charts/curves.ts"
import type { Dot } from "../draw/Dot.ts"
import { history } from "../draw/history.ts"
import { losses } from "../draw/losses.ts"
import { markup, type Mark } from "../draw/Mark.ts"
import { parallel } from "../draw/parallel.ts"
import { slice } from "../draw/slice.ts"
import { evalLoss, trainLoss } from "@sweep/domain/Curve"
import { html, type Html, plain } from "../Html.ts"
import type { Standing, Standings } from "../Standings.ts"

const wide = 1_060
const narrow = 358
const mostAxes = 10

const dotsOf = (standings: ReadonlyArray<Standing>): ReadonlyArray<Dot> =>
  standings.map((standing) => ({
    trial: standing.trial.number,
    objective: standing.objective!,
    colour: toneColour(toneOf(standing)),
    parameters: standing.trial.parameters,
  }))

const both = (draw: (width: number) => Mark): Html =>
  html`<div class="drawing wide">${markup(draw(wide))}</div>
    <div class="drawing narrow">${markup(draw(narrow))}</div>`

/** `null` where fewer than two trials have a result. */
export const historyDrawing = (standings: Standings): Html | null => {
  if (standings.ranked.length < 2) return null
  const dots = dotsOf(standings.ranked).toSorted((a, b) => a.trial - b.trial)
  const best = standings.best?.trial.number ?? null
  return both((width) =>
    history({
      dots,
      goal: standings.goal,
      metric: plain(standings.metric),
      best,
      width,
      height: width === wide ? 260 : 230,
    }),
  )
}

const axisFor = (standings: Standings, space: SearchSpace, name: string) =>
  axisOf(
    name,
    standings.ranked.map((standing) => standing.trial.parameters[name]),
    space,
  )

/** `null` where nothing varies among trials with a result. */
export const parallelDrawing = (standings: Standings, space: SearchSpace): Html | null => {
  const axes = standings.varying
    .map((name) => ({ name, axis: axisFor(standings, space, name) }))
    .filter(({ axis }) => axis.values.length >= 2)
    .slice(0, mostAxes)
  if (axes.length === 0 || standings.ranked.length < 2) return null
  const draw = (width: number) =>
    markup(
      parallel({
        axes,
        dots: dotsOf(standings.ranked),
        metric: plain(standings.metric),
        goal: standings.goal,
        best: standings.best?.trial.number ?? null,
        width,
        height: 290,
      }),
    )
  // It is as wide as its axes need, and scrolls where the screen is narrower.
  return html`<div class="scroll drawing" tabindex="0" role="region" aria-label="Parallel coordinates">
    ${draw(Math.max(wide, axes.length * 100))}
  </div>`
}

export const sliceDrawing = (standings: Standings, space: SearchSpace, name: string): Html | null => {
  const axis = axisFor(standings, space, name)
  if (axis.values.length < 2) return null
  return html`<div class="drawing">
    ${markup(
      slice({
        name,
        axis,
        dots: dotsOf(standings.ranked),
        metric: plain(standings.metric),
        best: standings.best?.trial.number ?? null,
        width: 340,
        height: 210,
      }),
    )}
  </div>`
}

/** `null` without an eval curve. */
export const lossesDrawing = (standing: Standing): Html | null => {
  const evals = standing.curves.get(evalLoss) ?? []
  if (evals.length < 2) return null
  return html`<div class="drawing">
    ${markup(
      losses({
        trial: standing.trial.number,
        evals,
        train: standing.curves.get(trainLoss) ?? [],
        since: standing.trial.verdict?.sinceStep ?? null,
        colour: toneColour(toneOf(standing)),
        width: 460,
        height: 210,
      }),
    )}
  </div>`
}
