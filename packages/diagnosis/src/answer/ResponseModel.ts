// A model of how the results of a sweep follow from its parameters:
//
//   result of a run = mean + smooth(parameters) + rough(set) + seed noise
//
// with a Gaussian process (Matérn 5/2, one length scale a parameter) for what neighbours share, an independent part for
// what they do not, and noise that runs of the same parameters show. Owns the likelihood of hyperparameters and draws of
// the true values given them; where hyperparameters come from is ellipticalSlice's and its callers'.
import { factorize, solveLower, solveUpper } from "@sweep/search/Cholesky"
import type { Random } from "@sweep/search/Random"
import type { Coordinates } from "./coordinates.ts"
import type { Prepared } from "./runs.ts"

const sqrt5 = Math.sqrt(5)

export interface Hyperparameters {
  readonly lengths: ReadonlyArray<number>
  readonly smooth: number
  readonly rough: number
  readonly noise: number
}

export class ResponseModel {
  readonly n: number
  readonly #d: number
  readonly #points: ReadonlyArray<Float64Array>
  readonly #choice: ReadonlyArray<boolean>
  readonly #distances: Float64Array
  readonly #kernel: Float64Array
  readonly #y: Float64Array
  readonly #counts: ReadonlyArray<number>
  readonly #data: Prepared

