// How sure it is that the best set of parameters is better than the next one. Owns the comparison of their means against
// what seeds alone do: the spread between runs of the same parameters, pooled over every set that ran more than once.
// Where nothing ran twice there is no such measure, and the answer says so instead of guessing.
import { configurationsOf } from "@sweep/domain/configurations"
import type { SweepState } from "@sweep/domain/SweepState"
import { percent, short } from "./numbers.ts"

export interface Comparison {
  /** How much better the best mean is, in the objective's unit; never negative. */
  readonly gap: number
  /** Standard deviation between runs of the same parameters; `null` when nothing ran twice. */
  readonly spread: number | null
  /**
   * Probability that the best is truly better, from Student's t with the pooled degrees of freedom; `null` without a
   * spread. The best of many looks better than it is, so with many sets it is an upper limit.
   */
  readonly probability: number | null
  readonly certainty: "clear" | "likely" | "open" | "unknown"
  /** For a person. */
  readonly statement: string
}

/**
 * P(T ≤ t) of Student's t. With t = √ν · tan θ the density becomes cos^(ν−1) θ, smooth on a bounded interval: Simpson's
 * rule on it needs no gamma function.
 */
export const studentCdf = (t: number, freedom: number): number => {
  const area = (from: number, to: number): number => {
    const steps = 400
    const width = (to - from) / steps
    let sum = 0
    for (let i = 0; i <= steps; i++) {
      const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2
      sum += weight * Math.cos(from + i * width) ** (freedom - 1)
    }
    return (sum * width) / 3
  }
  const half = Math.PI / 2
  return 0.5 + area(0, Math.atan(t / Math.sqrt(freedom))) / (2 * area(0, half))
}

/** `null` when fewer than two sets of parameters have an objective. */
export const compareBest = (sweep: SweepState): Comparison | null => {
  const [best, runnerUp, ...others] = configurationsOf(sweep.trials.values(), sweep.spec.metric.goal)
  if (best === undefined || runnerUp === undefined) return null
  let freedom = 0
  let squares = 0
  for (const { trials, deviation } of [best, runnerUp, ...others]) {
    freedom += trials.length - 1
    squares += (deviation ?? 0) ** 2 * (trials.length - 1)
  }
  const gap = Math.abs(best.mean - runnerUp.mean)
  const relative = runnerUp.mean === 0 ? null : (100 * gap) / Math.abs(runnerUp.mean)
  const lead = `the best is ${relative === null ? short(gap) : percent(relative)} better than the next`
  if (freedom === 0) {
    return {
      gap,
      spread: null,
      probability: null,
      certainty: "unknown",
      statement: `${lead}, but nothing ran twice, so how much seeds alone change is unknown: run the best few again with other seeds`,
    }
  }
  const spread = Math.sqrt(squares / freedom)
  const error = spread * Math.sqrt(1 / best.trials.length + 1 / runnerUp.trials.length)
  const probability = error === 0 ? (gap > 0 ? 1 : 0.5) : studentCdf(gap / error, freedom)
  const certainty = probability >= 0.95 ? "clear" : probability >= 0.8 ? "likely" : "open"
  return {
    gap,
    spread,
    probability,
    certainty,
    statement:
      `${lead}; runs of the same parameters differ by ${short(spread)} (standard deviation), so it is truly better with a ` +
      `probability of ${percent(100 * Math.min(probability, 0.999))}${certainty === "open" ? ": run both again with other seeds" : ""}`,
  }
}
