// Synthetic train and eval curves, and their features, for the tests of this package.
import { type CurveFeatures, type CurvePoint, curveFeatures } from "@sweep/domain/Curve"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { DiagnosisContext } from "../src/DiagnosisContext.ts"

/** Evals every ten steps from step 0; one train loss for each eval but the first; the metric at the evals. */
export const features = (
  evals: ReadonlyArray<number>,
  train: ReadonlyArray<number> = evals.slice(1),
  metric: ReadonlyArray<number> = [],
  samples: number | null = null,
): CurveFeatures => {
  const points = (values: ReadonlyArray<number>, from: number): ReadonlyArray<CurvePoint> =>
    values.map((value, i) => ({ step: from + i * 10, value }))
  return curveFeatures(SweepId.make("s"), TrialNumber.make(1), points(evals, 0), points(train, 10), {
    metric: points(metric, 0),
    samples: samples === null ? [] : [{ step: 0, value: samples }],
  })
}

export const context = (change: Partial<DiagnosisContext> = {}): DiagnosisContext => ({
  finished: true,
  parameters: { rank: 16, learning_rate: 1e-3, epochs: 3 },
  trainer: "peft",
  totalSteps: null,
  metric: "eval/loss",
  goal: "minimize",
  ...change,
})

/** Normal deviates, seeded (Marsaglia's polar method over a 32-bit linear congruential generator). */
export const normals = (seed: number) => {
  let state = seed >>> 0
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4_294_967_296
  }
  return (): number => {
    for (;;) {
      const x = 2 * uniform() - 1
      const y = 2 * uniform() - 1
      const s = x * x + y * y
      if (s > 0 && s < 1) return x * Math.sqrt((-2 * Math.log(s)) / s)
    }
  }
}
