// The Pareto front of a sweep with several metrics, and how it grew: drawn as in the report, following the filter.
import { frontDrawing, growthDrawing } from "../../../src/draw/front.ts"
import type { FrontView as Front, Head, TrialRow } from "../LiveData.ts"
import { drawn, fill, h, once } from "../dom.ts"
import type { Selection } from "../Selection.ts"
import { w } from "../words/words.ts"

export class FrontView {
  readonly #plot = h("div", { class: "drawing" })
  readonly #growth = h("div", { class: "drawing" })
  readonly #title = h("h3")
  readonly #metrics = [
    h("select", { onchange: () => this.#draw() }),
    h("select", { onchange: () => this.#draw() }),
  ] as const
  readonly element = h(
    "div",
    { class: "grid two" },
    h("div", {}, h("p", { class: "bar tight" }, ...this.#metrics), this.#plot),
    h("div", {}, this.#title, this.#growth),
  )
  readonly #selection: Selection
  #seen: { head: Head; rows: ReadonlyArray<TrialRow>; front: Front } | undefined
  readonly redraw = once(() => this.#draw())

  constructor(selection: Selection, id: string) {
    this.#selection = selection
    this.#plot.addEventListener("click", (event) => {
      const trial = (event.target as Element).getAttribute("data-trial")
      if (trial !== null) location.hash = `#/s/${id}/t/${trial}`
    })
    new ResizeObserver(this.redraw).observe(this.element)
  }

  update(head: Head, rows: ReadonlyArray<TrialRow>, front: Front) {
    if (this.#metrics[0].options.length !== front.metrics.length) {
      for (const [k, select] of this.#metrics.entries()) {
        select.setAttribute("aria-label", w("metric"))
        fill(select, ...front.metrics.map(({ name }, i) => h("option", { value: name, selected: i === k }, name)))
      }
    }
    this.#seen = { head, rows, front }
    this.redraw()
  }

  #draw() {
    if (this.#seen === undefined) return
    const { head, rows, front } = this.#seen
    const [across, up] = this.#metrics.map(({ value }) => front.metrics.find(({ name }) => name === value))
    if (across === undefined || up === undefined) return
    const value = (row: TrialRow, name: string) =>
      name === head.metric.name ? row.objective : (row.values[name] ?? null)
    const points = rows.flatMap((row) => {
      const [x, y] = [value(row, across.name), value(row, up.name)]
      const faded = this.#selection.isFiltering && !this.#selection.keeps(row)
      return x === null || y === null ? [] : [{ trial: row.number, x, y, faded }]
    })
    const width = Math.max(280, this.#plot.clientWidth)
    const members = front.members.map(({ trial, values }) => ({ trial, x: values[across.name]!, y: values[up.name]! }))
    const isWhole = front.metrics.length === 2 && across !== up
    fill(
      this.#plot,
      drawn(
        frontDrawing({
          metrics: [across, up],
          points,
          members,
          isWhole,
          compromise: front.compromise,
          width,
          height: 320,
        }),
      ),
    )
    this.#title.textContent = front.growth.length < 2 ? "" : w("growth")
    if (front.growth.length >= 2) fill(this.#growth, drawn(growthDrawing(front.growth, rows.length, width, 280)))
  }
}
