// Curves on uPlot. Owns that zoom survives new points, what is said of the place under the pointer, and the table of the last
// values that those hear who cannot see the picture.
import UPlot from "uplot"
import { metricValue } from "../../../src/Format.ts"
import { stepLabel } from "../../../src/draw/scale.ts"
import { computed } from "../colours.ts"
import { h } from "../dom.ts"

const tall = 320

export interface Line {
  readonly label: string
  /** As CSS writes it. */
  readonly colour: string
  readonly width: number
  /** Between 0 and 1. */
  readonly strength: number
  readonly values: ReadonlyArray<number | null>
  readonly dash?: ReadonlyArray<number>
}

export interface Plot {
  readonly title: string
  readonly xTitle: string
  readonly xs: ReadonlyArray<number>
  readonly lines: ReadonlyArray<Line>
  /** Indices of two lines between which the room is filled. */
  readonly band?: { readonly high: number; readonly low: number; readonly colour: string } | null
  readonly logX: boolean
  readonly logY: boolean
}

const faint = (colour: string, strength: number): string =>
  strength >= 1
    ? computed(colour)
    : computed(`color-mix(in srgb, ${colour} ${Math.round(100 * strength)}%, transparent)`)

export class Chart {
  readonly element = h("div", { class: "plot", role: "img" })
  readonly #said = h("p", { class: "said", "aria-hidden": "true" }, "\u00a0")
  #plot: UPlot | undefined
  #shape = ""
  #zoomed = false
  readonly #resize = new ResizeObserver(() => this.#fit())
  readonly onPick: ((line: number) => void) | undefined

  constructor(onPick?: (line: number) => void) {
    this.onPick = onPick
    this.#resize.observe(this.element)
  }

  #fit() {
    const width = this.element.clientWidth
    if (width > 0 && this.#plot !== undefined && this.#plot.width !== width) this.#plot.setSize({ width, height: tall })
  }

  draw({ title, xTitle, xs, lines, band = null, logX, logY }: Plot) {
    this.element.setAttribute("aria-label", title)
    const rows = lines.map(({ values }) => (logY ? values.map((v) => (v !== null && v > 0 ? v : null)) : values))
    const from = logX
      ? Math.max(
          0,
          xs.findIndex((x) => x > 0),
        )
      : 0
    const data = (from === 0
      ? [xs, ...rows]
      : [xs, ...rows].map((row) => row.slice(from))) as unknown as UPlot.AlignedData
    const shape = JSON.stringify([
      logX,
      logY,
      xTitle,
      band,
      computed("var(--ink)"),
      lines.map(({ label, colour, width, strength, dash }) => [label, colour, width, strength, dash]),
    ])
    if (this.#plot !== undefined && shape === this.#shape) {
      this.#plot.setData(data, !this.#zoomed)
      return
    }
    const before = this.#zoomed ? { min: this.#plot!.scales["x"]!.min!, max: this.#plot!.scales["x"]!.max! } : undefined
    this.#shape = shape
    this.#plot?.destroy()
    const quiet = computed("var(--quiet)")
    const font = "11px system-ui, sans-serif"
    const axis = {
      stroke: quiet,
      font,
      labelFont: font,
      grid: { stroke: computed("var(--rule)"), width: 1 },
      ticks: { show: false },
    }
    const format = (_: UPlot, ticks: Array<number>) => {
      const known = ticks.filter((tick) => tick !== null)
      const label = stepLabel(known)
      const isLog = known.length > 2 && Math.abs(known[1]! / known[0]! - known[2]! / known[1]!) < 1e-9 && known[0]! > 0
      return ticks.map((tick) =>
        tick === null ? "" : isLog ? metricValue(tick) : tick >= 10_000 ? `${tick / 1_000}k` : label(tick),
      )
    }
    this.#plot = new UPlot(
      {
        width: Math.max(200, this.element.clientWidth),
        height: tall,
        legend: { show: false },
        padding: [10, 14, 0, 0],
        scales: {
          x: { time: false, ...(logX ? { distr: 3 as const } : {}) },
          y: logY ? { distr: 3 } : {},
        },
        focus: { alpha: 0.25 },
        cursor: { focus: { prox: 24 }, points: { show: false }, drag: { x: true, y: false } },
        axes: [
          { ...axis, values: format, label: xTitle, labelSize: 18, size: 30, space: 60, grid: { show: false } },
          { ...axis, values: format, size: 56, space: 40 },
        ],
        bands: band === null ? [] : [{ series: [band.high + 1, band.low + 1], fill: faint(band.colour, 0.16) }],
        series: [
          {},
          ...lines.map(({ label, colour, width, strength, dash }) => ({
            label,
            stroke: faint(colour, strength),
            width,
            spanGaps: true,
            points: { show: false },
            ...(dash === undefined ? {} : { dash: [...dash] }),
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
        const near = this.#near()[0]
        if (near !== undefined && this.#plot!.select.width === 0) this.onPick?.(near.line)
      })
    }
    this.element.append(this.#said)
  }

  /** The lines at the pointer, the nearest first. */
  #near() {
    const u = this.#plot!
    const index = u.cursor.idx
    if (index === null || index === undefined) return []
    return u.series
      .flatMap((series, i) => {
        // A curve has no point at every place: the nearest of its own within a few pixels.
        for (let far = 0; i > 0 && far < 12; far++) {
          for (const at of [index - far, index + far]) {
            const value = u.data[i]![at]
            if (value === null || value === undefined) continue
            return [
              {
                line: i - 1,
                label: String(series.label),
                value,
                far: Math.hypot(u.valToPos(value, "y") - (u.cursor.top ?? 0), far),
              },
            ]
          }
        }
        return []
      })
      .toSorted((a, b) => a.far - b.far)
  }

  #say(u: UPlot) {
    const index = u.cursor.idx
    if (index === null || index === undefined || this.#plot === undefined)
      return void (this.#said.textContent = "\u00a0")
    this.#said.textContent = [
      metricValue(u.data[0][index]!),
      ...this.#near()
        .slice(0, 3)
        .map(({ label, value }) => `${label}: ${metricValue(value)}`),
    ].join(" · ")
  }
}
