// Curves of one sweep or of some trials: asked of the coordinator as the screen can show them, grown by every point meanwhile.
// Many are readable: the best bold, the median and the middle half of all, the rest faint.
import { count } from "../../../src/Format.ts"
import { colouringOf } from "../colours.ts"
import type { Curve, Progress, Timing, TrialRow } from "../LiveData.ts"
import { get } from "../connect.ts"
import { fill, h, once } from "../dom.ts"
import { remember, remembered, w } from "../words/words.ts"
import { aligned, bandOf, timeAt, type XAxis } from "./align.ts"
import { Chart, type Line } from "./chart.ts"

/** Milliseconds between two readings of whole curves while points arrive. */
const readEvery = 4_000
const mostCurves = 120
/** From so many on, curves are drawn as a band. */
const many = 16

export interface Context {
  readonly rows: ReadonlyMap<number, TrialRow>
  readonly best: number | null
  readonly goal: "minimize" | "maximize"
  /** By which trials are coloured, and what else there is. */
  readonly colours: ReadonlyArray<string>
  readonly keeps: (row: TrialRow) => boolean
  /** Only these. */
  readonly trials: ReadonlyArray<number> | null
}

export class CurvesView {
  #trials: ReadonlyArray<number> = []
  readonly #chart = new Chart((line) => {
    const trial = this.#lines[line]
    if (trial !== undefined && this.onPick !== undefined) this.onPick(trial)
  })
  readonly #metric = h("select", { onchange: () => void this.#read() })
  readonly #x = h("select", { onchange: () => this.#chooseX() })
  readonly #colour = h("select", { onchange: () => this.#draw() })
  readonly #smooth = h("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: 0, oninput: () => this.#draw() })
  readonly #logX = h("input", { type: "checkbox", onchange: () => this.#draw() })
  readonly #logY = h("input", { type: "checkbox", onchange: () => this.#draw() })
  readonly #band = h("input", { type: "checkbox", checked: true, onchange: () => this.#draw() })
  readonly #newest = h("span", { class: "quiet" })
  readonly #said = h("span", { class: "quiet" })
  readonly #key = h("span", { class: "bar tight key" })
  readonly #tools = h("div", { class: "bar tight" })
  readonly element = h("div", {}, this.#tools, this.#chart.element)
  #curves: Array<Curve> = []
  #times: ReadonlyMap<number, Timing> = new Map()
  #lines: ReadonlyArray<number | undefined> = []
  #context: Context | undefined
  #hovered: number | null = null
  #readAt = 0
  #reading = false
  #again = false
  readonly #soon = once(() => this.#draw())

  readonly path: string
  readonly preferred: string
  readonly onPick: ((trial: number) => void) | undefined

  constructor(path: string, preferred: string, onPick?: (trial: number) => void) {
    this.path = path
    this.preferred = preferred
    this.onPick = onPick
    this.words()
  }

  words() {
    for (const [element, word] of [
      [this.#metric, "metric"],
      [this.#x, "xAxis"],
      [this.#colour, "colour"],
    ] as const) {
      element.setAttribute("aria-label", w(word))
    }
    const chosen = (this.#x.value || remembered("x")) ?? "steps"
    fill(
      this.#x,
      ...(["steps", "epochs", "time"] as const)
        .filter((axis) => axis !== "epochs" || this.#hasEpochs())
        .map((axis) => h("option", { value: axis, selected: axis === chosen }, w(axis))),
    )
    const colour = this.#colour.value || "verdict"
    fill(
      this.#colour,
      ...["verdict", "state", ...(this.#context?.colours ?? [])].map((by) =>
        h(
          "option",
          { value: by, selected: by === colour },
          by === "verdict" ? w("byVerdict") : by === "state" ? w("byState") : by,
        ),
      ),
    )
    fill(
      this.#tools,
      this.#metric,
      this.#x,
      this.#context?.trials === null && this.#colour,
      h("label", {}, w("smoothing"), " ", this.#smooth),
      h("label", {}, this.#logX, " ", w("logX")),
      h("label", {}, this.#logY, " ", w("logY")),
      this.#context?.trials === null && h("label", {}, this.#band, " ", w("band")),
      this.#key,
      this.#said,
      this.#newest,
    )
    this.#soon()
  }

  #hasEpochs(): boolean {
    return Array.from(this.#context?.rows.values() ?? []).some(
      ({ parameters }) => typeof parameters["epochs"] === "number",
    )
  }

  /** What is known of the trials. Where other ones are to be drawn, their curves are asked for. */
  context(next: Context) {
    const first = this.#context === undefined
    this.#context = next
    const rank = (value: number | null) => (value === null ? Infinity : next.goal === "minimize" ? value : -value)
    const wanted =
      next.trials ??
      Array.from(next.rows.values())
        .filter(({ state }) => state !== "pending")
        .filter(next.keeps)
        .toSorted(
          (a, b) =>
            Number(b.state === "running") - Number(a.state === "running") || rank(a.objective) - rank(b.objective),
        )
        .slice(0, mostCurves)
        .map(({ number }) => number)
        .toSorted((a, b) => a - b)
    const isOther = wanted.length !== this.#trials.length || wanted.some((trial, i) => trial !== this.#trials[i])
    this.#trials = wanted
    if (first) this.words()
    if (isOther || first) void this.#read()
    else this.#soon()
  }

  hover(trial: number | null) {
    this.#hovered = trial
    this.#soon()
  }

  /** What changed may have changed the curves, too: a restart, an end. */
  refresh() {
    if (Date.now() - this.#readAt > 1_000) void this.#read()
  }

  #chooseX() {
    remember("x", this.#x.value)
    if (this.#x.value === "time") void this.#read()
    else this.#draw()
  }

  take(progress: ReadonlyArray<Progress>) {
    const metric = this.#metric.value
    for (const { trial, step, values } of progress) {
      const value = values[metric]
      if (value === undefined) continue
      let curve = this.#curves.find((one) => one.trial === trial)
      if (curve === undefined) this.#curves.push((curve = { trial, metric, steps: [], values: [] }))
      if ((curve.steps.at(-1) ?? Number.NEGATIVE_INFINITY) >= step) continue
      curve.steps.push(step)
      curve.values.push(value)
      this.#newest.textContent = `${w("newest")}: #${trial}, ${w("step")} ${count(step)}`
    }
    if (Date.now() - this.#readAt > readEvery || metric === "") void this.#read()
    this.#soon()
  }

  async #read(): Promise<void> {
    if (this.#context === undefined) return
    if (this.#reading) return void (this.#again = true)
    this.#reading = true
    this.#readAt = Date.now()
    try {
      const asked = this.#metric.value === "" ? this.preferred : this.#metric.value
      const points = Math.max(
        100,
        Math.min(1_000, Math.round(window.innerWidth * (this.#trials.length > 40 ? 0.4 : 1))),
      )
      const timed = this.#x.value === "time" ? "&x=time" : ""
      const read = await get<{ metrics: ReadonlyArray<string>; curves: Array<Curve>; times: ReadonlyArray<Timing> }>(
        `${this.path}/curves?points=${points}&metric=${encodeURIComponent(asked)}${timed}&trials=${this.#trials.join(",")}`,
      )
      const known = Array.from(this.#metric.options, ({ value }) => value)
      if (read.metrics.some((name) => !known.includes(name))) {
        fill(this.#metric, ...read.metrics.map((name) => h("option", { value: name, selected: name === asked }, name)))
      }
      this.#curves = read.curves
      if (timed !== "") this.#times = new Map(read.times.map((one) => [one.trial, one]))
      if (read.metrics.length > 0 && !read.metrics.includes(asked)) this.#again = true
      this.#soon()
    } catch {
      // Away: the stream says so, and asks again when it is back.
    } finally {
      this.#reading = false
    }
    if (!this.#again) return
    this.#again = false
    return this.#read()
  }

  #xOf(): { readonly axis: XAxis; readonly title: string; readonly of: (curve: Curve, step: number) => number } {
    const axis = (this.#x.value || "steps") as XAxis
    if (axis === "time") {
      const of = (curve: Curve, step: number) => {
        const times = this.#times.get(curve.trial)
        return times === undefined ? 0 : Math.round(10 * timeAt(times, step)) / 10
      }
      return { axis, title: w("timeAxis"), of }
    }
    if (axis === "epochs") {
      const of = (curve: Curve, step: number) => {
        const row = this.#context?.rows.get(curve.trial)
        const epochs = row?.parameters["epochs"]
        const last = row?.step ?? curve.steps.at(-1) ?? 1
        return typeof epochs === "number" ? Math.round((1_000 * epochs * step) / last) / 1_000 : 0
      }
      return { axis, title: w("epochs"), of }
    }
    return { axis, title: w("steps"), of: (_, step) => step }
  }

  #draw() {
    const context = this.#context
    if (context === undefined) return
    const began = performance.now()
    const wanted = new Set(this.#trials)
    const curves = this.#curves.filter(
      ({ trial, steps }) => steps.length > 0 && (context.trials === null || wanted.has(trial)),
    )
    const { of, title } = this.#xOf()
    const { xs, lines } = aligned(curves, Number(this.#smooth.value), of)
    const colour = colouringOf(this.#colour.value || "verdict", context.rows.values())
    const isMany = curves.length >= many && context.trials === null
    const showsBand = isMany && this.#band.checked
    this.#chart.element.dataset["points"] = String(this.#curves.reduce((sum, { steps }) => sum + steps.length, 0))
    const palette = ["--healthy", "--overfitting", "--plateaued", "--diverged", "--underfitting", "--ink"]
    const drawnLines = curves
      .map(({ trial }, i): Line & { trial: number; order: number } => {
        const isBest = trial === context.best
        const isHovered = trial === this.#hovered
        const row = context.rows.get(trial)
        const tone = context.trials === null ? colour(row) : `var(${palette[i % palette.length]})`
        return {
          trial,
          label: `#${trial}`,
          colour: isHovered ? "var(--ink)" : tone,
          width: isHovered ? 3 : isBest && context.trials === null ? 2.6 : isMany ? 1.1 : 1.8,
          strength: isHovered || isBest || !isMany ? 1 : row?.state === "running" ? 0.8 : showsBand ? 0.26 : 0.5,
          values: lines[i]!,
          order: isHovered ? 2 : isBest ? 1 : 0,
        }
      })
      .toSorted((a, b) => a.order - b.order)
    const all = context.rows.size
    fill(
      this.#key,
      ...(context.trials === null
        ? []
        : curves.map(({ trial }, i) =>
            h("span", { class: "key" }, h("i", { class: `swatch t${i % palette.length}` }), `#${trial}`),
          )),
    )
    this.#said.textContent =
      isMany && curves.length < all ? `${curves.length} ${w("drawn")} (${w("bestOf")} ${count(all)})` : ""
    const band = showsBand ? bandOf(xs, lines) : null
    const edge = (values: ReadonlyArray<number | null>, label: string, isMiddle: boolean): Line => ({
      label,
      colour: "var(--ink)",
      width: isMiddle ? 2 : 0,
      strength: isMiddle ? 0.8 : 0.01,
      values,
      dash: isMiddle ? [6, 4] : [],
    })
    this.#lines = [...drawnLines.map(({ trial }) => trial), undefined, undefined, undefined]
    this.#chart.draw({
      title: `${w("curves")}: ${this.#metric.value} (${curves.length})`,
      xTitle: title,
      xs,
      logX: this.#logX.checked,
      logY: this.#logY.checked,
      lines: [
        ...drawnLines,
        ...(band === null
          ? []
          : [edge(band.low, "25 %", false), edge(band.middle, "50 %", true), edge(band.high, "75 %", false)]),
      ],
      band: band === null ? null : { low: drawnLines.length, high: drawnLines.length + 2, colour: "var(--ink)" },
    })
    // For whoever looks at how long the browser takes, the benchmark among them.
    performance.clearMeasures("curves")
    performance.measure("curves", { start: began })
  }
}
