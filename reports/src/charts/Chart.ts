// What a chart is before anything is drawn: a Vega-Lite specification without data, the rows it is drawn from, and a
// sentence for those who cannot see it. Owns the look all charts share. Colours are the page's CSS variables, so that a
// chart follows the light, the dark and the printed page without being drawn again.
import type { VerdictKind } from "@sweep/domain/Verdict"
import type { Config, TopLevelSpec } from "vega-lite"

export interface Row {
  readonly [field: string]: string | number | boolean | null
}

export interface Chart {
  /** Of the element in the page; letters, digits and `-`. */
  readonly id: string
  readonly spec: TopLevelSpec
  /** Rows by the name of the data set in the specification. */
  readonly data: Readonly<Record<string, ReadonlyArray<Row>>>
  /** Values of the specification's parameters that differ from chart to chart. */
  readonly signals: Readonly<Record<string, number | string | boolean>>
  /** The field whose values each have a line of `curves`, for a pointer to find; `null`: no lines. */
  readonly lines: "trial" | "series" | null
  /** What `value` in a row is, for who points at it: a metric's name. */
  readonly measure: string
  readonly description: string
  readonly chinese: string
}

/** Trials without a verdict are drawn like inconclusive ones. */
export type Tone = VerdictKind

export const tones: ReadonlyArray<Tone> = [
  "healthy",
  "overfitting",
  "underfitting",
  "diverged",
  "plateaued",
  "inconclusive",
]

export const toneColour = (tone: Tone): string => `var(--${tone})`

/** Colour and dash, so that the kinds can be told apart without colour. */
export const toneScale = { domain: [...tones], range: tones.map(toneColour) }
export const dashScale = {
  domain: [...tones],
  range: [
    [1, 0],
    [6, 3],
    [2, 3],
    [1, 3],
    [8, 2, 2, 2],
    [1, 0],
  ],
}

export const noTrial = 0

export const config: Config = {
  // The box around a chart says what it shows; a label on each of thousands of points helps nobody.
  aria: false,
  // Rows are finite when they get here; checking each again costs as much as drawing it.
  mark: { invalid: null },
  background: "transparent",
  // Short, because a picture repeats it at every text; measured and shown in the same one.
  font: "system-ui, sans-serif",
  padding: 2,
  view: { stroke: null },
  axis: {
    labelColor: "var(--quiet)",
    labelFontSize: 11,
    labelPadding: 5,
    titleColor: "var(--quiet)",
    titleFontSize: 11,
    titleFontWeight: "normal",
    titlePadding: 8,
    gridColor: "var(--rule)",
    domainColor: "var(--rule-strong)",
    tickColor: "var(--rule-strong)",
    tickSize: 4,
    labelOverlap: "greedy",
  },
  axisY: { domain: false, ticks: false },
  axisX: { grid: false },
  text: { color: "var(--ink)", fontSize: 11 },
  rule: { color: "var(--rule-strong)" },
}
