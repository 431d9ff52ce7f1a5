// A Gaussian process on the unit cube: Matérn-5/2 kernel with one length scale per axis (ARD), choices by whether they
// are equal, observation noise, and hyperparameters at the maximum of their posterior. Owns the model: fitting,
// conditioning and prediction with gradients. What to do with a prediction is the acquisition's.
import { factorize, invert, solveLower, solveUpper } from "./Cholesky.ts"
import { minimize } from "./Lbfgs.ts"

/** On log scale: one per axis for the inverse squared length scales, then kernel variance and noise variance. */
export type Hyperparameters = Float64Array

interface Prediction {
  readonly mean: number
  readonly variance: number
}

export interface GaussianProcess {
  readonly size: number
  readonly predict: (x: Float64Array) => Prediction
  /** Also writes the gradients of both by x; those of choices are 0. */
  readonly predictWithGradient: (x: Float64Array, ofMean: Float64Array, ofVariance: Float64Array) => Prediction
  /** What it would have predicted of each of its points without it (Rasmussen & Williams, 2006, eq. 5.12). */
  readonly leftOut: () => Float64Array
  /** The process after observing `y` at `x`, too. */
  readonly extend: (x: Float64Array, y: number) => GaussianProcess
}

const sqrt5 = Math.sqrt(5)
/** Kept below which no noise goes: values are standardised, and the factor has to exist. */
const leastNoise = 1e-6

/** Squared distances per axis of all pairs i > j, by pair, then axis. */
const squaredDistances = (points: ReadonlyArray<Float64Array>, choice: ReadonlyArray<boolean>): Float64Array => {
  const n = points.length
  const d = choice.length
  const all = new Float64Array(((n * (n - 1)) / 2) * d)
  let at = 0
  for (let i = 1; i < n; i++) {
    for (let j = 0; j < i; j++) {
      for (let k = 0; k < d; k++, at++) {
        const difference = points[i]![k]! - points[j]![k]!
        all[at] = choice[k]! ? (difference === 0 ? 0 : 1) : difference * difference
      }
    }
  }
  return all
}

/**
 * Negative log posterior of the hyperparameters and its gradient. The priors, for values of variance 1 on a unit cube:
 * length scales log-normal around 0.5·√d with σ = 1 (they grow with √d as distances do: Hvarfner et al., "Vanilla
 * Bayesian Optimization Performs Great in High Dimensions", 2024), kernel variance log-normal around 1, noise variance
 * log-normal around 1e-4 and wide.
 */
const negativeLogPosterior = (distances: Float64Array, y: Float64Array, d: number) => {
  const n = y.length
  const kernel = new Float64Array(n * n)
  const slope = new Float64Array((n * (n - 1)) / 2)
  const shape = new Float64Array((n * (n - 1)) / 2)
  const inverse = new Float64Array(n * n)
  const weights = new Float64Array(d)
  const typical = -2 * Math.log(0.5 * Math.sqrt(d))
  const prior = (value: number, mean: number, sigma: number, at: number, gradient: Float64Array): number => {
    const z = (value - mean) / sigma
    gradient[at]! += z / sigma
    return 0.5 * z * z
  }
  return (theta: Float64Array, gradient: Float64Array): number => {
    for (let k = 0; k < d; k++) weights[k] = Math.exp(theta[k]!)
    const scale = Math.exp(theta[d]!)
    const noise = Math.exp(theta[d + 1]!) + leastNoise
    for (let i = 0, pair = 0, at = 0; i < n; i++) {
      for (let j = 0; j < i; j++, pair++) {
        let r2 = 0
        for (let k = 0; k < d; k++, at++) r2 += weights[k]! * distances[at]!
        const r = sqrt5 * Math.sqrt(r2)
        const e = Math.exp(-r)
        shape[pair] = (1 + r + (r * r) / 3) * e
        // By the squared distance.
        slope[pair] = (-5 / 6) * (1 + r) * e
        kernel[i * n + j] = scale * shape[pair]!
      }
      kernel[i * n + i] = scale + noise
    }
    if (!factorize(kernel, n)) return Infinity
    const alpha = Float64Array.from(y)
    solveLower(kernel, n, alpha)
    let fit = 0
    let logDeterminant = 0
    for (let i = 0; i < n; i++) {
      fit += alpha[i]! ** 2
      logDeterminant += Math.log(kernel[i * n + i]!)
    }
    solveUpper(kernel, n, alpha)
    invert(kernel, n, inverse)

    // ∂/∂θ of the log likelihood is ½ tr((ααᵀ − K⁻¹) ∂K/∂θ).
    gradient.fill(0)
    let byScale = 0
    let byNoise = 0
    for (let i = 0, pair = 0, at = 0; i < n; i++) {
      for (let j = 0; j < i; j++, pair++) {
        const outer = alpha[i]! * alpha[j]! - inverse[i * n + j]!
        byScale += 2 * outer * shape[pair]!
        const bySquare = outer * slope[pair]!
        for (let k = 0; k < d; k++, at++) gradient[k]! -= scale * bySquare * weights[k]! * distances[at]!
      }
      const outer = alpha[i]! ** 2 - inverse[i * n + i]!
      byScale += outer
      byNoise += outer
    }
    gradient[d] = -0.5 * scale * byScale
    gradient[d + 1] = -0.5 * Math.exp(theta[d + 1]!) * byNoise
    let value = 0.5 * fit + logDeterminant
    for (let k = 0; k < d; k++) value += prior(theta[k]!, typical, 2, k, gradient)
    value += prior(theta[d]!, 0, 1, d, gradient)
    value += prior(theta[d + 1]!, Math.log(1e-4), 3, d + 1, gradient)
    return value
  }
}

