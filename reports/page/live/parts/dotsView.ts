// The objective over trials, time or cost, and each parameter against it: drawn as in the report, following the filter.
import { axisOf } from "../../../src/charts/axisOf.ts"
import type { Dot } from "../../../src/draw/Dot.ts"
import { history } from "../../../src/draw/history.ts"
import { slice } from "../../../src/draw/slice.ts"
import { colouringOf } from "../colours.ts"
import type { Head, TrialRow } from "../LiveData.ts"
import { drawn, fill, h, once } from "../dom.ts"
import type { Selection } from "../Selection.ts"
import { language, w } from "../words/words.ts"

const hour = 3_600_000
const mostSlices = 9

export interface Seen {
  readonly head: Head
  readonly rows: ReadonlyArray<TrialRow>
  readonly names: ReadonlyArray<string>
  readonly best: number | null
}

const dotsOf = (rows: ReadonlyArray<TrialRow>, selection: Selection, by: string): ReadonlyArray<Dot> => {
  const colour = colouringOf(by, rows)
  return rows
    .filter((row) => row.objective !== null)
    .map((row) => ({
      trial: row.number,
      objective: row.objective!,
      colour: colour(row),
      parameters: row.parameters,
      faded: selection.isFiltering && !selection.keeps(row),
    }))
}

const goes = (id: string) => (event: Event) => {
  const trial = (event.target as Element).getAttribute("data-trial")
  if (trial !== null) location.hash = `#/s/${id}/t/${trial}`
}

/** Points at the trial under the pointer. */
const follows = (selection: Selection) => (event: Event) => {
  const trial = (event.target as Element).getAttribute("data-trial")
  selection.hover(trial === null ? null : Number(trial))
}

export class HistoryView {
  readonly #by = h("select", { onchange: () => this.#draw() })
  readonly #box = h("div", { class: "drawing" })
  readonly element = h("div", {}, h("div", { class: "bar tight" }, this.#by), this.#box)
  readonly #selection: Selection
  #seen: Seen | undefined
  readonly redraw = once(() => this.#draw())

  constructor(selection: Selection, id: string) {
    this.#selection = selection
    this.#box.addEventListener("click", goes(id))
    this.#box.addEventListener("pointerover", follows(selection))
    new ResizeObserver(this.redraw).observe(this.element)
  }

  update(seen: Seen) {
    this.#seen = seen
    this.redraw()
  }

  words() {
    const chosen = this.#by.value || "overTrials"
    fill(
      this.#by,
      ...(["overTrials", "overTime", "overCost"] as const).map((key) =>
        h("option", { value: key, selected: key === chosen }, w(key)),
      ),
    )
    this.#by.setAttribute("aria-label", w("xAxis"))
    this.redraw()
  }

  #draw() {
    if (this.#seen === undefined) return
    const { head, rows, best } = this.#seen
    const by = this.#by.value
    const dots = dotsOf(rows, this.#selection, "verdict")
    const known = new Map(rows.map((row) => [row.number, row]))
    const ended = (trial: number) => known.get(trial)?.endedAt ?? known.get(trial)?.startedAt ?? head.createdAt
    let spent = 0
    const costs = new Map(
      dots
        .toSorted((a, b) => ended(a.trial) - ended(b.trial))
        .map(({ trial }) => [trial, (spent += known.get(trial)!.ranMs / hour)]),
    )
    const place =
      by === "overTime"
        ? (trial: number) => (ended(trial) - head.createdAt) / hour
        : by === "overCost"
          ? (trial: number) => costs.get(trial)!
          : (trial: number) => trial
    const label = {
      en: "",
      zh: "",
      [language()]: by === "overTime" ? w("hours") : by === "overCost" ? w("cost") : w("trial"),
    }
    fill(
      this.#box,
      drawn(
        history({
          dots: dots.toSorted((a, b) => place(a.trial) - place(b.trial)),
          goal: head.metric.goal,
          metric: head.metric.name,
          best,
          width: Math.max(280, this.element.clientWidth),
          height: 270,
          along: { label, of: place },
        }),
      ),
    )
  }
}

export class SlicesView {
  readonly element = h("div", { class: "grid small" })
  readonly #selection: Selection
  readonly #by: () => string
  #seen: Seen | undefined
  readonly redraw = once(() => this.#draw())

  constructor(selection: Selection, id: string, by: () => string) {
    this.#selection = selection
    this.#by = by
    this.element.addEventListener("click", goes(id))
    this.element.addEventListener("pointerover", follows(selection))
    new ResizeObserver(this.redraw).observe(this.element)
  }

  update(seen: Seen) {
    this.#seen = seen
    this.redraw()
  }

  #draw() {
    if (this.#seen === undefined) return
    const { head, rows, names, best } = this.#seen
    const dots = dotsOf(rows, this.#selection, this.#by())
    const whole = this.element.clientWidth
    const across = Math.max(1, Math.floor(whole / 320))
    const width = Math.max(260, Math.floor((whole - (across - 1) * 36) / across))
    fill(
      this.element,
      ...names.slice(0, mostSlices).flatMap((name) => {
        const axis = axisOf(
          name,
          dots.map(({ parameters }) => parameters[name]),
          head.space,
        )
        if (axis.values.length < 2) return []
        return [
          h(
            "figure",
            {},
            h("figcaption", {}, h("h3", {}, h("code", {}, name))),
            drawn(slice({ name, axis, dots, metric: head.metric.name, best, width, height: 200 })),
          ),
        ]
      }),
    )
  }
}
