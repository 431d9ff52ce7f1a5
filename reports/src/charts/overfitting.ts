// The train and the eval loss of one trial, with the step since which it overfits. Every flagged trial uses this one
// specification with its own data.
import type { TopLevelSpec } from "vega-lite"
import { evalLoss, trainLoss } from "@sweep/domain/Curve"
import type { Standing } from "../Standings.ts"
import { type Chart, config, type Row } from "./Chart.ts"
import { frameOf } from "./frame.ts"
import { thin } from "./thin.ts"

const mostPoints = 120

const x = {
  field: "step",
  type: "quantitative",
  title: "optimiser steps",
  scale: { nice: false, zero: true },
  axis: { tickCount: 5, format: "~s" },
} as const
const y = {
  field: "value",
  type: "quantitative",
  title: null,
  scale: { domainMin: { expr: "low" }, domainMax: { expr: "high" }, nice: false, zero: false },
  axis: { tickCount: 5 },
} as const

const spec: TopLevelSpec = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  width: 440,
  height: 200,
  autosize: { type: "fit", contains: "padding" },
  config,
  datasets: { curves: [], since: [], ends: [] },
  params: [
    { name: "low", value: 0 },
    { name: "high", value: 1 },
  ],
  layer: [
    {
      name: "after",
      data: { name: "since" },
      mark: { type: "rect", color: "var(--overfitting)", opacity: 0.09 },
      encoding: { x, x2: { field: "end" } },
    },
    {
      name: "since",
      data: { name: "since" },
      mark: { type: "rule", color: "var(--overfitting)", strokeWidth: 1.5, strokeDash: [4, 3] },
      encoding: { x },
    },
    {
      name: "losses",
      data: { name: "curves" },
      mark: { type: "line", strokeJoin: "round", clip: true },
      encoding: {
        x,
        y,
        color: {
          field: "series",
          type: "nominal",
          scale: { domain: ["train", "eval"], range: ["var(--quiet)", "var(--overfitting)"] },
          legend: null,
        },
        strokeWidth: { condition: { test: "datum.series === 'eval'", value: 2.4 }, value: 1.3 },
      },
    },
    {
      name: "evals",
      data: { name: "curves" },
      transform: [{ filter: "datum.series === 'eval'" }],
      mark: { type: "point", filled: true, size: 26, color: "var(--overfitting)", opacity: 1, clip: true },
      encoding: { x, y },
    },
    {
      name: "ends",
      data: { name: "ends" },
      mark: { type: "text", align: "right", dy: -9, fontWeight: 600, color: { expr: "datum.colour" } },
      encoding: { x, y, text: { field: "label", type: "nominal" } },
    },
  ],
}

/** `null` for a trial without an eval curve. */
export const overfittingChart = (standing: Standing, id: string): Chart | null => {
  const series = [
    { name: "eval", points: standing.curves.get(evalLoss) ?? [], colour: "var(--overfitting)" },
    { name: "train", points: standing.curves.get(trainLoss) ?? [], colour: "var(--quiet)" },
  ]
  if (series[0]!.points.length === 0) return null
  const { number, verdict } = standing.trial
  const rows = series.flatMap(({ name, points }): ReadonlyArray<Row> =>
    thin(points, mostPoints).map(({ step, value }) => ({ series: name, trial: number, step, value })),
  )
  const ends = series.flatMap(({ name, points, colour }): ReadonlyArray<Row> => {
    const last = points.at(-1)
    return last === undefined ? [] : [{ ...last, label: name, colour }]
  })
  const end = rows.reduce((most, row) => Math.max(most, row["step"] as number), 0)
  const since = verdict?.sinceStep ?? null
  const frame = frameOf(rows.map((row) => row["value"] as number))
  return {
    id,
    spec,
    data: { curves: rows, since: since === null ? [] : [{ step: since, end }], ends },
    signals: { low: frame.low, high: frame.high },
    lines: "series",
    measure: evalLoss,
    description:
      `Train and eval loss of trial ${number}` + (since === null ? "." : `; it overfits since step ${since}.`),
  }
}
