// Charts on uPlot. Owns the common x axis of many curves (at most 1,000 buckets), smoothing, and that zoom survives new points.
import UPlot from "uplot"
import type { Curve } from "./LiveData.ts"
import { h } from "./dom.ts"
import { number } from "./words.ts"

const buckets = 1_000
const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

export interface Line {
  readonly label: string
  /** A colour of the palette. */
  readonly tone: string
  readonly width: number
  readonly faint?: boolean
  readonly dots?: boolean
  readonly values: ReadonlyArray<number | null>
}

const smooth = (values: ReadonlyArray<number | null>, by: number): Array<number | null> => {
  if (by === 0) return [...values]
  let mean = 0
  let weight = 0
  return values.map((value) => {
    if (value === null) return null
    mean = by * mean + (1 - by) * value
    weight = by * weight + (1 - by)
    return mean / weight
  })
}

/** All curves over the same steps. */
export const aligned = (curves: ReadonlyArray<Curve>, by: number) => {
  const union = new Set<number>()
  for (const { steps } of curves) for (const step of steps) union.add(step)
  let xs = Array.from(union).toSorted((a, b) => a - b)
  let place: (step: number) => number
  if (xs.length <= 2 * buckets) {
    const index = new Map(xs.map((x, i) => [x, i]))
    place = (step) => index.get(step)!
  } else {
    const low = xs[0]!
    const width = (xs.at(-1)! - low) / (buckets - 1)
    xs = Array.from({ length: buckets }, (_, i) => low + i * width)
    place = (step) => Math.round((step - low) / width)
  }
  const lines = curves.map(({ steps, values }) => {
    const row = Array.from<unknown, number | null>({ length: xs.length }, () => null)
    for (const [i, value] of smooth(values, by).entries()) if (value !== null) row[place(steps[i]!)] = value
    return row
  })
  return { xs, lines }
}

export class Chart {
  readonly element = h("div", { class: "plot", role: "img" })
  readonly #said = h("p", { class: "said", "aria-hidden": "true" }, "\u00a0")
  #plot: UPlot | undefined
  #shape = ""
  #zoomed = false
  readonly #resize = new ResizeObserver(() => this.#fit())

  readonly onPick: ((index: number) => void) | undefined

  constructor(onPick?: (index: number) => void) {
    this.onPick = onPick
    this.#resize.observe(this.element)
  }

  #fit() {
    const width = this.element.clientWidth
    if (width > 0 && this.#plot !== undefined && this.#plot.width !== width) this.#plot.setSize({ width, height: 280 })
  }

  draw(options: {
    readonly title: string
    readonly xs: ReadonlyArray<number>
    readonly lines: ReadonlyArray<Line>
    readonly log: boolean
    /** Whether x counts something: no fractions between. */
    readonly counts?: boolean
  }) {
    const { title, xs, lines, log, counts = false } = options
    this.element.setAttribute("aria-label", title)
    const rows = lines.map(({ values }) => (log ? values.map((v) => (v !== null && v > 0 ? v : null)) : values))
    const data = [xs, ...rows] as unknown as UPlot.AlignedData
    const ink = colour("--ink")
    const shape = JSON.stringify([
      log,
      ink,
      lines.map(({ label, tone, width, faint, dots }) => [label, tone, width, faint, dots]),
    ])
    if (this.#plot !== undefined && shape === this.#shape) {
      this.#plot.setData(data, !this.#zoomed)
      return
    }
    const before = this.#zoomed ? { min: this.#plot!.scales["x"]!.min!, max: this.#plot!.scales["x"]!.max! } : undefined
    this.#shape = shape
    this.#plot?.destroy()
    const axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--rule"), width: 1 },
      ticks: { stroke: colour("--rule") },
    }
    const format = (_: UPlot, ticks: Array<number>) => ticks.map((tick) => (tick === null ? "" : number(tick)))
    this.#plot = new UPlot(
      {
        width: Math.max(200, this.element.clientWidth),
        height: 280,
        legend: { show: false },
        scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
        focus: { alpha: 0.2 },
        cursor: { focus: { prox: 24 }, points: { show: false }, drag: { x: true, y: false } },
        axes: [
          {
            ...axis,
            values: format,
            ...(counts ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] } : {}),
          },
          { ...axis, values: format, size: 64 },
        ],
        series: [
          {},
          ...lines.map(({ label, tone, width, faint, dots }) => ({
            label,
            stroke: colour(tone) + (faint === true ? "66" : ""),
            width: dots === true ? 0 : width,
            spanGaps: true,
            points: dots === true ? { show: true, size: 7, fill: colour(tone), stroke: colour(tone) } : { show: false },
          })),
        ],
        hooks: {
          setSelect: [(u) => void (this.#zoomed = u.select.width > 0 || this.#zoomed)],
          setCursor: [(u) => this.#say(u)],
        },
      },
      data,
      this.element,
    )
    if (before !== undefined) this.#plot.setScale("x", before)
    this.#plot.over.addEventListener("dblclick", () => (this.#zoomed = false))
    if (this.onPick !== undefined) {
      this.#plot.over.addEventListener("click", () => {
        const at = this.#plot?.cursor.idx
        if (at !== null && at !== undefined) this.onPick?.(at)
      })
    }
    this.element.append(this.#said)
  }

  #say(u: UPlot) {
    const index = u.cursor.idx
    if (index === null || index === undefined) return void (this.#said.textContent = "\u00a0")
    const x = u.data[0][index]!
    const near = u.series
      .map((series, i) => ({ label: series.label, value: i === 0 ? null : u.data[i]![index] }))
      .flatMap(({ label, value }) =>
        value === null || value === undefined
          ? []
          : [{ label, value, far: Math.abs(u.valToPos(value, "y") - (u.cursor.top ?? 0)) }],
      )
      .toSorted((a, b) => a.far - b.far)
    this.#said.textContent = [
      number(x),
      ...near.slice(0, 3).map(({ label, value }) => `${String(label)}: ${number(value)}`),
    ].join(" · ")
  }
}
