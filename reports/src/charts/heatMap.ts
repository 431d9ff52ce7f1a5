// Two parameters at once: the best objective reached in each cell of their grid. Owns which pairs are worth it and how a
// continuous parameter is cut into ranges.
import type { TopLevelSpec } from "vega-lite"
import type { ParameterValue } from "@sweep/domain/Parameter"
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import { metricValue, parameterValue } from "../Format.ts"
import { plain } from "../Html.ts"
import type { Standing, Standings } from "../Standings.ts"
import { axisOf, nameOf, type ParameterAxis } from "./axisOf.ts"
import { type Chart, config, noTrial, type Row } from "./Chart.ts"
import { frameOf } from "./frame.ts"

const ranges = 6
/** Beyond this a grid of names is no map any more. */
const mostNames = 12
/** What usually decides a fine-tuning run, first the most decisive. */
const usual = ["rank", "learning_rate", "alpha", "epochs", "variant"]

interface Bins {
  /** In growing order. */
  readonly labels: ReadonlyArray<string>
  readonly indexOf: (value: ParameterValue) => number
}

const bins = (axis: ParameterAxis): Bins => {
  if (axis.kind === "named") return { labels: axis.values, indexOf: (value) => axis.values.indexOf(nameOf(value)) }
  if (axis.discrete) {
    return { labels: axis.values.map(parameterValue), indexOf: (value) => axis.values.indexOf(value as number) }
  }
  const scale = axis.log ? Math.log : (x: number) => x
  const back = axis.log ? Math.exp : (x: number) => x
  const low = scale(axis.values[0]!)
  const width = (scale(axis.values.at(-1)!) - low) / ranges
  const edge = (index: number) => parameterValue(Number(back(low + index * width).toPrecision(2)))
  return {
    labels: Array.from({ length: ranges }, (_, index) => `${edge(index)} – ${edge(index + 1)}`),
    indexOf: (value) => Math.min(ranges - 1, Math.max(0, Math.floor((scale(value as number) - low) / width))),
  }
}

const axes = {
  x: {
    field: "x",
    type: "ordinal",
    sort: { field: "column", op: "min", order: "ascending" },
    axis: { labelAngle: 0, domain: false, ticks: false, grid: false },
  },
  y: {
    field: "y",
    type: "ordinal",
    sort: { field: "line", op: "min", order: "descending" },
    axis: {
      domain: false,
      ticks: false,
      grid: false,
      // Above the labels, where it can be read without turning the head.
      titleAngle: 0,
      titleAlign: "left",
      titleAnchor: "end",
      titleBaseline: "bottom",
      titleX: 0,
      titleY: -6,
    },
  },
} as const

const spec = (x: string, y: string, lines: number): TopLevelSpec => {
  const position = { x: { ...axes.x, title: plain(x) }, y: { ...axes.y, title: plain(y) } }
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: 620,
    height: 64 + 40 * lines,
    autosize: { type: "fit", contains: "padding" },
    config: { ...config, scale: { bandPaddingInner: 0.05, bandPaddingOuter: 0.03 } },
    datasets: { cells: [] },
    params: [{ name: "best", value: noTrial }],
    data: { name: "cells" },
    layer: [
      {
        name: "cells",
        mark: { type: "rect", color: "var(--accent)", cornerRadius: 2 },
        encoding: {
          ...position,
          // Opacity of one hue, not a colour ramp: it reads the same way on a light and on a dark page.
          opacity: {
            field: "goodness",
            type: "quantitative",
            scale: { domain: [0, 1], range: [0.07, 1] },
            legend: null,
          },
          tooltip: [
            { field: "trial", type: "nominal" },
            { field: "value", type: "quantitative" },
            { field: "trials", type: "quantitative" },
          ],
        },
      },
      {
        name: "best",
        transform: [{ filter: "datum.trial === best" }],
        mark: { type: "rect", filled: false, stroke: "var(--ink)", strokeWidth: 2, cornerRadius: 2 },
        encoding: position,
      },
      {
        name: "labels",
        mark: { type: "text", fontSize: 12, tooltip: null },
        encoding: {
          ...position,
          text: { field: "label", type: "nominal" },
          // Which text reads better on a half-strong cell depends on the page: `--on-half` is the dark one of either.
          color: {
            condition: [
              { test: "datum.goodness > 0.76", value: "var(--on-accent)" },
              { test: "datum.goodness > 0.53", value: "var(--on-half)" },
            ],
            value: "var(--ink)",
          },
        },
      },
    ],
  }
}

