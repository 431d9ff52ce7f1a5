// Parallel coordinates: an axis per parameter and the objective last, a line per trial, the better the stronger. Owns the
// geometry, which a brush reads back; lines of the same strength are one path, so that a thousand trials stay light.
import type { ParameterAxis } from "../charts/axisOf.ts"
import { type Dot, fewer, objectiveFrame } from "./Dot.ts"
import { type Both, drawing, mark, type Mark, px } from "./Mark.ts"
import { cut, linear, roomy, type Scale, scaleOf } from "./scale.ts"

const mostLines = 800
const strengths = 6
/** Less than that, and labels of neighbours meet: the chart is as wide as it has to be, and scrolls. */
const leastColumn = 92

export interface ParallelInput {
  readonly axes: ReadonlyArray<{ readonly name: string; readonly axis: ParameterAxis }>
  readonly dots: ReadonlyArray<Dot>
  readonly metric: string
  readonly goal: "minimize" | "maximize"
  readonly best: number | null
  readonly width: number
  readonly height: number
}

export interface Column {
  readonly name: string
  /** Of the objective. */
  readonly isObjective: boolean
  readonly x: number
  readonly scale: Scale
}

export interface Geometry {
  readonly columns: ReadonlyArray<Column>
  readonly width: number
  readonly top: number
  readonly bottom: number
}

export const geometryOf = ({ axes, dots, metric, width, height }: ParallelInput): Geometry => {
  const count = axes.length + 1
  const whole = Math.max(width, count * leastColumn)
  const inset = Math.min(70, whole / count / 1.6)
  const x = (i: number) => px(inset + (i * (whole - 2 * inset)) / Math.max(1, count - 1))
  const frame = objectiveFrame(dots)
  return {
    columns: [
      ...axes.map(({ name, axis }, i) => ({ name, isObjective: false, x: x(i), scale: scaleOf(axis) })),
      { name: metric, isObjective: true, x: x(count - 1), scale: linear(frame.low, frame.high, 5) },
    ],
    width: whole,
    top: 30,
    bottom: height - 12,
  }
}

const placeIn = (column: Column, dot: Dot): number | null => {
  const value = column.isObjective ? dot.objective : dot.parameters[column.name]
  const at = value === undefined ? null : column.scale.at(value)
  return at === null ? null : Math.min(1, Math.max(0, at))
}

export const pathOf = ({ columns, top, bottom }: Geometry, dot: Dot): string => {
  let path = ""
  let isDown = false
  for (const column of columns) {
    const at = placeIn(column, dot)
    if (at === null) {
      isDown = false
      continue
    }
    path += `${isDown ? "L" : "M"}${column.x},${px(bottom - at * (bottom - top))}`
    isDown = true
  }
  return path
}

export const parallel = (input: ParallelInput, geometry = geometryOf(input)): Mark => {
  const { dots, goal, metric, best, height } = input
  const { columns, top, bottom, width } = geometry
  const sorted = dots.toSorted((a, b) => (goal === "minimize" ? b.objective - a.objective : a.objective - b.objective))
  const shown = fewer(sorted, mostLines, ({ trial }) => trial === best)
  const faded = shown.filter((dot) => dot.faded === true)
  const strong = shown.filter((dot) => dot.faded !== true)
  const leader = dots.find(({ trial }) => trial === best)
  const column = (width - 2 * columns[0]!.x) / Math.max(1, columns.length - 1)
  const lines = (own: ReadonlyArray<Dot>, attributes: Mark["attributes"]) =>
    own.length === 0
      ? null
      : mark("path", {
          d: own.map((dot) => pathOf(geometry, dot)).join(""),
          fill: "none",
          "stroke-linejoin": "round",
          ...attributes,
        })
  const says: Both = {
    en: `Parallel coordinates of ${dots.length} trials over ${columns.map(({ name }) => name).join(", ")}; the stronger a line, the better its trial.`,
    zh: `${dots.length} 次试验的平行坐标，坐标轴为 ${columns.map(({ name }) => name).join("、")}；线越深，试验越好。`,
  }
  return drawing(
    { width, height, says },
    lines(faded, { stroke: "var(--rule-strong)", "stroke-opacity": 0.35, "stroke-width": 1 }),
    Array.from({ length: strengths }, (_, i) => {
      const own = strong.slice(
        Math.floor((i * strong.length) / strengths),
        Math.floor(((i + 1) * strong.length) / strengths),
      )
      const share = i / (strengths - 1)
      return lines(own, {
        stroke: `color-mix(in srgb, var(--accent) ${Math.round(25 + 75 * share)}%, var(--rule-strong))`,
        "stroke-width": px(1 + 0.7 * share),
        "stroke-opacity": px(0.3 + 0.5 * share),
      })
    }),
    leader === undefined ? null : lines([leader], { stroke: "var(--paper)", "stroke-width": 6, "stroke-opacity": 0.8 }),
    leader === undefined ? null : lines([leader], { stroke: "var(--overfitting)", "stroke-width": 2.6 }),
    columns.map(({ name, x, scale, isObjective }) =>
      mark(
        "g",
        {},
        mark("line", { x1: x, x2: x, y1: top, y2: bottom, stroke: "var(--quiet)", "stroke-width": 1 }),
        mark(
          "text",
          { x, y: 14, "text-anchor": "middle", fill: "var(--ink)", "font-weight": isObjective ? 600 : 500 },
          mark("title", {}, name),
          cut(name, column - 8),
        ),
        roomy(scale.ticks, bottom - top, () => 15).map((tick) =>
          mark(
            "text",
            {
              x: x + 6,
              y: px(bottom - tick.at * (bottom - top) + 4),
              fill: "var(--ink)",
              stroke: "var(--paper)",
              "stroke-width": 4,
              "paint-order": "stroke",
            },
            cut(tick.label, column - 14),
          ),
        ),
      ),
    ),
    mark("title", {}, metric),
  )
}
