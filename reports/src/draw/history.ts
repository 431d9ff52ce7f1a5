// The objective of every trial in their order, with the best so far: whether the search still finds better ones.
import { metricValue } from "../Format.ts"
import { bottomAxis, type Box, type Dot, dotMark, fewer, leftAxis, objectiveFrame } from "./Dot.ts"
import { type Both, drawing, mark, type Mark, px, words } from "./Mark.ts"
import { linear } from "./scale.ts"

const mostDots = 1_200

export interface HistoryInput {
  /** By growing place. */
  readonly dots: ReadonlyArray<Dot>
  readonly goal: "minimize" | "maximize"
  readonly metric: string
  readonly best: number | null
  readonly width: number
  readonly height: number
  /** What stands below the axis, and where a trial stands along it; its number unless given. */
  readonly along?: { readonly label: Both; readonly of: (trial: number) => number }
}

export const history = (input: HistoryInput): Mark => {
  const { dots, goal, metric, best, width, height } = input
  const { label, of } = input.along ?? { label: { en: "trial", zh: "试验" }, of: (trial: number) => trial }
  const frame = objectiveFrame(dots)
  const box: Box = { left: 56, top: 10, right: width - 14, bottom: height - 36 }
  const { scale, marks } = leftAxis(frame, box)
  const places = dots.map(({ trial }) => of(trial))
  const [first, last] = [Math.min(...places), Math.max(...places)]
  const pad = 0.01 * (last - first) || 1
  const across = linear(first - pad, last + pad, Math.max(3, width / 90))
  const x = (place: number) => box.left + across.at(place)! * (box.right - box.left)
  const y = (value: number) =>
    box.bottom - scale.at(Math.min(frame.high, Math.max(frame.low, value)))! * (box.bottom - box.top)
  const improving = new Set<number>()
  let path = ""
  let leading: number | undefined
  for (const [i, dot] of dots.entries()) {
    const isBetter = leading === undefined || (goal === "minimize" ? dot.objective < leading : dot.objective > leading)
    if (!isBetter) continue
    improving.add(dot.trial)
    path +=
      leading === undefined
        ? `M${px(x(places[i]!))},${px(y(dot.objective))}`
        : `H${px(x(places[i]!))}V${px(y(dot.objective))}`
    leading = dot.objective
  }
  if (leading !== undefined) path += `H${px(box.right)}`
  const radius = dots.length > 400 ? 2.2 : dots.length > 120 ? 3 : 3.8
  const placed = dots.map((dot, i) => ({ dot, at: x(places[i]!) }))
  const shown = fewer(placed, mostDots, ({ dot }) => improving.has(dot.trial))
  const leader = placed.find(({ dot }) => dot.trial === best)
  return drawing(
    {
      width,
      height,
      says: {
        en: `${metric} of ${dots.length} trials in their order. The best value so far is ${leading === undefined ? "unknown" : metricValue(leading)}; it was improved ${improving.size} times.`,
        zh: `按顺序列出的 ${dots.length} 次试验的 ${metric}。目前最佳值为 ${leading === undefined ? "未知" : metricValue(leading)}，共刷新 ${improving.size} 次。`,
      },
    },
    marks,
    bottomAxis(across, box),
    mark("g", { "text-anchor": "middle" }, [...words(label, { x: (box.left + box.right) / 2, y: height - 3 })]),
    mark("path", { d: path, fill: "none", stroke: "var(--ink)", "stroke-width": 1.4, "stroke-opacity": 0.55 }),
    mark(
      "g",
      {},
      shown
        .toSorted((a, b) => Number(b.dot.faded === true) - Number(a.dot.faded === true))
        .map(({ dot, at }) => dotMark(dot, at, frame, scale, box, radius)),
    ),
    leader === undefined
      ? null
      : mark("circle", {
          cx: px(leader.at),
          cy: px(y(leader.dot.objective)),
          r: radius + 4,
          fill: "none",
          stroke: "var(--ink)",
          "stroke-width": 1.6,
        }),
  )
}
