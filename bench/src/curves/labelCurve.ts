// What a person would say of a finished run who sees all of its curve: the labels that verdicts are measured against.
// Written down before any verdict was looked at, and shares no code with the diagnosis. Owns the rule; where the
// rule says "ambiguous" two readings of the plot decide (docs/verdicts.md), and the curve counts apart.
//
//   inconclusive   fewer than four finite evaluations, unless a loss was not finite
//   diverged       a loss was not finite; or the last two evaluations lie half above the lowest and have given back half
//                  of all that the eval loss had fallen, and the train loss did the same (a quarter: ambiguous); or the
//                  eval loss never fell and ends at least 20 % above where it started, with the train loss as high (added
//                  after the tuning half had been looked at: learning rates that ruin a base model with the first steps)
//   overfitting    the eval loss ends at least 5 % above its lowest, at two evaluations, by three times the scatter of
//                  the curve, while the train loss ends at least 5 % below what it was there
//   underfitting   neither loss fell by 5 % from its first value, and they lie within 10 % of each other
//   plateaued      over the last third (at least four evaluations) the eval loss changed by less than 1 % either way
//   healthy        over the last third it fell by more than 2 %, and the lowest evaluation is among the last two
//
// What lies between two of these is ambiguous.
import type { VerdictKind } from "@sweep/domain/Verdict"
import { median } from "../median.ts"

export interface Point {
  readonly step: number
  readonly value: number
}

export interface Label {
  readonly kind: VerdictKind
  /** Whether the rule is sure; otherwise `kind` is the nearest. */
  readonly clear: boolean
  /** The step since which it is so, where one can be named. */
  readonly since: number | null
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** How far evaluations lie from the middle of their neighbours, as a standard deviation. */
const scatter = (values: ReadonlyArray<number>): number => {
  const off = values.slice(1, -1).map((value, i) => Math.abs(value - (values[i]! + values[i + 2]!) / 2))
  return off.length === 0 ? 0 : (1.4826 * median(off)) / Math.sqrt(1.5)
}

/** The mean train loss between two steps; of the nearest report where there is none. */
const trainAt = (train: ReadonlyArray<Point>, from: number, to: number): number | null => {
  const within = train.filter(({ step, value }) => step > from && step <= to && Number.isFinite(value))
  if (within.length > 0) return mean(within.map(({ value }) => value))
  const before = train.filter(({ step, value }) => step <= to && Number.isFinite(value)).at(-1)
  return before?.value ?? null
}

export const labelCurve = (allEvals: ReadonlyArray<Point>, train: ReadonlyArray<Point>): Label => {
  const bad = [...allEvals, ...train].filter(({ value }) => !Number.isFinite(value))
  if (bad.length > 0) return { kind: "diverged", clear: true, since: Math.min(...bad.map(({ step }) => step)) }
  const n = allEvals.length
  if (n < 4) return { kind: "inconclusive", clear: true, since: null }
  const values = allEvals.map(({ value }) => value)
  const steps = allEvals.map(({ step }) => step)
  const trained = steps.map((step, i) => trainAt(train, steps[i - 1] ?? Number.NEGATIVE_INFINITY, step))
  const lowest = Math.min(...values)
  const best = values.indexOf(lowest)
  const first = values[0]!
  const lastTwo = Math.min(values[n - 1]!, values[n - 2]!)
  const trainEnd = trained[n - 1] ?? null
  const trainFirst = trained.find((value) => value !== null) ?? null
  const trainLowest = Math.min(...trained.filter((value) => value !== null))
  const trainBest = trained[best] ?? trained.slice(best).find((value) => value !== null) ?? null

  // Diverged
  const gaveBack = (end: number, low: number, start: number) =>
    end <= 1.5 * low ? 0 : (end - low) / Math.max(start - low, 1e-9)
  if (best < n - 2 && trainEnd !== null && trainFirst !== null) {
    const back = Math.min(gaveBack(lastTwo, lowest, first), gaveBack(trainEnd, trainLowest, trainFirst))
    if (back > 0.25) {
      const limit = lowest + 0.5 * Math.max(first - lowest, 0.5 * lowest)
      const left = values.findLastIndex((value, i) => i >= best && value <= limit)
      return { kind: "diverged", clear: back > 0.5, since: steps[Math.min(left + 1, n - 1)]! }
    }
  }

  const start = trained[best] ?? lowest
  if (best === 0 && trainEnd !== null && lastTwo > 1.2 * first && trainEnd > 1.2 * Math.min(start, first))
    return { kind: "diverged", clear: true, since: steps[1]! }

  // Overfitting
  const rise = lastTwo / lowest - 1
  const noise = scatter(values.slice(Math.floor(n / 4)))
  const fell = trainEnd !== null && trainBest !== null ? 1 - trainEnd / trainBest : 0
  if (best <= n - 3 && rise >= 0.05 && lastTwo - lowest >= 3 * noise && fell >= 0.05)
    return { kind: "overfitting", clear: true, since: steps[best]! }
  const ended = values[n - 1]! / lowest - 1
  if (ended > 0.01 && fell > 0.02 && Math.max(lastTwo - lowest, values[n - 1]! - lowest) > 1.5 * noise)
    return { kind: rise > 0.025 ? "overfitting" : "plateaued", clear: false, since: steps[best]! }

  // Little was learned
  const progress = 1 - lowest / first
  const trainProgress = trainFirst !== null && trainEnd !== null ? 1 - trainEnd / trainFirst : 0
  const apart = trainEnd === null ? 1 : Math.abs(values[n - 1]! - trainEnd) / values[n - 1]!
  if (progress < 0.05 && trainProgress < 0.05 && apart < 0.1)
    return { kind: "underfitting", clear: progress < 0.03 && trainProgress < 0.03, since: null }

  // The last third
  const third = Math.max(4, Math.ceil(n / 3))
  const tail = values.slice(-third)
  const half = Math.floor(third / 2)
  const change = mean(tail.slice(-half)) / mean(tail.slice(0, half)) - 1
  if (change < -0.02 && best >= n - 2) return { kind: "healthy", clear: true, since: null }
  if (Math.abs(change) < 0.01 && n >= 6) return { kind: "plateaued", clear: true, since: steps[n - third]! }
  return { kind: change < -0.015 ? "healthy" : "plateaued", clear: false, since: steps[n - third]! }
}
