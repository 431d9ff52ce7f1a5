// Two metrics against each other: a dot per trial, those that no other one beats in both joined by the line that bounds what
// was reached. With more metrics the line is left out: a front in three of them is none in two.
import { frameOf } from "../charts/frame.ts"
import { metricValue } from "../Format.ts"
import { bottomAxis, type Box, fewer, leftAxis } from "./Dot.ts"
import { drawing, mark, type Mark, px } from "./Mark.ts"
import { linear } from "./scale.ts"

export interface FrontInput {
  /** The first lies across, the second upwards. */
  readonly metrics: readonly [FrontMetric, FrontMetric]
  readonly points: ReadonlyArray<{
    readonly trial: number
    readonly x: number
    readonly y: number
    readonly faded?: boolean
  }>
  readonly members: ReadonlyArray<{ readonly trial: number; readonly x: number; readonly y: number }>
  /** Whether these two metrics are all that are compared. */
  readonly isWhole: boolean
  readonly compromise: number
  readonly width: number
  readonly height: number
}
interface FrontMetric {
  readonly name: string
  readonly goal: "minimize" | "maximize"
}

const mostDots = 800

export const frontDrawing = ({ metrics, points, members, isWhole, compromise, width, height }: FrontInput): Mark => {
  const [across, up] = metrics
  const box: Box = { left: 60, top: 24, right: width - 16, bottom: height - 38 }
  const inside = (values: ReadonlyArray<number>, anchors: ReadonlyArray<number>) => frameOf(values, anchors)
  const xs = inside(
    points.map(({ x }) => x),
    members.map(({ x }) => x),
  )
  const ys = inside(
    points.map(({ y }) => y),
    members.map(({ y }) => y),
  )
  const scale = linear(xs.low, xs.high, Math.max(3, width / 100))
  const { scale: scaleUp, marks } = leftAxis(ys, box)
  const clamp = (value: number, { low, high }: { low: number; high: number }) => Math.min(high, Math.max(low, value))
  const x = (value: number) => px(box.left + scale.at(clamp(value, xs))! * (box.right - box.left))
  const y = (value: number) => px(box.bottom - scaleUp.at(clamp(value, ys))! * (box.bottom - box.top))
  const along = members.toSorted((a, b) => (across.goal === "minimize" ? a.x - b.x : b.x - a.x))
  const stairs = along.map((one, i) => (i === 0 ? `M${x(one.x)},${y(one.y)}` : `H${x(one.x)}V${y(one.y)}`)).join("")
  const own = new Set(members.map(({ trial }) => trial))
  const dot = (one: { trial: number; x: number; y: number; faded?: boolean }, isMember: boolean) =>
    mark(
      "circle",
      {
        cx: x(one.x),
        cy: y(one.y),
        r: isMember ? 5 : 3,
        fill: isMember ? "var(--accent)" : "var(--inconclusive)",
        "fill-opacity": isMember ? 1 : one.faded === true ? 0.12 : 0.5,
        "data-trial": one.trial,
      },
      mark("title", {}, `#${one.trial}: ${metricValue(one.x)}, ${metricValue(one.y)}`),
    )
  const nearest = members.find(({ trial }) => trial === compromise)
  const arrow = ({ goal }: FrontMetric) => (goal === "minimize" ? "↓" : "↑")
  return drawing(
    {
      width,
      height,
      says: {
        en: `${up.name} against ${across.name} of ${points.length} trials; ${members.length} are on the Pareto front.`,
        zh: `${points.length} 次试验的 ${up.name} 与 ${across.name}；其中 ${members.length} 次位于帕累托前沿。`,
      },
    },
    marks,
    bottomAxis(scale, box),
    mark("text", { x: box.left, y: 12, fill: "var(--ink)" }, `${up.name} ${arrow(up)}`),
    mark(
      "text",
      { x: box.right, y: height - 3, "text-anchor": "end", fill: "var(--ink)" },
      `${across.name} ${across.goal === "minimize" ? "←" : "→"}`,
    ),
    mark(
      "g",
      {},
      fewer(
        points.filter(({ trial }) => !own.has(trial)),
        mostDots,
        () => false,
      ).map((one) => dot(one, false)),
    ),
    isWhole ? mark("path", { d: stairs, fill: "none", stroke: "var(--accent)", "stroke-width": 1.6 }) : null,
    mark(
      "g",
      {},
      members.map((one) => dot(one, true)),
    ),
    nearest === undefined || members.length < 3
      ? null
      : mark("circle", {
          cx: x(nearest.x),
          cy: y(nearest.y),
          r: 9,
          fill: "none",
          stroke: "var(--ink)",
          "stroke-width": 1.6,
        }),
  )
}

/** The share of the box that the front dominates, over the trials. */
export const growthDrawing = (
  growth: ReadonlyArray<{ readonly trials: number; readonly hypervolume: number }>,
  last: number,
  width: number,
  height: number,
): Mark => {
  const box: Box = { left: 60, top: 24, right: width - 16, bottom: height - 38 }
  const { scale, marks } = leftAxis({ low: 0, high: 1, outside: 0 }, box)
  const across = linear(0, Math.max(last, 1), Math.max(3, width / 90))
  const x = (trials: number) => px(box.left + across.at(trials)! * (box.right - box.left))
  const y = (share: number) => px(box.bottom - scale.at(share)! * (box.bottom - box.top))
  const path = growth
    .map(({ trials, hypervolume }, i) =>
      i === 0 ? `M${x(trials)},${y(hypervolume)}` : `H${x(trials)}V${y(hypervolume)}`,
    )
    .join("")
  const share = growth.at(-1)?.hypervolume ?? 0
  return drawing(
    {
      width,
      height,
      says: {
        en: `Hypervolume over ${last} trials; it ends at ${metricValue(share)}.`,
        zh: `超体积随 ${last} 次试验的变化，最终为 ${metricValue(share)}。`,
      },
    },
    marks,
    bottomAxis(across, box),
    mark("path", { d: `${path}H${px(box.right)}`, fill: "none", stroke: "var(--accent)", "stroke-width": 1.8 }),
  )
}
