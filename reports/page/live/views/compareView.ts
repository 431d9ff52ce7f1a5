// Two to six trials beside each other: their curves, what differs between them, and what is the same.
import { duration, metricValue, parameterValue } from "../../../src/Format.ts"
import type { Progress, TrialRow } from "../LiveData.ts"
import { connect } from "../connect.ts"
import { fill, h, once } from "../dom.ts"
import { stateBadge, verdictBadge } from "../parts/badge.ts"
import { CurvesView } from "../parts/curvesView.ts"
import { w } from "../words/words.ts"
import type { View } from "./sweepView.ts"

/** The colours of the curves, in their order. */
const tones = 6

export const compareView = (
  root: HTMLElement,
  sweep: string,
  trials: ReadonlyArray<number>,
  away: (message: string | null, gone: boolean) => void,
) => {
  const rows = new Map<number, TrialRow>()
  let view: View | undefined
  let curves: CurvesView | undefined
  const top = h("div")
  const table = h("section", { class: "first" })
  const place = h("section", {}, h("h2"))
  fill(root, top, table, place)

  const draw = once(() => {
    if (view === undefined) return
    const { head } = view
    const shown = trials.flatMap((trial) => rows.get(trial) ?? [])
    document.title = `${w("comparison")} · ${head.name}`
    fill(
      top,
      h(
        "p",
        { class: "crumbs" },
        h("a", { href: "#/" }, w("sweeps")),
        " / ",
        h("a", { href: `#/s/${sweep}` }, head.name),
      ),
      h("div", { class: "title" }, h("h1", {}, w("comparison"))),
    )
    const values = shown.flatMap(({ objective }) => (objective === null ? [] : [objective]))
    const leading =
      values.length === 0 ? null : head.metric.goal === "minimize" ? Math.min(...values) : Math.max(...values)
    const line = (
      name: string | Node,
      of: (row: TrialRow) => string | Node,
      isBest: (row: TrialRow) => boolean = () => false,
    ) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, name),
        shown.map((row) => h("td", { class: isBest(row) ? "leads" : null }, of(row))),
      )
    const names = Array.from(new Set(shown.flatMap(({ parameters }) => Object.keys(parameters))))
    const differs = (name: string) => new Set(shown.map(({ parameters }) => JSON.stringify(parameters[name]))).size > 1
    const parameter = (name: string) =>
      line(h("code", {}, name), ({ parameters }) => {
        const value = parameters[name]
        return value === undefined ? "–" : parameterValue(value as string)
      })
    const metrics = Array.from(new Set(shown.flatMap((row) => Object.keys(row.values)))).filter(
      (name) => name !== head.metric.name,
    )
    const group = (title: string) =>
      h("tr", { class: "group" }, h("th", { colspan: shown.length + 1, scope: "colgroup" }, title))
    const same = names.filter((name) => !differs(name))
    fill(
      table,
      h(
        "div",
        { class: "scroll table", tabindex: 0, role: "region", "aria-label": w("comparison") },
        h(
          "table",
          { class: "compare" },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("td", {}),
              shown.map((row, i) =>
                h(
                  "th",
                  { scope: "col" },
                  h("i", { class: `swatch t${i % tones}` }),
                  " ",
                  h("a", { href: `#/s/${sweep}/t/${row.number}` }, `#${row.number}`),
                ),
              ),
            ),
          ),
          h(
            "tbody",
            {},
            line(
              h("strong", {}, head.metric.name),
              ({ objective }) => (objective === null ? "–" : metricValue(objective)),
              ({ objective }) => objective === leading,
            ),
            line(w("verdict"), ({ verdict }) => verdictBadge(verdict)),
            line(w("state"), ({ state }) => stateBadge(state)),
            line(w("time"), ({ ranMs }) => duration(ranMs)),
            group(w("differ")),
            names.filter(differs).map(parameter),
            same.length > 0 && group(w("same")),
            same.map(parameter),
            metrics.length > 0 && group(w("values")),
            metrics.map((name) =>
              line(h("code", {}, name), (row) => {
                const value = row.values[name]
                return value === null || value === undefined ? "–" : metricValue(value)
              }),
            ),
          ),
        ),
      ),
    )
    place.querySelector("h2")!.textContent = w("curves")
    curves?.context({
      rows,
      best: view.answer?.trial ?? null,
      goal: head.metric.goal,
      colours: [],
      keeps: () => true,
      trials,
    })
  })
  const take = (next: View) => {
    view = next
    for (const row of next.trials ?? []) rows.set(row.number, row)
    if (curves === undefined) {
      curves = new CurvesView(
        `/api/sweeps/${sweep}`,
        next.head.metric.name,
        (trial) => (location.hash = `#/s/${sweep}/t/${trial}`),
      )
      place.append(curves.element)
    } else curves.refresh()
    draw()
  }
  const end = connect(
    `/api/sweeps/${sweep}/events`,
    {
      sweep: take,
      same: take,
      change: take,
      points: (progress: ReadonlyArray<Progress>) =>
        curves?.take(progress.filter(({ trial }) => trials.includes(trial))),
    },
    away,
  )
  return { end, words: () => (curves?.words(), draw()) }
}
