// The train and the eval loss of one trial, with the step since which its verdict holds: the evidence beside a flagged trial.
import type { CurvePoint } from "@sweep/domain/Curve"
import { frameOf } from "../charts/frame.ts"
import { thin } from "../charts/thin.ts"
import { bottomAxis, type Box, leftAxis } from "./Dot.ts"
import { drawing, mark, type Mark, px, words } from "./Mark.ts"
import { linear } from "./scale.ts"

const mostPoints = 60

export interface LossesInput {
  readonly trial: number
  readonly evals: ReadonlyArray<CurvePoint>
  readonly train: ReadonlyArray<CurvePoint>
  readonly since: number | null
  /** Of the verdict. */
  readonly colour: string
  readonly width: number
  readonly height: number
}

export const losses = ({ trial, evals, train, since, colour, width, height }: LossesInput): Mark => {
  const all = [...evals, ...train]
  const frame = frameOf(all.map(({ value }) => value))
  const last = all.reduce((most, { step }) => Math.max(most, step), 1)
  const box: Box = { left: 46, top: 8, right: width - 44, bottom: height - 36 }
  const { scale, marks } = leftAxis(frame, box, 4)
  const across = linear(0, last, 5)
  const x = (step: number) => px(box.left + across.at(step)! * (box.right - box.left))
  const y = (value: number) =>
    px(box.bottom - scale.at(Math.min(frame.high, Math.max(frame.low, value)))! * (box.bottom - box.top))
  const line = (points: ReadonlyArray<CurvePoint>, stroke: string, strokeWidth: number) =>
    points.length === 0
      ? null
      : mark("polyline", {
          points: thin(points, mostPoints)
            .map(({ step, value }) => `${x(step)},${y(value)}`)
            .join(" "),
          fill: "none",
          stroke,
          "stroke-width": strokeWidth,
          "stroke-linejoin": "round",
        })
  const ends = [
    { en: "eval", zh: "评估", at: evals.at(-1), fill: colour },
    { en: "train", zh: "训练", at: train.at(-1), fill: "var(--quiet)" },
  ].flatMap(({ en, zh, at, fill }) =>
    at === undefined ? [] : [{ en, zh, y: y(at.value) + 4, x: x(at.step) + 5, fill }],
  )
  // Two ends at the same place are written one below the other.
  const [above, below] = ends.toSorted((a, b) => a.y - b.y)
  const apart = below !== undefined && below.y - above!.y < 13
  return drawing(
    {
      width,
      height,
      says: {
        en: `Train and eval loss of trial ${trial}${since === null ? "." : `; the verdict holds since step ${since}.`}`,
        zh: `第 ${trial} 号试验的训练与评估损失${since === null ? "。" : `；自第 ${since} 步起符合诊断。`}`,
      },
    },
    marks,
    bottomAxis(across, box),
    [
      ...words(
        { en: "optimiser steps", zh: "优化步" },
        { x: (box.left + box.right) / 2, y: height - 3, "text-anchor": "middle" },
      ),
    ],
    since === null
      ? null
      : mark("rect", {
          x: x(since),
          y: box.top,
          width: px(box.right - x(since)),
          height: box.bottom - box.top,
          fill: colour,
          "fill-opacity": 0.08,
        }),
    since === null
      ? null
      : mark("line", {
          x1: x(since),
          x2: x(since),
          y1: box.top,
          y2: box.bottom,
          stroke: colour,
          "stroke-width": 1.5,
          "stroke-dasharray": "4 3",
        }),
    line(train, "var(--quiet)", 1.3),
    line(evals, colour, 2.4),
    ends.flatMap((end) => [
      ...words(end, {
        x: end.x,
        y: end === below && apart ? above!.y + 13 : end.y,
        fill: end.fill,
        "font-weight": 600,
      }),
    ]),
  )
}
