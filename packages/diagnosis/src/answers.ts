// The metric that trials are ranked by, where it is another than the eval loss: an accuracy, a score of the answers.
// Owns its course (less is better, noise from the size of the eval set) and the finding that the loss gets better while
// the answers get worse. Pure.
import type { CurveFeatures } from "@sweep/domain/Curve"
import type { Evidence } from "@sweep/domain/Verdict"
import type { DiagnosisContext } from "./DiagnosisContext.ts"
import { evidence } from "./evidence.ts"
import { isBeyondNoise, riseLimit, type Shape, shapeOf } from "./rules.ts"

/** A share has changed when it did by so many percentage points, whatever the noise. */
const shareLimit = 0.01

/**
 * The course of the ranking metric with less as better; `null` where the eval loss is that metric or there is none of it.
 * Values within 0 and 1 that are maximised are taken for shares of right answers: of n examples, a share p scatters by
 * √(p (1 − p) / n), whatever the curve shows.
 */
export const answersOf = (features: CurveFeatures, { goal }: DiagnosisContext): Shape | null => {
  const { metricSteps: steps, metricValues: values, evalSamples } = features
  if (values.length === 0) return null
  if (goal === "minimize") return shapeOf(steps, values)
  if (values.some((value) => value < 0 || value > 1)) {
    const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    return shapeOf(
      steps,
      values.map((value) => -value),
      { scale: size },
    )
  }
  const best = values.reduce((most, value) => Math.max(most, value), 0)
  const leastNoise = evalSamples !== null && evalSamples > 0 ? Math.sqrt((best * (1 - best)) / evalSamples) : 0
  return shapeOf(
    steps,
    values.map((value) => 1 - value),
    { leastNoise, scale: 1 },
  )
}

export interface Answers {
  readonly holds: boolean
  readonly evidence: Evidence
}

const valueAt = (features: CurveFeatures, step: number): number | undefined => {
  const at = features.steps.findLastIndex((one) => one <= step)
  return features.evals[at === -1 ? 0 : at]
}

/** Whether the metric has got worse since its best, and whether the eval loss fell meanwhile. */
export const worseAnswers = (features: CurveFeatures, shape: Shape, { metric, goal }: DiagnosisContext): Answers => {
  const { metricSteps, metricValues } = features
  const { best, level, lowest, scale, noise } = shape
  const value = level - lowest
  const threshold = scale === 1 ? shareLimit : (riseLimit / 100) * (scale ?? Math.abs(lowest))
  const [bestStep, bestValue] = [metricSteps[best]!, metricValues[best]!]
  const holds = value >= threshold && isBeyondNoise(shape)
  if (!holds)
    return {
      holds,
      evidence: evidence("metric-kept", { metric, best: bestValue, bestStep }, { value, threshold, holds }),
    }
  // Back in the metric's own direction.
  const now = goal === "minimize" ? bestValue + value : bestValue - value
  const [lossThen, lossNow] = [valueAt(features, bestStep), features.evals.at(-1)]
  const found = { value, threshold, holds }
  return lossThen !== undefined && lossNow !== undefined && lossNow < lossThen
    ? {
        holds,
        evidence: evidence(
          "loss-better-answers-worse",
          { metric, best: bestValue, bestStep, level: now, lossThen, lossNow },
          found,
        ),
      }
    : { holds, evidence: evidence("metric-worse", { metric, best: bestValue, bestStep, level: now, noise }, found) }
}