  constructor({ points, choice }: Coordinates, indices: ReadonlyArray<number>, data: Prepared) {
    const n = indices.length
    const d = choice.length
    this.n = n
    this.#d = d
    this.#choice = choice
    this.#points = indices.map((i) => points[i]!)
    this.#data = data
    this.#y = Float64Array.from(indices, (i) => data.means[i]!)
    this.#counts = indices.map((i) => data.counts[i]!)
    this.#kernel = new Float64Array(n * n)
    this.#distances = new Float64Array(((n * (n - 1)) / 2) * d)
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        for (let k = 0; k < d; k++, at++) {
          const difference = points[indices[i]!]![k]! - points[indices[j]!]![k]!
          this.#distances[at] = choice[k]! ? (difference === 0 ? 0 : 1) : difference * difference
        }
      }
    }
  }

  /** The smooth part of the covariance, lower triangle. */
  #smooth({ lengths, smooth }: Hyperparameters, into: Float64Array): void {
    const { n } = this
    const d = this.#d
    const weights = lengths.map((length) => 1 / length ** 2)
    const variance = smooth ** 2
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        let r2 = 0
        for (let k = 0; k < d; k++, at++) r2 += weights[k]! * this.#distances[at]!
        const r = sqrt5 * Math.sqrt(r2)
        into[i * n + j] = variance * (1 + r + (r * r) / 3) * Math.exp(-r)
      }
      into[i * n + i] = variance
    }
  }

  #noiseAt(i: number, { rough, noise }: Hyperparameters): number {
    return rough ** 2 + noise ** 2 / this.#counts[i]! + 1e-8
  }

  /** Of the results, the mean of all integrated out; −∞ where the arithmetic fails. */
  logLikelihood(sample: Hyperparameters): number {
    const { n } = this
    const kernel = this.#kernel
    this.#smooth(sample, kernel)
    for (let i = 0; i < n; i++) kernel[i * n + i]! += this.#noiseAt(i, sample)
    if (!factorize(kernel, n)) return -Infinity
    const y = Float64Array.from(this.#y)
    const one = new Float64Array(n).fill(1)
    solveLower(kernel, n, y)
    solveLower(kernel, n, one)
    let [yy, oy, oo, logDeterminant] = [0, 0, 0, 0]
    for (let i = 0; i < n; i++) {
      yy += y[i]! ** 2
      oy += one[i]! * y[i]!
      oo += one[i]! ** 2
      logDeterminant += Math.log(kernel[i * n + i]!)
    }
    const { squares, freedom } = this.#data
    return (
      -0.5 * (yy - (oy * oy) / oo + Math.log(oo)) -
      logDeterminant -
      freedom * Math.log(sample.noise) -
      squares / (2 * sample.noise ** 2)
    )
  }

  /**
   * Draws of the true values of the sets `contenders`, one row a draw: the mean of all, the smooth and the rough part,
   * without the noise.
   */
  truths(
    sample: Hyperparameters,
    contenders: ReadonlyArray<number>,
    from: Random,
    count: number,
  ): ReadonlyArray<Float64Array> {
    const { n } = this
    const m = contenders.length
    const shared = new Float64Array(n * n)
    this.#smooth(sample, shared)
    const factor = Float64Array.from(shared)
    for (let i = 0; i < n; i++) factor[i * n + i]! += this.#noiseAt(i, sample)
    if (!factorize(factor, n)) return []
    const covariance = (i: number, j: number): number =>
      (i >= j ? shared[i * n + j]! : shared[j * n + i]!) + (i === j ? sample.rough ** 2 : 0)
    const y = Float64Array.from(this.#y)
    const one = new Float64Array(n).fill(1)
    solveLower(factor, n, y)
    solveLower(factor, n, one)
    let [oy, oo] = [0, 0]
    for (let i = 0; i < n; i++) {
      oy += one[i]! * y[i]!
      oo += one[i]! ** 2
    }
    const mean = oy / oo
    const columns = contenders.map((c) => {
      const column = Float64Array.from({ length: n }, (_, i) => covariance(i, c))
      solveLower(factor, n, column)
      return column
    })
    const centre = new Float64Array(m)
    const left = new Float64Array(m)
    for (let a = 0; a < m; a++) {
      let [fit, explained] = [0, 0]
      for (let i = 0; i < n; i++) {
        fit += columns[a]![i]! * (y[i]! - mean * one[i]!)
        explained += columns[a]![i]! * one[i]!
      }
      centre[a] = mean + fit
      // What the doubt about the mean adds.
      left[a] = 1 - explained
    }
    const rest = new Float64Array(m * m)
    for (let a = 0; a < m; a++) {
      for (let b = 0; b <= a; b++) {
        let explained = 0
        for (let i = 0; i < n; i++) explained += columns[a]![i]! * columns[b]![i]!
        rest[a * m + b] = covariance(contenders[a]!, contenders[b]!) - explained + (left[a]! * left[b]!) / oo
      }
    }
    const lower = new Float64Array(m * m)
    for (let jitter = 1e-9; ; jitter *= 10) {
      lower.set(rest)
      for (let a = 0; a < m; a++) lower[a * m + a]! += jitter
      if (factorize(lower, m)) break
    }
    return Array.from({ length: count }, () => {
      const deviates = Float64Array.from({ length: m }, () => from.normal())
      return Float64Array.from({ length: m }, (_, a) => {
        let value = centre[a]!
        for (let b = 0; b <= a; b++) value += lower[a * m + b]! * deviates[b]!
        return value
      })
    })
  }

  /**
   * A draw of the smooth part as a function, by Matheron's rule (Wilson et al., "Efficiently Sampling Functions from Gaussian
   * Process Posteriors", 2020): a draw of the prior, made of `features` random waves, and the update that the results call
   * for. Choices stand as one coordinate a value, so that two different ones are at distance 1. `null` where the
   * arithmetic fails.
   */
  field(sample: Hyperparameters, from: Random, features = 96): ((x: Float64Array) => number) | null {
    const { n } = this
    const d = this.#d
    const factor = new Float64Array(n * n)
    this.#smooth(sample, factor)
    for (let i = 0; i < n; i++) factor[i * n + i]! += this.#noiseAt(i, sample)
    if (!factorize(factor, n)) return null
    const scale = sample.lengths.map((length) => 1 / length)
    // By wave: on an ordered axis its frequency, on one of choices a frequency for each value met so far.
    const waves = Array.from({ length: features }, () => {
      // Matérn 5/2 is what waves with Student's t₅ frequencies add up to.
      let chi = 0
      for (let k = 0; k < 5; k++) chi += from.normal() ** 2
      const heavy = Math.sqrt(5 / chi)
      return {
        ordered: Float64Array.from({ length: d }, (_, k) => (this.#choice[k]! ? 0 : heavy * from.normal() * scale[k]!)),
        chosen: Array.from({ length: d }, () => new Map<number, number>()),
        heavy,
        phase: 2 * Math.PI * from.uniform(),
        weight: sample.smooth * Math.sqrt(2 / features) * from.normal(),
      }
    })
    const isChoice = this.#choice
    const wave = (x: Float64Array): number => {
      let sum = 0
      for (const { ordered, chosen, heavy, phase, weight } of waves) {
        let angle = phase
        for (let k = 0; k < d; k++) {
          if (isChoice[k]!) {
            let frequency = chosen[k]!.get(x[k]!)
            if (frequency === undefined) {
              frequency = heavy * from.normal() * scale[k]! * Math.SQRT1_2
              chosen[k]!.set(x[k]!, frequency)
            }
            angle += frequency
          } else angle += ordered[k]! * x[k]!
        }
        sum += weight * Math.cos(angle)
      }
      return sum
    }
    const rest = Float64Array.from(
      { length: n },
      (_, i) => this.#y[i]! - wave(this.#points[i]!) - Math.sqrt(this.#noiseAt(i, sample)) * from.normal(),
    )
    // The mean of all is what is left of the results on average.
    const one = new Float64Array(n).fill(1)
    const whitened = Float64Array.from(rest)
    solveLower(factor, n, whitened)
    solveLower(factor, n, one)
    let [oy, oo] = [0, 0]
    for (let i = 0; i < n; i++) {
      oy += one[i]! * whitened[i]!
      oo += one[i]! ** 2
    }
    const mean = oy / oo
    for (let i = 0; i < n; i++) rest[i]! -= mean
    solveLower(factor, n, rest)
    solveUpper(factor, n, rest)
    const weights = sample.lengths.map((length) => 1 / length ** 2)
    const variance = sample.smooth ** 2
    return (x) => {
      let value = mean + wave(x)
      for (let i = 0; i < n; i++) {
        const point = this.#points[i]!
        let r2 = 0
        for (let k = 0; k < d; k++) {
          const difference = x[k]! - point[k]!
          r2 += weights[k]! * (isChoice[k]! ? (difference === 0 ? 0 : 1) : difference * difference)
        }
        const r = sqrt5 * Math.sqrt(r2)
        value += rest[i]! * variance * (1 + r + (r * r) / 3) * Math.exp(-r)
      }
      return value
    }
  }
}
