// How likely a point is to keep the sweep's constraints on outcomes: a Gaussian process for each of them, of how far trials
// were beyond its limit (Gardner et al., "Bayesian Optimization with Inequality Constraints", 2014). Owns what these models
// are told and the logarithm of the probability; what it is weighed against is the samplers'.
import type { Metric } from "@sweep/domain/Metric"
import type { OutcomeConstraint } from "@sweep/domain/OutcomeConstraint"
import {
  fitHyperparameters,
  type GaussianProcess,
  gaussianProcess,
  type Hyperparameters,
} from "../numerics/GaussianProcess.ts"
import { mills, normalLogCumulative } from "../numerics/Normal.ts"
import { standardized } from "../numerics/standardized.ts"
import type { History, Observation } from "../space/History.ts"
import { reportedBy } from "./Observed.ts"

export interface Feasibility {
  /** Logarithm of the probability that a point keeps every constraint. */
  readonly log: (point: Float64Array) => number
  /** The same, with its derivatives added to `into`. */
  readonly withGradient: (point: Float64Array, into: Float64Array) => number
}

/** One constraint as its model knows it: feasible below the threshold. */
interface Model {
  readonly process: GaussianProcess
  readonly threshold: number
}

/** Fewer trials that reported the metric, and nothing is said of it. */
const leastReports = 4

const slackOf = (trial: Observation, { metric, comparison, limit }: OutcomeConstraint, ranked: Metric): number => {
  const value = reportedBy(trial, ranked)(metric)
  if (value === null || !Number.isFinite(value)) return Number.NaN
  return comparison === "<=" || comparison === "<" ? value - limit : limit - value
}

const medianOf = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/**
 * For a sampler: `told` are indices of ended trials, `first` those of them that hyperparameters are fitted to; `points` has
 * a point for every trial. `null` while there is nothing to model.
 */
export const feasibility = (
  outcomes: ReadonlyArray<OutcomeConstraint>,
  metric: Metric,
  choice: ReadonlyArray<boolean>,
): ((
  history: History,
  points: (trial: number) => Float64Array,
  told: ReadonlyArray<number>,
  first: ReadonlyArray<number>,
) => Feasibility | null) => {
  const fits = new Map<OutcomeConstraint, { readonly key: string; readonly theta: Hyperparameters }>()
  return (history, points, told, first) => {
    const d = choice.length
    const models = outcomes.flatMap((outcome): ReadonlyArray<Model> => {
      const reported = (trials: ReadonlyArray<number>) =>
        trials.filter((i) => Number.isFinite(slackOf(history[i]!, outcome, metric)))
      const known = reported(told)
      if (known.length < leastReports) return []
      const slacks = known.map((i) => slackOf(history[i]!, outcome, metric))
      // How far beyond the limit a trial is says less the farther it is; the sign stays.
      const unit = medianOf(slacks.map(Math.abs)) || 1
      const drawn = slacks.map((slack) => Math.asinh(slack / unit))
      const { y, mean, deviation } = standardized(drawn)
      const place = new Map(known.map((trial, at) => [trial, at]))
      const fitted = reported(first).filter((trial) => place.has(trial))
      const ofFit = fitted.length < leastReports ? known : fitted
      const values = ofFit.map((trial) => y[place.get(trial)!]!)
      const key = `${ofFit.join(",")}:${values.join(",")}`
      let fit = fits.get(outcome)
      if (fit?.key !== key) {
        fit = { key, theta: fitHyperparameters(ofFit.map(points), Float64Array.from(values), choice) }
        fits.set(outcome, fit)
      }
      return [{ process: gaussianProcess(fit.theta, known.map(points), y, choice), threshold: -mean / deviation }]
    })
    if (models.length === 0) return null
    const ofMean = new Float64Array(d)
    const ofVariance = new Float64Array(d)
    return {
      log: (point) =>
        models.reduce((sum, { process, threshold }) => {
          const { mean, variance } = process.predict(point)
          return sum + normalLogCumulative((threshold - mean) / Math.sqrt(variance))
        }, 0),
      withGradient: (point, into) =>
        models.reduce((sum, { process, threshold }) => {
          const { mean, variance } = process.predictWithGradient(point, ofMean, ofVariance)
          const sigma = Math.sqrt(variance)
          const z = (threshold - mean) / sigma
          // φ(z) / Φ(z).
          const slope = 1 / mills(-z)
          for (let k = 0; k < d; k++) into[k]! += slope * (-ofMean[k]! / sigma - (z * ofVariance[k]!) / (2 * variance))
          return sum + normalLogCumulative(z)
        }, 0),
    }
  }
}
