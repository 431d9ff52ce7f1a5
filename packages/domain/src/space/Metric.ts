// The objective metric of a sweep and what "better" means. Owns comparison; NaN is worse than everything.
import * as Schema from "effect/Schema"

export const Goal = Schema.Literals(["minimize", "maximize"])
export type Goal = typeof Goal.Type

export class Metric extends Schema.Class<Metric>("Metric")({
  name: Schema.String,
  goal: Goal,
  /**
   * What a trial's objective is, of all values it reported: the best one, because the best checkpoint is the one that
   * is kept, or the last one.
   */
  summary: Schema.Literals(["best", "last"]),
  /** The sweep may end once a trial reaches this value. */
  target: Schema.NullOr(Schema.Finite),
}) {}

/** Negative when `a` is better than `b`; for `Array.sort`, best first. */
export const compare =
  (goal: Goal) =>
  (a: number, b: number): number => {
    if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1
    if (Number.isNaN(b)) return -1
    return goal === "minimize" ? a - b : b - a
  }

export const isBetter = (goal: Goal, a: number, b: number): boolean => compare(goal)(a, b) < 0
