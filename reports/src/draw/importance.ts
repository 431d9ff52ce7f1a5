// How much each parameter has a hand in the differences between trials: a bar to the median, a line over the 90 % interval.
import type { ParameterImportance } from "@sweep/diagnosis/importance"
import { percent } from "../Format.ts"
import { drawing, mark, type Mark, px, words } from "./Mark.ts"
import { cut } from "./scale.ts"

const most = 10
const row = 30

export const importanceBars = (
  parameters: ReadonlyArray<Pick<ParameterImportance, "parameter" | "share" | "interval" | "finding">>,
  width: number,
): Mark => {
  const shown = parameters.slice(0, most)
  const names = Math.min(150, Math.max(84, width * 0.26))
  const length = width - names - 60
  const x = (share: number) => px(names + Math.min(1, Math.max(0, share)) * length)
  const height = shown.length * row + 22
  return drawing(
    {
      width,
      height,
      says: {
        en: `Importance: ${shown.map(({ parameter, share, interval }) => `${parameter} ${percent(share)} (${percent(interval[0])} to ${percent(interval[1])})`).join(", ")}.`,
        zh: `重要性：${shown.map(({ parameter, share, interval }) => `${parameter} ${percent(share)}（${percent(interval[0])} 至 ${percent(interval[1])}）`).join("，")}。`,
      },
    },
    [0, 0.25, 0.5, 0.75, 1].map((share) =>
      mark(
        "g",
        { "text-anchor": "middle" },
        mark("line", { x1: x(share), x2: x(share), y1: 0, y2: height - 18, stroke: "var(--rule)" }),
        mark("text", { x: x(share), y: height - 4 }, percent(share)),
      ),
    ),
    shown.map(({ parameter, share, interval, finding }, i) => {
      const y = i * row + 15
      const colour = finding === "matters" ? "var(--accent)" : "var(--rule-strong)"
      return mark(
        "g",
        {},
        mark(
          "text",
          { x: names - 10, y: y + 4, "text-anchor": "end", fill: "var(--ink)", "font-size": 12 },
          mark("title", {}, parameter),
          cut(parameter, names - 14),
        ),
        mark("rect", { x: x(0), y: y - 7, width: Math.max(1, px(x(share) - x(0))), height: 14, rx: 2, fill: colour }),
        mark("line", {
          x1: x(interval[0]),
          x2: x(interval[1]),
          y1: y,
          y2: y,
          stroke: "var(--ink)",
          "stroke-width": 1.5,
        }),
        interval.map((end) =>
          mark("line", { x1: x(end), x2: x(end), y1: y - 4, y2: y + 4, stroke: "var(--ink)", "stroke-width": 1.5 }),
        ),
        [...words(percent(share), { x: width - 4, y: y + 4, "text-anchor": "end", fill: "var(--ink)" })],
      )
    }),
  )
}
