// Parallel coordinates that filter: a drag along an axis keeps the trials in that range, on the whole page.
import { axisOf } from "../../../src/charts/axisOf.ts"
import type { Dot } from "../../../src/draw/Dot.ts"
import { mark, px } from "../../../src/draw/Mark.ts"
import {
  type Column,
  type Geometry,
  geometryOf,
  parallel,
  type ParallelInput,
  pathOf,
} from "../../../src/draw/parallel.ts"
import type { Head, TrialRow } from "../LiveData.ts"
import { drawn, fill, h, once } from "../dom.ts"
import type { Brush, Selection } from "../Selection.ts"
import { w } from "../words/words.ts"

const height = 300
const mostAxes = 12

export class ParallelView {
  readonly #box = h("div", { class: "scroll", tabindex: 0, role: "region" })
  readonly #how = h("span", { class: "quiet" })
  readonly #release = h("button", { type: "button", class: "plain", onclick: () => this.#selection.release() })
  readonly element = h("div", {}, h("div", { class: "bar tight" }, this.#how, this.#release), this.#box)
  readonly #selection: Selection
  #input: ParallelInput | undefined
  #geometry: Geometry | undefined
  /** Places on each axis that are kept, while and after they are dragged. */
  readonly #spans = new Map<string, readonly [number, number]>()
  readonly #soon = once(() => this.#draw())
  #data: { head: Head; rows: ReadonlyArray<TrialRow>; names: ReadonlyArray<string>; best: number | null } | undefined

  constructor(selection: Selection) {
    this.#selection = selection
    new ResizeObserver(this.#soon).observe(this.element)
  }

  update(head: Head, rows: ReadonlyArray<TrialRow>, names: ReadonlyArray<string>, best: number | null) {
    this.#data = { head, rows, names, best }
    this.#soon()
  }

  redraw() {
    this.#soon()
  }

  #draw() {
    if (this.#data === undefined) return
    const { head, rows, names, best } = this.#data
    for (const name of Array.from(this.#spans.keys())) if (!this.#selection.brushes.has(name)) this.#spans.delete(name)
    this.#how.textContent = w("parallelHow")
    this.#release.textContent = w("release")
    this.#release.hidden = this.#selection.brushes.size === 0
    this.#box.setAttribute("aria-label", w("parallel"))
    const judged = rows.filter((row) => row.objective !== null)
    const dots = judged.map((row): Dot => ({
      trial: row.number,
      objective: row.objective!,
      colour: "",
      parameters: row.parameters,
      faded: this.#selection.isFiltering && !this.#selection.keeps(row),
    }))
    this.#input = {
      axes: names.slice(0, mostAxes).map((name) => ({
        name,
        axis: axisOf(
          name,
          judged.map(({ parameters }) => parameters[name]),
          head.space,
        ),
      })),
      dots,
      metric: head.metric.name,
      goal: head.metric.goal,
      best,
      width: Math.max(280, this.element.clientWidth),
      height,
    }
    const geometry = geometryOf(this.#input)
    this.#geometry = geometry
    const svg = drawn(parallel(this.#input, geometry)) as unknown as SVGSVGElement
    for (const column of geometry.columns) svg.append(this.#handle(svg, column, geometry))
    const { scrollLeft } = this.#box
    fill(this.#box, svg)
    this.#box.scrollLeft = scrollLeft
    this.hover(this.#selection.hovered)
  }

  hover(trial: number | null) {
    const svg = this.#box.querySelector("svg")
    svg?.querySelector(".hovered")?.remove()
    const dot = this.#input?.dots.find((one) => one.trial === trial)
    if (svg === null || dot === undefined || this.#geometry === undefined) return
    svg.append(
      drawn(
        mark("path", {
          class: "hovered",
          d: pathOf(this.#geometry, dot),
          fill: "none",
          stroke: "var(--ink)",
          "stroke-width": 2.4,
          "pointer-events": "none",
        }),
      ),
    )
  }

  /** What can be dragged on an axis, with what is kept of it. */
  #handle(svg: SVGSVGElement, column: Column, { top, bottom }: Geometry): SVGElement {
    const key = column.isObjective ? "" : column.name
    const y = (at: number) => bottom - at * (bottom - top)
    const span = this.#spans.get(key)
    const rect = (from: number, to: number, more: Readonly<Record<string, string>>) =>
      mark("rect", {
        x: column.x - 9,
        width: 18,
        y: px(Math.min(y(from), y(to))),
        height: px(Math.abs(y(from) - y(to))),
        ...more,
      })
    const group = drawn(
      mark(
        "g",
        { class: "axis" },
        rect(0, 1, { fill: "transparent" }),
        rect(span?.[0] ?? 0, span?.[1] ?? 0, {
          fill: "var(--accent)",
          "fill-opacity": "0.25",
          stroke: "var(--accent)",
          rx: "3",
          visibility: span === undefined ? "hidden" : "visible",
        }),
      ),
    )
    const shown = group.children[1] as SVGRectElement
    const placeOf = (event: PointerEvent): number => {
      const { top: above, height: whole } = svg.getBoundingClientRect()
      return Math.min(1, Math.max(0, (bottom - ((event.clientY - above) * height) / whole) / (bottom - top)))
    }
    let from: number | undefined
    group.addEventListener("pointerdown", (event) => {
      from = placeOf(event)
      group.setPointerCapture(event.pointerId)
      event.preventDefault()
    })
    group.addEventListener("pointermove", (event) => {
      if (from === undefined) return
      const to = placeOf(event)
      shown.setAttribute("visibility", "visible")
      shown.setAttribute("y", String(px(Math.min(y(from), y(to)))))
      shown.setAttribute("height", String(px(Math.abs(y(from) - y(to)))))
    })
    group.addEventListener("pointerup", (event) => {
      if (from === undefined) return
      const [low, high] = [from, placeOf(event)].toSorted((a, b) => a - b) as [number, number]
      from = undefined
      if (high - low < 0.01) {
        this.#spans.delete(key)
        return this.#selection.brush(key, null)
      }
      this.#spans.set(key, [low, high])
      this.#selection.brush(key, this.#brushOf(column, low, high))
    })
    return group
  }

  #brushOf(column: Column, low: number, high: number): Brush {
    const axis = this.#input!.axes.find(({ name }) => !column.isObjective && name === column.name)?.axis
    if (axis?.kind === "named") {
      const kept = axis.values.filter((value) => {
        const at = column.scale.at(value)!
        return at >= low && at <= high
      })
      return { values: new Set(kept) }
    }
    // At the ends of the objective's axis stand those beyond it, too.
    return {
      low: column.isObjective && low < 0.005 ? Number.NEGATIVE_INFINITY : column.scale.valueAt(low),
      high: column.isObjective && high > 0.995 ? Number.POSITIVE_INFINITY : column.scale.valueAt(high),
    }
  }
}
