// The objective of every trial in their order, with the best so far.
import { html, type Html } from "../Html.ts"
import { say } from "../Say.ts"
import type { Standings } from "../Standings.ts"
import { curves } from "../strings/charts.ts"
import { historyDrawing } from "./drawings.ts"

export const historySection = (standings: Standings): Html | null => {
  const drawing = historyDrawing(standings)
  if (drawing === null) return null
  return html`<section id="history">
    <h2>${say(curves.history)}</h2>
    <p class="lead">${say(curves.historyNote)}</p>
    ${drawing}
  </section>`
}
