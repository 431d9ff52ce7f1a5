// A trial as charts see it. Owns its colour, and the marks that several charts draw of it.
import type { ParameterValue } from "@sweep/domain/Parameter"
import { frameOf, type Frame } from "../charts/frame.ts"
import { metricValue } from "../Format.ts"
import { mark, type Mark, px } from "./Mark.ts"
import { linear, roomy, type Scale } from "./scale.ts"

export interface Dot {
  readonly trial: number
  readonly objective: number
  /** A colour, as CSS writes it. */
  readonly colour: string
  readonly parameters: Readonly<Record<string, ParameterValue>>
  /** Drawn behind the others: what a filter left out. */
  readonly faded?: boolean
}

export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export const objectiveFrame = (dots: ReadonlyArray<Dot>): Frame => frameOf(dots.map(({ objective }) => objective))

/** Lines across the box with a label left of them. */
export const leftAxis = (frame: Frame, box: Box, count = 5): { readonly scale: Scale; readonly marks: Mark } => {
  const scale = linear(frame.low, frame.high, count)
  const y = (at: number) => px(box.bottom - at * (box.bottom - box.top))
  return {
    scale,
    marks: mark(
      "g",
      { "text-anchor": "end" },
      roomy(scale.ticks, box.bottom - box.top, () => 14).flatMap((tick) => [
        mark("line", { x1: box.left, x2: box.right, y1: y(tick.at), y2: y(tick.at), stroke: "var(--rule)" }),
        mark("text", { x: box.left - 7, y: y(tick.at) + 4 }, tick.label),
      ]),
    ),
  }
}

export const bottomAxis = (scale: Scale, box: Box): Mark => {
  const length = box.right - box.left
  return mark(
    "g",
    { "text-anchor": "middle" },
    mark("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, stroke: "var(--rule-strong)" }),
    roomy(scale.ticks, length, (label) => label.length * 6.4).flatMap((tick) => {
      const x = px(box.left + tick.at * length)
      return [
        mark("line", { x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4, stroke: "var(--rule-strong)" }),
        mark("text", { x, y: box.bottom + 16 }, tick.label),
      ]
    }),
  )
}

/** At its place; beyond the frame a triangle at the edge. */
export const dotMark = (dot: Dot, x: number, frame: Frame, scale: Scale, box: Box, radius: number): Mark => {
  const inside = Math.min(frame.high, Math.max(frame.low, dot.objective))
  const y = box.bottom - scale.at(inside)! * (box.bottom - box.top)
  const common = {
    fill: dot.colour,
    "fill-opacity": dot.faded === true ? 0.14 : 0.85,
    "data-trial": dot.trial,
  }
  const title = mark("title", {}, `#${dot.trial}: ${metricValue(dot.objective)}`)
  if (inside === dot.objective) return mark("circle", { cx: px(x), cy: px(y), r: radius, ...common }, title)
  const way = dot.objective > inside ? -1 : 1
  const size = radius + 1
  const points = [
    [x - size, y - way * size],
    [x + size, y - way * size],
    [x, y + way * size],
  ]
  return mark("polygon", { points: points.map((point) => point.map(px).join()).join(" "), ...common }, title)
}

/** At most `most` of them, in their order: those that `keeps` and every so many of the others. */
export const fewer = <A>(all: ReadonlyArray<A>, most: number, keeps: (one: A) => boolean): ReadonlyArray<A> => {
  if (all.length <= most) return all
  const every = Math.ceil(all.length / most)
  return all.filter((one, i) => i % every === 0 || keeps(one))
}
