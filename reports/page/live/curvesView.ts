// Curves of one sweep or trial: asked of the coordinator as the screen can show them, and grown by every point meanwhile.
import type { Curve, Progress, TrialRow } from "./LiveData.ts"
import { aligned, Chart } from "./chart.ts"
import { get } from "./connect.ts"
import { fill, h } from "./dom.ts"
import { w } from "./words.ts"

/** Milliseconds between two readings of whole curves while points arrive. */
const readEvery = 4_000

export class CurvesView {
  readonly #chart = new Chart()
  readonly #metric = h("select", { onchange: () => void this.#read() })
  readonly #smooth = h("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: 0, oninput: () => this.#draw() })
  readonly #log = h("input", { type: "checkbox", onchange: () => this.#draw() })
  readonly #newest = h("span", { class: "quiet" })
  readonly #tools = h("div", { class: "tools" })
  readonly element = h("div", {}, this.#tools, this.#chart.element)
  #curves: Array<Curve> = []
  #rows: ReadonlyMap<number, TrialRow> = new Map()
  #best: number | null = null
  #readAt = 0
  #reading = false
  #drawing = false

  readonly path: string
  readonly preferred: string

  constructor(path: string, preferred: string) {
    this.path = path
    this.preferred = preferred
    this.words()
    void this.#read()
  }

  words() {
    this.#metric.setAttribute("aria-label", w("metric"))
    fill(
      this.#tools,
      this.#metric,
      h("label", {}, w("smoothing"), " ", this.#smooth),
      h("label", {}, this.#log, " ", w("log")),
      this.#newest,
    )
  }

  context(rows: ReadonlyMap<number, TrialRow>, best: number | null) {
    this.#rows = rows
    this.#best = best
    this.#soon()
  }

  /** What changed may have changed the curves, too: a restart, an end. */
  refresh() {
    if (Date.now() - this.#readAt > 1_000) void this.#read()
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
      this.#newest.textContent = `${w("lastly")}: #${trial}, ${w("step")} ${step}`
    }
    if (Date.now() - this.#readAt > readEvery || metric === "") void this.#read()
    this.#soon()
  }

  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    this.#readAt = Date.now()
    try {
      const asked = this.#metric.value === "" ? this.preferred : this.#metric.value
      const points = Math.max(100, Math.min(1_000, 2 * window.innerWidth))
      const read = await get<{ metrics: ReadonlyArray<string>; curves: Array<Curve> }>(
        `${this.path}/curves?points=${points}&metric=${encodeURIComponent(asked)}`,
      )
      const known = Array.from(this.#metric.options, ({ value }) => value)
      if (read.metrics.some((name) => !known.includes(name))) {
        fill(this.#metric, ...read.metrics.map((name) => h("option", { value: name, selected: name === asked }, name)))
      }
      this.#curves = read.curves
      if (read.curves.length === 0 && read.metrics.length > 0 && !read.metrics.includes(asked)) {
        this.#reading = false
        return await this.#read()
      }
      this.#soon()
    } catch {
      // Away: the stream says so, and asks again when it is back.
    } finally {
      this.#reading = false
    }
  }

  #soon() {
    if (this.#drawing) return
    this.#drawing = true
    requestAnimationFrame(() => {
      this.#drawing = false
      this.#draw()
    })
  }

  #draw() {
    const { xs, lines } = aligned(this.#curves, Number(this.#smooth.value))
    this.#chart.element.dataset["points"] = String(this.#curves.reduce((sum, { steps }) => sum + steps.length, 0))
    this.#chart.draw({
      title: `${w("curves")}: ${this.#metric.value}`,
      xs,
      log: this.#log.checked,
      lines: lines.map((values, i) => {
        const { trial } = this.#curves[i]!
        const verdict = this.#rows.get(trial)?.verdict
        const isBest = trial === this.#best
        const faint = !isBest && this.#curves.length > 12
        return {
          label: `#${trial}`,
          tone: verdict == null ? "--accent" : `--${verdict}`,
          width: isBest ? 3 : 1.5,
          faint,
          values,
        }
      }),
    })
  }
}
