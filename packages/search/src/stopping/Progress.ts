// How far trials are, and how good at that point: what the stopping rules compare. Owns the reading of curves in one
// resource (epochs, optimiser steps or seconds) with the sweep's goal turned into a loss; NaN counts as worst.
import type { Goal } from "@sweep/domain/Metric"
import type { Curves, Report } from "./Stopper.ts"

export type Resource = "epoch" | "step" | "seconds"

export interface Reading {
  readonly resource: Resource
  readonly goal: Goal
  /** Whether a trial's value at a point is the best up to there, or the one reported there. */
  readonly summary: "best" | "last"
}

/** Smaller is better. */
export const lossOf = (goal: Goal, value: number): number => {
  if (Number.isNaN(value)) return Infinity
  return goal === "minimize" ? value : -value
}

/** Epochs per step, from any report of the curve that has both. */
const pace = (curve: ReadonlyArray<Report>): number | null => {
  const known = curve.find(({ epoch, step }) => epoch !== null && epoch > 0 && step > 0)
  return known === undefined ? null : known.epoch! / known.step
}

/** Resource used at a report; `null` when the curve does not say (an epoch that no report of it has). */
export const resourceAt = (resource: Resource, curve: ReadonlyArray<Report>, report: Report): number | null => {
  if (resource !== "epoch") return report[resource]
  if (report.epoch !== null) return report.epoch
  const perStep = pace(curve)
  return perStep === null ? (report.step === 0 ? 0 : null) : report.step * perStep
}

/** Rounding of accumulated fractions of an epoch. */
const tolerance = 1e-6

/** The loss with which a trial arrived at `point`: at its first report there or beyond. `null` while it is not there. */
export const lossAt = (
  curve: ReadonlyArray<Report>,
  point: number,
  { resource, goal, summary }: Reading,
): number | null => {
  let best = Infinity
  for (const report of curve) {
    const used = resourceAt(resource, curve, report)
    if (used === null) continue
    const loss = lossOf(goal, report.value)
    best = Math.min(best, loss)
    if (used >= point - tolerance) return summary === "best" ? best : loss
  }
  return null
}

/** The most resource a curve has used. */
const used = (curve: ReadonlyArray<Report>, resource: Resource): number => {
  const last = curve.at(-1)
  return last === undefined ? 0 : (resourceAt(resource, curve, last) ?? 0)
}

export const reached = (curve: ReadonlyArray<Report>, point: number, resource: Resource): boolean =>
  used(curve, resource) >= point - tolerance

/** The resource used at the report before this one; −∞ at the first. */
export const usedBefore = (curve: ReadonlyArray<Report>, report: Report, resource: Resource): number => {
  let before = -Infinity
  for (const earlier of curve) {
    if (earlier.step >= report.step) break
    before = resourceAt(resource, curve, earlier) ?? before
  }
  return before
}

/** Loss of every trial that has reached `point`. */
export const lossesAt = (curves: Curves, point: number, reading: Reading): ReadonlyMap<number, number> => {
  const losses = new Map<number, number>()
  for (const [trial, curve] of curves) {
    const loss = lossAt(curve, point, reading)
    if (loss !== null) losses.set(trial, loss)
  }
  return losses
}

/** In the units of the metric, for a reason; `null` where the loss stands for no number. */
export const valueOf = (goal: Goal, loss: number): number | null =>
  Number.isFinite(loss) ? (goal === "minimize" ? loss : -loss) : null

/** Where a rule compared, for a reason: without the rounding of accumulated fractions. */
export const pointOf = (resource: Resource, point: number) => ({ resource, at: Number(point.toPrecision(6)) })