/** Whether one follows from the other (`alpha: {derive: 2 * rank}`): then the map is a diagonal and says nothing. */
const dependent = (standings: ReadonlyArray<Standing>, a: string, b: string): boolean => {
  const pairs = new Set(standings.map(({ trial }) => JSON.stringify([trial.parameters[a], trial.parameters[b]])))
  const count = (name: string) => new Set(standings.map(({ trial }) => trial.parameters[name])).size
  // Drawn at random from a continuous range, no two are alike and each seems to follow from the other.
  const repeated = Math.max(count(a), count(b)) < standings.length
  return repeated && pairs.size === Math.max(count(a), count(b)) && pairs.size === Math.min(count(a), count(b))
}

export type Pair = readonly [string, string]

/**
 * The pairs worth a map, at most two: the usual suspects (rank with the learning rate or alpha, where they vary), and the
 * two that matter most by `important` (most important first), when these are others. None follows from the other.
 */
export const heatMapPairs = (
  standings: Standings,
  space: SearchSpace,
  important: ReadonlyArray<string>,
): ReadonlyArray<Pair> => {
  const fits = (name: string): boolean => {
    const axis = axisOf(
      name,
      standings.ranked.map((standing) => standing.trial.parameters[name]),
      space,
    )
    return axis.values.length >= 2 && (axis.kind === "number" || axis.values.length <= mostNames)
  }
  const place = (name: string): number => {
    const index = usual.indexOf(name.split(".").at(-1)!)
    return index < 0 ? usual.length : index
  }
  const firstPair = (names: ReadonlyArray<string>): Pair | undefined =>
    names
      .flatMap((first, index) => names.slice(index + 1).map((second): Pair => [first, second]))
      .find(([first, second]) => !dependent(standings.ranked, first, second))
  const names = standings.varying.filter(fits)
  const pairs = [
    firstPair(names.toSorted((a, b) => place(a) - place(b))),
    firstPair(important.filter((name) => names.includes(name))),
  ].filter((pair) => pair !== undefined)
  const [first, second] = pairs
  return second !== undefined && first!.every((name) => second.includes(name)) ? [first!] : pairs
}

/** The best objective in each cell of two parameters; `pair` from `heatMapPairs`. */
export const heatMap = (
  standings: Standings,
  space: SearchSpace,
  pair: Pair,
  id: string,
): Chart & { readonly x: string; readonly y: string; readonly columns: number } => {
  const axisFor = (name: string) =>
    axisOf(
      name,
      standings.ranked.map((standing) => standing.trial.parameters[name]),
      space,
    )
  // The one with fewer columns lies across: labels of ranges are long.
  const [y, x] = bins(axisFor(pair[0])).labels.length >= bins(axisFor(pair[1])).labels.length ? pair : pair.toReversed()
  const [across, up] = [bins(axisFor(x!)), bins(axisFor(y!))]
  const cells = new Map<string, Array<Standing>>()
  for (const standing of standings.ranked) {
    const [a, b] = [standing.trial.parameters[x!], standing.trial.parameters[y!]]
    if (a === undefined || b === undefined) continue
    const key = `${across.indexOf(a)}/${up.indexOf(b)}`
    cells.set(key, [...(cells.get(key) ?? []), standing])
  }
  // `ranked` is best first, and so is each cell; the colours span what the cells hold, short of what is far off.
  const bests = [...cells.values()].map((inside) => inside[0]!.objective!)
  const frame = frameOf(bests)
  const within = bests.filter((value) => value >= frame.low && value <= frame.high)
  const [top, bottom] = standings.goal === "minimize" ? [Math.min, Math.max] : [Math.max, Math.min]
  const bestValue = top(...within)
  const worst = bottom(...within)
  const rows = [...cells].map(([key, inside]): Row => {
    const [column, line] = key.split("/").map(Number) as [number, number]
    const best = inside.find((standing) => standing.trial.number === standings.best?.trial.number) ?? inside[0]!
    const value = best.objective!
    return {
      trial: best.trial.number,
      x: across.labels[column]!,
      y: up.labels[line]!,
      column,
      line,
      value,
      label: metricValue(value),
      trials: inside.length,
      goodness: worst === bestValue ? 1 : Math.min(1, Math.max(0, (worst - value) / (worst - bestValue))),
    }
  })
  return {
    id,
    spec: spec(x!, y!, new Set(rows.map((row) => row["line"])).size),
    data: { cells: rows },
    signals: { best: standings.best?.trial.number ?? noTrial },
    lines: null,
    measure: standings.metric,
    description: `Best ${standings.metric} for each ${x} and ${y}: ${rows.map((row) => `${x} ${row["x"]}, ${y} ${row["y"]}: ${row["label"]}`).join("; ")}.`,
    chinese: `各 ${x} 与 ${y} 下最佳的 ${standings.metric}：${rows.map((row) => `${x} ${row["x"]}、${y} ${row["y"]}：${row["label"]}`).join("；")}。`,
    x: x!,
    y: y!,
    columns: new Set(rows.map((row) => row["column"])).size,
  }
}
