// One parameter against the objective: a dot per trial, the median of each value where there are few, a ring around the best.
import type { ParameterAxis } from "../charts/axisOf.ts"
import { metricValue, parameterValue } from "../Format.ts"
import { bottomAxis, type Box, type Dot, dotMark, fewer, leftAxis, objectiveFrame } from "./Dot.ts"
import { drawing, mark, type Mark, px } from "./Mark.ts"
import { scaleOf } from "./scale.ts"

const mostDots = 500

export interface SliceInput {
  readonly name: string
  readonly axis: ParameterAxis
  readonly dots: ReadonlyArray<Dot>
  readonly metric: string
  readonly best: number | null
  readonly width: number
  readonly height: number
}

/** Spreads dots of the same place a little, always in the same way. */
const jitter = (trial: number): number => (((trial * 2_654_435_761) >>> 0) / 2 ** 32 - 0.5) * 2

export const slice = ({ name, axis, dots, metric, best, width, height }: SliceInput): Mark => {
  const box: Box = { left: 52, top: 8, right: width - 12, bottom: height - 24 }
  const frame = objectiveFrame(dots)
  const { scale, marks } = leftAxis(frame, box, 4)
  const across = scaleOf(axis, 4)
  const length = box.right - box.left
  const isDiscrete = axis.kind === "named" || axis.discrete
  const room = isDiscrete ? Math.min(9, (0.28 * length) / axis.values.length) : 0
  const placed = dots.flatMap((dot) => {
    const value = dot.parameters[name]
    const at = value === undefined ? null : across.at(value)
    return at === null ? [] : [{ dot, at, x: box.left + at * length + room * jitter(dot.trial) }]
  })
  const shown = fewer(placed, mostDots, ({ dot }) => dot.trial === best)
  const leader = placed.find(({ dot }) => dot.trial === best)
  const clamp = (value: number) => Math.min(frame.high, Math.max(frame.low, value))
  const y = (value: number) => px(box.bottom - scale.at(clamp(value))! * (box.bottom - box.top))
  const medians = !isDiscrete
    ? []
    : [...Map.groupBy(placed, ({ at }) => at)].flatMap(([at, group]) => {
        const own = group
          .filter(({ dot }) => dot.faded !== true)
          .map(({ dot }) => dot.objective)
          .toSorted((a, b) => a - b)
        const middle = (own.length - 1) / 2
        return own.length < 2
          ? []
          : [
              mark("line", {
                x1: px(box.left + at * length - 13),
                x2: px(box.left + at * length + 13),
                y1: y((own[Math.floor(middle)]! + own[Math.ceil(middle)]!) / 2),
                y2: y((own[Math.floor(middle)]! + own[Math.ceil(middle)]!) / 2),
                stroke: "var(--ink)",
                "stroke-width": 2,
                "stroke-opacity": 0.6,
              }),
            ]
      })
  const at = leader?.dot.parameters[name]
  const where =
    leader === undefined || at === undefined ? null : [metricValue(leader.dot.objective), parameterValue(at as string)]
  return drawing(
    {
      width,
      height,
      says: {
        en: `${metric} of ${placed.length} trials against ${name}${where === null ? "." : `; the best, ${where[0]}, is at ${where[1]}.`}`,
        zh: `${placed.length} 次试验的 ${metric} 与 ${name} 的关系${where === null ? "。" : `；最佳值 ${where[0]} 位于 ${where[1]}。`}`,
      },
    },
    marks,
    bottomAxis(across, box),
    mark(
      "g",
      {},
      shown
        .toSorted((a, b) => Number(b.dot.faded === true) - Number(a.dot.faded === true))
        .map(({ dot, x }) => dotMark(dot, x, frame, scale, box, placed.length > 200 ? 2.4 : 3.4)),
    ),
    mark("g", {}, medians),
    leader === undefined
      ? null
      : mark("circle", {
          cx: px(leader.x),
          cy: y(leader.dot.objective),
          r: 7,
          fill: "none",
          stroke: "var(--ink)",
          "stroke-width": 1.6,
        }),
  )
}
