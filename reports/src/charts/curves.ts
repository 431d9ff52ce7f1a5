// One metric of every trial over the optimiser steps: a line per trial in the colour of its verdict, the best trial on
// top, the one in focus above all. The page fills the data set `focused` with the curve the reader looks at, dims the
// others by a style, and sets `focus` (a trial's number, 0: none) and `hidden` (verdicts not shown): redrawing 100
// curves for each move of the pointer would take too long.
import type { TopLevelSpec } from "vega-lite"
import type { CurvePoint } from "@sweep/domain/Curve"
import { median } from "../quantile.ts"
import type { Standing } from "../Standings.ts"
import { bandOf } from "./band.ts"
import { type Chart, config, dashScale, noTrial, type Row, type Tone, toneScale } from "./Chart.ts"
import { frameOf } from "./frame.ts"
import { thin } from "./thin.ts"

/** More curves than this cannot be read, nor drawn fast. */
export const mostCurves = 100
const mostPoints = 300
/** From so many curves on, their median and middle half say more than each of them. */
export const many = 16
/** The picture for print and for pages without scripts is small on purpose. */
export const mostStaticPoints = 120

const axes = {
  x: {
    field: "step",
    type: "quantitative",
    title: null,
    // `end`, `low` and `high` are set with the data.
    scale: { nice: false, zero: false, domainMin: 0, domainMax: { expr: "end" } },
    axis: {
      tickCount: 8,
      labelExpr: "datum.value >= 1e4 ? format(datum.value / 1000, '~r') + 'k' : format(datum.value, '~r')",
    },
  },
  y: {
    field: "value",
    type: "quantitative",
    title: null,
    scale: { domainMin: { expr: "low" }, domainMax: { expr: "high" }, nice: false, zero: false },
    axis: { tickCount: 6 },
  },
  detail: { field: "trial", type: "nominal" },
  color: { field: "tone", type: "nominal", scale: toneScale, legend: null },
} as const

const shown = { filter: "indexof(hidden, datum.tone) < 0" } as const

const spec = (height: number): TopLevelSpec => ({
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  width: 860,
  height,
  autosize: { type: "fit", contains: "padding" },
  config,
  datasets: { curves: [], band: [], leader: [], focused: [], base: [], marks: [] },
  params: [
    { name: "focus", value: noTrial },
    { name: "best", value: noTrial },
    { name: "hidden", value: [] },
    { name: "end", value: 1 },
    // Many curves are drawn fainter, so that where they run together still shows.
    { name: "strength", value: 0.62 },
    { name: "low", value: 0 },
    { name: "high", value: 1 },
  ],
  layer: [
    {
      data: { name: "base" },
      mark: { type: "rule", strokeDash: [2, 4], color: "var(--quiet)", clip: true },
      encoding: { y: axes.y },
    },
    {
      name: "lines",
      data: { name: "curves" },
      transform: [shown],
      params: [
        {
          name: "frame",
          // A plain wheel and a finger continue scrolling the page.
          select: {
            type: "interval",
            translate: "[pointerdown[event.pointerType !== 'touch'], window:pointerup] > window:pointermove!",
            zoom: "wheel![event.ctrlKey || event.metaKey || event.shiftKey]",
            clear: "dblclick",
          },
          bind: "scales",
        },
      ],
      mark: { type: "line", strokeWidth: 1.4, clip: true, interpolate: "linear", strokeJoin: "round" },
      encoding: {
        ...axes,
        strokeDash: { field: "tone", type: "nominal", scale: dashScale, legend: null },
        opacity: { value: { expr: "strength" } },
      },
    },
    {
      name: "middle",
      data: { name: "band" },
      mark: { type: "area", color: "var(--ink)", opacity: 0.1, clip: true },
      encoding: { x: axes.x, y: { ...axes.y, field: "first" }, y2: { field: "third" } },
    },
    {
      name: "median",
      data: { name: "band" },
      mark: { type: "line", color: "var(--ink)", strokeWidth: 1.6, strokeDash: [6, 4], opacity: 0.75, clip: true },
      encoding: { x: axes.x, y: axes.y },
    },
    {
      name: "leader",
      data: { name: "leader" },
      transform: [shown],
      mark: { type: "line", strokeWidth: 3, clip: true, strokeCap: "round", strokeJoin: "round" },
      encoding: axes,
    },
    {
      name: "focused",
      data: { name: "focused" },
      mark: { type: "line", strokeWidth: 3, clip: true, strokeCap: "round", strokeJoin: "round" },
      encoding: axes,
    },
    {
      name: "mark",
      data: { name: "marks" },
      transform: [{ filter: "datum.trial === (focus || best)" }],
      mark: { type: "point", filled: true, size: 70, stroke: "var(--paper)", strokeWidth: 2, opacity: 1, clip: true },
      encoding: { x: axes.x, y: axes.y, color: axes.color },
    },
    {
      name: "label",
      data: { name: "marks" },
      transform: [{ filter: "datum.trial === (focus || best)" }],
      mark: { type: "text", dy: 15, fontWeight: 600, align: { expr: "datum.align" }, clip: true },
      encoding: { x: axes.x, y: axes.y, text: { field: "label", type: "nominal" } },
    },
  ],
})