/** The hyperparameters at the posterior's maximum, from a fixed start: the same data, the same answer. */
export const fitHyperparameters = (
  points: ReadonlyArray<Float64Array>,
  y: Float64Array,
  choice: ReadonlyArray<boolean>,
): Hyperparameters => {
  const d = choice.length
  const objective = negativeLogPosterior(squaredDistances(points, choice), y, d)
  const start = new Float64Array(d + 2)
  start.fill(-2 * Math.log(0.5 * Math.sqrt(d)), 0, d)
  start[d + 1] = Math.log(1e-3)
  const low = new Float64Array(d + 2).fill(Math.log(1e-4))
  const high = new Float64Array(d + 2).fill(Math.log(1e4))
  low[d] = Math.log(0.05)
  high[d] = Math.log(20)
  low[d + 1] = Math.log(1e-7)
  high[d + 1] = Math.log(1)
  return minimize(objective, start, { low, high }, { iterations: 40, tolerance: 1e-3 }).x
}

/** The process with `theta`, conditioned on `y` at `points`. */
export const gaussianProcess = (
  theta: Hyperparameters,
  points: ReadonlyArray<Float64Array>,
  y: ArrayLike<number>,
  choice: ReadonlyArray<boolean>,
): GaussianProcess => {
  const d = choice.length
  const n = points.length
  const weights = Float64Array.from({ length: d }, (_, k) => Math.exp(theta[k]!))
  const scale = Math.exp(theta[d]!)
  const noise = Math.exp(theta[d + 1]!) + leastNoise
  const flat = new Float64Array(n * d)
  points.forEach((point, i) => flat.set(point, i * d))

  const numeric = Array.from(choice.keys()).filter((k) => !choice[k]!)
  const choices = Array.from(choice.keys()).filter((k) => choice[k]!)
  const squared = (x: Float64Array, i: number): number => {
    const at = i * d
    let r2 = 0
    for (let j = 0; j < numeric.length; j++) {
      const k = numeric[j]!
      const difference = x[k]! - flat[at + k]!
      r2 += weights[k]! * difference * difference
    }
    for (let j = 0; j < choices.length; j++) {
      const k = choices[j]!
      if (x[k]! !== flat[at + k]!) r2 += weights[k]!
    }
    return r2
  }
  const factor = new Float64Array(n * n)
  const fill = (jitter: number): void => {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const r = sqrt5 * Math.sqrt(squared(points[i]!, j))
        factor[i * n + j] = scale * (1 + r + (r * r) / 3) * Math.exp(-r)
      }
      factor[i * n + i] = scale + noise + jitter
    }
  }
  fill(0)
  // Points closer than the arithmetic can tell apart: a little more noise until the factor exists.
  for (let jitter = 1e-6; !factorize(factor, n); jitter *= 10) fill(jitter)
  const alpha = Float64Array.from(y)
  solveLower(factor, n, alpha)
  solveUpper(factor, n, alpha)

  const v = new Float64Array(n)
  /** (1 + r) e⁻ʳ of the last point: what the gradient is made of. */
  const decay = new Float64Array(n)
  const predict = (x: Float64Array): Prediction => {
    let mean = 0
    for (let i = 0; i < n; i++) {
      const r = sqrt5 * Math.sqrt(squared(x, i))
      const e = Math.exp(-r)
      decay[i] = (1 + r) * e
      v[i] = scale * (decay[i]! + ((r * r) / 3) * e)
      mean += v[i]! * alpha[i]!
    }
    solveLower(factor, n, v)
    let explained = 0
    for (let i = 0; i < n; i++) explained += v[i]! ** 2
    return { mean, variance: Math.max(1e-12, scale - explained) }
  }
  return {
    size: n,
    predict,
    predictWithGradient: (x, ofMean, ofVariance) => {
      const prediction = predict(x)
      solveUpper(factor, n, v)
      ofMean.fill(0)
      ofVariance.fill(0)
      for (let i = 0; i < n; i++) {
        const common = scale * (-5 / 3) * decay[i]!
        const byMean = common * alpha[i]!
        const byVariance = -2 * common * v[i]!
        for (const m of numeric) {
          const difference = weights[m]! * (x[m]! - flat[i * d + m]!)
          ofMean[m]! += byMean * difference
          ofVariance[m]! += byVariance * difference
        }
      }
      return prediction
    },
    leftOut: () => {
      const inverse = new Float64Array(n * n)
      invert(factor, n, inverse)
      return Float64Array.from({ length: n }, (_, i) => y[i]! - alpha[i]! / inverse[i * n + i]!)
    },
    extend: (x, value) => gaussianProcess(theta, [...points, x], [...Array.from(y), value], choice),
  }
}
