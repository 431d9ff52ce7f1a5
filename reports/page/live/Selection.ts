// Which trials of a sweep the reader looks at: what the words of the filter and the brushes leave, the one under the pointer,
// and those ticked to be compared. Everything on the page of a sweep follows it.
import { parameterValue } from "../../src/Format.ts"
import type { TrialRow } from "./LiveData.ts"
import { named } from "./words/words.ts"

/** Between the two, both included. Of a parameter that is no number: which of its values are kept. */
export type Brush = { readonly low: number; readonly high: number } | { readonly values: ReadonlySet<string> }

const compared = /^([\w./-]+)(<=|>=|<|>|=)(.+)$/

const valueOf = (row: TrialRow, name: string): unknown =>
  row.parameters[name] ?? row.values[name] ?? (name === "objective" ? row.objective : undefined)

const holds = (row: TrialRow, word: string): boolean => {
  const found = compared.exec(word)
  if (found !== null) {
    const [, name, operator, text] = found as unknown as [string, string, string, string]
    const value = valueOf(row, name)
    const [left, right] = [Number(value), Number(text)]
    switch (operator) {
      case "<":
        return left < right
      case ">":
        return left > right
      case "<=":
        return left <= right
      case ">=":
        return left >= right
      default:
        return (
          String(value).toLowerCase() === text ||
          left === right ||
          (typeof value === "number" && parameterValue(value) === text)
        )
    }
  }
  const text = [
    `#${row.number}`,
    row.state,
    named(row.state),
    row.verdict ?? "",
    named(row.verdict ?? ""),
    row.agent ?? "",
    ...Object.values(row.parameters).map(String),
  ]
  return text.join(" ").toLowerCase().includes(word)
}

export class Selection {
  readonly brushes = new Map<string, Brush>()
  readonly chosen = new Set<number>()
  #words: ReadonlyArray<string> = []
  hovered: number | null = null
  readonly #listeners: Array<(what: "filter" | "chosen" | "hovered") => void> = []

  listen(listener: (what: "filter" | "chosen" | "hovered") => void): void {
    this.#listeners.push(listener)
  }
  #tell(what: "filter" | "chosen" | "hovered") {
    for (const listener of this.#listeners) listener(what)
  }

  get isFiltering(): boolean {
    return this.brushes.size > 0 || this.#words.length > 0
  }
  /** Words that all have to be in the row; `name=value` and `name<value` compare. */
  filter(text: string): void {
    this.#words = text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "")
    this.#tell("filter")
  }
  brush(name: string, brush: Brush | null): void {
    if (brush === null) this.brushes.delete(name)
    else this.brushes.set(name, brush)
    this.#tell("filter")
  }
  release(): void {
    this.brushes.clear()
    this.#tell("filter")
  }
  choose(trial: number, isChosen: boolean): void {
    if (isChosen) this.chosen.add(trial)
    else this.chosen.delete(trial)
    this.#tell("chosen")
  }
  hover(trial: number | null): void {
    if (trial === this.hovered) return
    this.hovered = trial
    this.#tell("hovered")
  }

  readonly keeps = (row: TrialRow): boolean => {
    for (const [name, brush] of this.brushes) {
      const value = name === "" ? row.objective : row.parameters[name]
      if (
        "values" in brush
          ? !brush.values.has(String(value))
          : typeof value !== "number" || value < brush.low || value > brush.high
      )
        return false
    }
    return this.#words.every((word) => holds(row, word))
  }
}