const tall = spec(320)
const low = spec(230)

export const toneOf = (standing: Standing): Tone => standing.trial.verdict?.kind ?? "inconclusive"

export interface CurvesInput {
  readonly id: string
  readonly metric: string
  readonly standings: ReadonlyArray<Standing>
  readonly best: Standing | null
  /** A value to compare with, drawn as a dotted line. */
  readonly base: number | null
  readonly size: "tall" | "low"
  readonly label: (point: CurvePoint, standing: Standing) => string
  /** The point to mark, if any. */
  readonly mark: (standing: Standing, points: ReadonlyArray<CurvePoint>) => CurvePoint | null
}

/** `null` when no trial reported the metric beyond its first step. */
export const curvesChart = (input: CurvesInput, limit = mostPoints): (Chart & { readonly outside: number }) | null => {
  const drawn = input.standings.filter((standing) => (standing.curves.get(input.metric)?.length ?? 0) > 0)
  if (drawn.length === 0) return null
  const rows: Array<Row> = []
  const marks: Array<Row> = []
  for (const standing of drawn) {
    const points = standing.curves.get(input.metric)!
    const of = { trial: standing.trial.number, tone: toneOf(standing) }
    for (const { step, value } of thin(points, limit)) rows.push({ ...of, step, value })
    const marked = input.mark(standing, points)
    if (marked !== null) marks.push({ ...of, ...marked, label: input.label(marked, standing) })
  }
  const end = rows.reduce((most, row) => Math.max(most, row["step"] as number), 0)
  // A single point makes no curve.
  if (end === 0) return null
  const alignOf = (step: number) => (step < 0.08 * end ? "left" : step > 0.92 * end ? "right" : "center")
  const base = input.base === null ? [] : [input.base]
  // Where training starts and where the best trial goes is always in the frame.
  const start = median(drawn.map((standing) => standing.curves.get(input.metric)![0]!.value))
  const anchors = [
    ...base,
    ...(start === null ? [] : [start]),
    ...(input.best?.curves.get(input.metric) ?? []).map((point) => point.value),
  ]
  const {
    low: bottom,
    high: top,
    outside,
  } = frameOf(
    rows.map((row) => row["value"] as number),
    anchors,
  )
  const best = input.best?.trial.number ?? noTrial
  return {
    id: input.id,
    spec: input.size === "tall" ? tall : low,
    data: {
      curves: rows,
      band: drawn.length < many ? [] : bandOf(drawn.map((standing) => standing.curves.get(input.metric)!)),
      leader: rows.filter((row) => row["trial"] === best),
      base: base.map((value) => ({ value })),
      marks: marks.map((mark) => ({ ...mark, align: alignOf(mark["step"] as number) })),
    },
    signals: {
      best,
      low: bottom,
      high: top,
      end,
      strength: drawn.length > 40 ? 0.22 : drawn.length >= many ? 0.4 : 0.62,
    },
    lines: "trial",
    measure: input.metric,
    description:
      `${input.metric} of ${drawn.length} ${drawn.length === 1 ? "trial" : "trials"} over optimiser steps` +
      (best === noTrial ? "." : `; trial ${best} is the best.`),
    chinese: `${drawn.length} 次试验的 ${input.metric} 随优化步的变化${best === noTrial ? "。" : `；第 ${best} 号试验最佳。`}`,
    outside,
  }
}
