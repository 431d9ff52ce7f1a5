// One parameter against the objective: a point per trial in the colour of its verdict, the median of each value where
// there are few values, and a ring around the best trial.
import type { TopLevelSpec } from "vega-lite"
import type { PositionDef } from "vega-lite/types_unstable/channeldef.js"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import { metricValue } from "../Format.ts"
import type { Standings } from "../Standings.ts"
import { axisOf, nameOf, type ParameterAxis } from "./axisOf.ts"
import { type Chart, config, noTrial, type Row, toneScale } from "./Chart.ts"
import { toneOf } from "./curves.ts"
import { frameOf } from "./frame.ts"

const small =
  "abs(datum.value) < 0.01 || abs(datum.value) >= 1e5 ? format(datum.value, '~e') : format(datum.value, '~r')"

const position = (axis: ParameterAxis): PositionDef<string> =>
  axis.kind === "named"
    ? {
        field: "x",
        type: "nominal",
        title: null,
        // By a field: a list of names would become part of an expression.
        sort: { field: "order", op: "min", order: "ascending" },
        axis: { labelAngle: 0, labelLimit: 90, grid: false },
      }
    : {
        field: "x",
        type: "quantitative",
        title: null,
        scale: { ...(axis.log ? { type: "log" } : { zero: false }), nice: false, padding: 18 },
        axis: {
          grid: false,
          labelExpr: small,
          ...(axis.ticks === null ? { tickCount: 4 } : { values: [...axis.ticks] }),
        },
      }

const spec = (axis: ParameterAxis): TopLevelSpec => {
  const x = position(axis)
  const y = {
    field: "y",
    type: "quantitative",
    title: null,
    scale: { domainMin: { expr: "low" }, domainMax: { expr: "high" }, zero: false, nice: false, padding: 6 },
    axis: { tickCount: 5 },
  } as const
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: 340,
    height: 210,
    autosize: { type: "fit", contains: "padding" },
    config,
    datasets: { trials: [], medians: [] },
    params: [
      { name: "focus", value: noTrial },
      { name: "best", value: noTrial },
      { name: "hidden", value: [] },
      { name: "low", value: 0 },
      { name: "high", value: 1 },
    ],
    layer: [
      {
        data: { name: "medians" },
        mark: { type: "tick", orient: "horizontal", size: 26, thickness: 2, color: "var(--quiet)", opacity: 0.55 },
        encoding: { x, y },
      },
      {
        name: "trials",
        data: { name: "trials" },
        transform: [{ filter: "indexof(hidden, datum.tone) < 0" }],
        mark: { type: "point", filled: true, strokeWidth: 1, stroke: "var(--paper)" },
        encoding: {
          x,
          y,
          color: { field: "tone", type: "nominal", scale: toneScale, legend: null },
          // A triangle at the edge stands for a value beyond it.
          shape: { field: "mark", type: "nominal", scale: null, legend: null },
          size: { condition: { test: "datum.trial === focus", value: 190 }, value: 62 },
          opacity: { condition: { test: "focus > 0 && datum.trial !== focus", value: 0.22 }, value: 0.85 },
          tooltip: [
            { field: "trial", type: "nominal" },
            { field: "value", type: "quantitative" },
          ],
        },
      },
      {
        name: "best",
        data: { name: "trials" },
        transform: [{ filter: "datum.trial === best" }],
        mark: { type: "point", filled: false, size: 210, strokeWidth: 1.6, color: "var(--ink)", opacity: 1 },
        encoding: { x, y },
      },
    ],
  }
}

/** `null` when fewer than two values of the parameter have a result. */
export const parameterChart = (standings: Standings, space: SearchSpace, name: string, id: string): Chart | null => {
  const ranked = standings.ranked.filter((standing) => standing.trial.parameters[name] !== undefined)
  const axis = axisOf(
    name,
    ranked.map((standing) => standing.trial.parameters[name]),
    space,
  )
  if (axis.values.length < 2) return null
  const frame = frameOf(ranked.map((standing) => standing.objective!))
  const rows = ranked.map((standing): Row => {
    const value = standing.objective!
    const x = standing.trial.parameters[name]!
    return {
      trial: standing.trial.number,
      tone: toneOf(standing),
      x: axis.kind === "named" ? nameOf(x) : x,
      order: axis.kind === "named" ? axis.values.indexOf(nameOf(x)) : 0,
      y: Math.min(frame.high, Math.max(frame.low, value)),
      mark: value > frame.high ? "triangle-up" : value < frame.low ? "triangle-down" : "circle",
      value,
    }
  })
  const discrete = axis.kind === "named" || axis.discrete
  const medians = discrete
    ? [...Map.groupBy(rows, (row) => row["x"]!)].flatMap(([x, group]): ReadonlyArray<Row> => {
        const sorted = group.map((row) => row["y"] as number).toSorted((a, b) => a - b)
        const middle = (sorted.length - 1) / 2
        return group.length < 2
          ? []
          : [{ x, order: group[0]!["order"]!, y: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2 }]
      })
    : []
  const best = standings.best
  return {
    id,
    spec: spec(axis),
    data: { trials: rows, medians },
    signals: { best: best?.trial.number ?? noTrial, low: frame.low, high: frame.high },
    lines: null,
    measure: standings.metric,
    description:
      `${standings.metric} of ${rows.length} trials against ${name}` +
      (best === null
        ? "."
        : `; the best, ${metricValue(best.objective!)}, is at ${String(best.trial.parameters[name])}.`),
  }
}
