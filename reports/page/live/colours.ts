// By what trials are coloured: their verdict, their state or a parameter. Owns the colours, as CSS writes them, and as a
// canvas needs them.
import type { TrialRow } from "./LiveData.ts"

const verdictColours: ReadonlySet<string> = new Set([
  "healthy",
  "overfitting",
  "underfitting",
  "diverged",
  "plateaued",
  "inconclusive",
])
const stateColours: Readonly<Record<string, string>> = {
  completed: "--healthy",
  running: "--plateaued",
  assigned: "--plateaued",
  stopped: "--underfitting",
  failed: "--overfitting",
  infeasible: "--overfitting",
}
const choices = ["--healthy", "--overfitting", "--plateaued", "--diverged", "--underfitting", "--quiet"]

export type Colouring = (row: TrialRow | undefined) => string

export const colouringOf = (by: string, rows: Iterable<TrialRow>): Colouring => {
  if (by === "state") return (row) => `var(${stateColours[row?.state ?? ""] ?? "--inconclusive"})`
  if (by === "verdict") {
    return (row) =>
      row?.verdict != null && verdictColours.has(row.verdict)
        ? `var(--${row.verdict})`
        : row?.state === "running"
          ? "var(--accent)"
          : "var(--inconclusive)"
  }
  const values = Array.from(rows, ({ parameters }) => parameters[by])
  const numbers = values.filter((value) => typeof value === "number")
  if (numbers.length > 0 && new Set(numbers).size > choices.length) {
    const log = Math.min(...numbers) > 0 && Math.max(...numbers) / Math.min(...numbers) > 50
    const to = log ? Math.log : (value: number) => value
    const [low, high] = [to(Math.min(...numbers)), to(Math.max(...numbers))]
    return (row) => {
      const value = row?.parameters[by]
      if (typeof value !== "number") return "var(--inconclusive)"
      return `color-mix(in oklab, var(--overfitting) ${Math.round((100 * (to(value) - low)) / (high - low || 1))}%, var(--healthy))`
    }
  }
  const distinct = Array.from(new Set(values.map(String))).toSorted((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1))
  return (row) => `var(${choices[distinct.indexOf(String(row?.parameters[by])) % choices.length] ?? "--inconclusive"})`
}

let probe: HTMLElement | undefined
const known = new Map<string, string>()
let theme = ""

/** A colour of the style sheet as a canvas takes it. */
export const computed = (css: string): string => {
  const now = getComputedStyle(document.documentElement).getPropertyValue("--paper")
  if (now !== theme) known.clear()
  theme = now
  let colour = known.get(css)
  if (colour === undefined) {
    probe ??= document.body.appendChild(document.createElement("i"))
    probe.hidden = true
    probe.style.color = css
    colour = getComputedStyle(probe).color
    known.set(css, colour)
  }
  return colour
}
