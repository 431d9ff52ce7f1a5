// How much each parameter matters: found by a worker once its place is looked at, and again when many more trials have ended.
import type { Importance } from "@sweep/diagnosis/importance"
import { importanceBars } from "../../../src/draw/importance.ts"
import type { Head, TrialRow } from "../LiveData.ts"
import { drawn, fill, h, once } from "../dom.ts"
import { w } from "../words/words.ts"

/** So many results more than at the last time, as a share of them. */
const growth = 1.15

export class ImportanceView {
  readonly element = h("div", { class: "drawing" })
  #worker: Worker | undefined
  #found: Importance | undefined
  #asked = 0
  #isVisible = false
  #isBusy = false
  #seen: { head: Head; rows: ReadonlyArray<TrialRow> } | undefined
  readonly redraw = once(() => this.#draw())

  constructor() {
    new IntersectionObserver(
      ([entry]) => {
        this.#isVisible = entry?.isIntersecting === true
        this.#ask()
      },
      { rootMargin: "300px" },
    ).observe(this.element)
    new ResizeObserver(this.redraw).observe(this.element)
  }

  update(head: Head, rows: ReadonlyArray<TrialRow>) {
    this.#seen = { head, rows }
    this.#ask()
    this.redraw()
  }

  end() {
    this.#worker?.terminate()
  }

  #ask() {
    if (this.#seen === undefined || !this.#isVisible || this.#isBusy) return
    const { head, rows } = this.#seen
    const judged = rows.filter(({ objective }) => objective !== null)
    if (judged.length < this.#asked * growth || judged.length === 0) return
    this.#asked = judged.length
    this.#isBusy = true
    this.#worker ??= new Worker("/importance.js")
    this.#worker.onmessage = ({ data }: MessageEvent<Importance>) => {
      this.#isBusy = false
      this.#found = data
      this.#draw()
      this.#ask()
    }
    this.#worker.postMessage({ spec: { space: head.space, metric: head.metric }, trials: judged })
  }

  #draw() {
    const found = this.#found
    if (found === undefined) return fill(this.element, h("p", { class: "quiet" }, w("importanceWait")))
    if (found._tag === "TooFewTrials") return fill(this.element, h("p", { class: "quiet" }, w("importanceFew")))
    const width = Math.min(620, Math.max(280, this.element.clientWidth))
    fill(this.element, drawn(importanceBars(found.parameters, width)), h("p", { class: "note" }, w("importanceHow")))
  }
}
