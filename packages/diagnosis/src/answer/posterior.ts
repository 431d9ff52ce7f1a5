// What the results say of the true values behind them, and how likely each set of parameters is the best of all. Owns a
// Bayesian model of one sweep:
//
//   result of a run = mean + smooth(parameters) + rough(set) + seed noise
//
// with a Gaussian process (Matérn 5/2, one length scale a parameter) for what neighbours share, an independent part for
// what they do not, and noise that runs of the same parameters show, or neighbours where nothing ran twice. Its
// hyperparameters are not fixed at one estimate but drawn from their posterior by elliptical slice sampling (Murray,
// Adams & MacKay, 2010): with few trials most of the doubt is there. The true values are drawn with each of them. A lucky
// result is drawn towards what its neighbours say, and "best" is decided among all draws at once, which is what takes the
// winner's curse away (Efron, "Tweedie's Formula and Selection Bias", 2011; Gelman, Hill & Yajima, "Why we (usually) don't
// have to worry about multiple comparisons", 2012). Pure: the same runs give the same numbers.
import { factorize, solveLower } from "@sweep/search/Cholesky"
import { type Random, random } from "@sweep/search/Random"
import type { Coordinates } from "./coordinates.ts"

export interface Run {
  /** A loss: smaller is better. */
  readonly loss: number
  readonly seed: number
}

export interface Posterior {
  /** By set: the probability that its true value is the best of all. */
  readonly chances: ReadonlyArray<number>
  /** Of the first set against each other one: the probability that it is truly better. */
  readonly ahead: ReadonlyArray<number>
  /** The true loss of the first set: median and the interval that holds it with a probability of 80 %. */
  readonly expected: readonly [low: number, median: number, high: number]
  /** How much better the first set truly is than the second (negative: worse): median and 80 % interval. */
  readonly lead: readonly [low: number, median: number, high: number]
  /** How much better than the first set the truly best one is expected to be: what certainty would be worth. */
  readonly regret: number
  /** Standard deviation between runs of the same parameters near the best: median and 80 % interval. */
  readonly noise: readonly [low: number, median: number, high: number]
  /** What the noise was read from. */
  readonly noiseFrom: "runs" | "neighbours" | "assumed"
}

/** Sets beyond this many: hyperparameters are drawn from an even choice of them. */
const mostFitted = 70
/** Sets beyond this many: the best ones and an even choice of the others stand for all. */
const mostModelled = 140
/** Only sets with the lowest expected loss can be the best in a draw. */
const mostContenders = 50
const warmUp = 24
const draws = 32
const thinning = 3
const perDraw = 48
/** Fewer sets with neighbours than this, and noise from neighbours is mostly assumption. Ours. */
const leastNeighbours = 8

/** Means and deviations of the logarithms of the hyperparameters, for results of standard deviation 1. */
const prior = {
  smooth: [Math.log(0.6), 1.2],
  rough: [Math.log(0.05), 1.3],
  noise: [Math.log(0.4), 1.2],
  /**
   * That parameters may do nothing at all: a normal deviate below −0.6 (27 %) shrinks the smooth and the rough part, down
   * to a hundredth and less. Without it, sweeps whose sets are all the same would not be thought of.
   */
  nothing: [-0.6, 4],
  /** Length scales grow with the square root of the number of parameters, as distances do. */
  length: [Math.log(0.8), 0.8],
} as const

const sqrt5 = Math.sqrt(5)

interface Sample {
  readonly lengths: ReadonlyArray<number>
  readonly smooth: number
  readonly rough: number
  readonly noise: number
}

interface Prepared {
  readonly means: Float64Array
  readonly counts: ReadonlyArray<number>
  readonly squares: number
  readonly freedom: number
}

/**
 * Losses on a scale on which a normal model is fair: linear where it is better than the median, logarithmic where it is
 * worse, because how bad the bad ones are says little of the best.
 */
const scaleOf = (sets: ReadonlyArray<ReadonlyArray<Run>>) => {
  const sorted = sets.flatMap((runs) => runs.map(({ loss }) => loss)).sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]!
  const wide = middle - sorted[0]! || sorted.at(-1)! - middle || 1
  const draw = (loss: number): number => {
    const z = (loss - middle) / wide
    return z > 0 ? Math.log1p(z) : z
  }
  const drawn = sets.map((runs) => runs.reduce((sum, { loss }) => sum + draw(loss), 0) / runs.length)
  const mean = drawn.reduce((sum, z) => sum + z, 0) / drawn.length
  const deviation = Math.sqrt(drawn.reduce((sum, z) => sum + (z - mean) ** 2, 0) / Math.max(1, drawn.length - 1)) || 1
  return {
    apply: (loss: number): number => (draw(loss) - mean) / deviation,
    undo: (value: number): number => {
      const z = value * deviation + mean
      return middle + wide * (z > 0 ? Math.expm1(z) : z)
    },
    /** One unit of a difference near the best, as a loss. */
    unit: deviation * wide,
  }
}

/**
 * The mean of every set, with what its seeds have in common taken out: sets share the seeds of their replicas, and a
 * seed that is bad for one is often bad for all. How much is taken out is what the data say of it (empirical Bayes), so
 * that seeds without an effect change nothing.
 */
const withoutSeeds = (sets: ReadonlyArray<ReadonlyArray<Run>>): Prepared => {
  const repeated = sets.filter((runs) => runs.length > 1)
  const seeds = new Map<number, number>()
  for (const runs of repeated) for (const { seed } of runs) seeds.set(seed, (seeds.get(seed) ?? 0) + 1)
  const shared = Array.from(seeds).flatMap(([seed, count]) => (count > 1 ? [seed] : []))
  const meanOf = (runs: ReadonlyArray<Run>, effect: ReadonlyMap<number, number>): number =>
    runs.reduce((sum, { loss, seed }) => sum + loss - (effect.get(seed) ?? 0), 0) / runs.length
  const residual = (effect: ReadonlyMap<number, number>): number =>
    repeated.reduce((sum, runs) => {
      const mean = meanOf(runs, effect)
      return sum + runs.reduce((s, { loss, seed }) => s + (loss - (effect.get(seed) ?? 0) - mean) ** 2, 0)
    }, 0)
  const freedom = repeated.reduce((sum, runs) => sum + runs.length - 1, 0)
  const none = new Map<number, number>()
  let used: ReadonlyMap<number, number> = none
  let spent = 0
  const left = freedom - (shared.length - 1)
  if (shared.length > 1 && left > 0) {
    const effect = new Map(shared.map((seed) => [seed, 0]))
    for (let round = 0; round < 20; round++) {
      const sums = new Map(shared.map((seed) => [seed, { sum: 0, count: 0 }]))
      for (const runs of repeated) {
        const mean = meanOf(runs, effect)
        for (const { loss, seed } of runs) {
          const of = sums.get(seed)
          if (of !== undefined) {
            of.sum += loss - mean
            of.count++
          }
        }
      }
      const centre = Array.from(sums.values()).reduce((sum, of) => sum + of.sum / of.count, 0) / shared.length
      for (const [seed, of] of sums) effect.set(seed, of.sum / of.count - centre)
    }
    const error = residual(effect) / left
    const between = Array.from(effect.values()).reduce((sum, value) => sum + value ** 2, 0) / (shared.length - 1)
    const each = shared.reduce((sum, seed) => sum + error / seeds.get(seed)!, 0) / shared.length
    const weight = between > 0 ? Math.max(0, 1 - each / between) : 0
    used = new Map(Array.from(effect, ([seed, value]) => [seed, weight * value]))
    spent = weight * (shared.length - 1)
  }
  return {
    means: Float64Array.from(sets, (runs) => meanOf(runs, used)),
    counts: sets.map((runs) => runs.length),
    squares: residual(used),
    freedom: freedom - spent,
  }
}

/** Every k-th, so that at most `most` are left. */
const evenly = (indices: ReadonlyArray<number>, most: number): ReadonlyArray<number> =>
  indices.length <= most
    ? indices
    : Array.from({ length: most }, (_, i) => indices[Math.floor((i * indices.length) / most)]!)

class Model {
  readonly n: number
  readonly #d: number
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
  smooth({ lengths, smooth }: Sample, into: Float64Array): void {
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

  noiseAt(i: number, { rough, noise }: Sample): number {
    return rough ** 2 + noise ** 2 / this.#counts[i]! + 1e-8
  }

  /** Of the results, the mean of all integrated out; −∞ where the arithmetic fails. */
  logLikelihood(sample: Sample): number {
    const { n } = this
    const kernel = this.#kernel
    this.smooth(sample, kernel)
    for (let i = 0; i < n; i++) kernel[i * n + i]! += this.noiseAt(i, sample)
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
  truths(sample: Sample, contenders: ReadonlyArray<number>, from: Random, count: number): ReadonlyArray<Float64Array> {
    const { n } = this
    const m = contenders.length
    const shared = new Float64Array(n * n)
    this.smooth(sample, shared)
    const factor = Float64Array.from(shared)
    for (let i = 0; i < n; i++) factor[i * n + i]! += this.noiseAt(i, sample)
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
}

const sampleOf = (latent: Float64Array, d: number): Sample => {
  const at = (k: number, [mean, deviation]: readonly [number, number]) => Math.exp(mean + deviation * latent[k]!)
  const width = Math.sqrt(Math.max(1, d))
  const [from, slope] = prior.nothing
  const shrink = Math.exp(slope * Math.min(0, latent[d + 3]! - from))
  return {
    lengths: Array.from({ length: d }, (_, k) => width * at(k, prior.length)),
    smooth: shrink * at(d, prior.smooth),
    rough: shrink * at(d + 1, prior.rough),
    noise: at(d + 2, prior.noise),
  }
}

/** Hyperparameters from their posterior. */
const hyperparameters = (model: Model, d: number, from: Random): ReadonlyArray<Sample> => {
  const size = d + 4
  const fresh = (): Float64Array => Float64Array.from({ length: size }, () => from.normal())
  const value = (latent: Float64Array): number => model.logLikelihood(sampleOf(latent, d))
  let here = new Float64Array(size)
  let height = value(here)
  // A fair start: the best of a few draws of the prior.
  for (let i = 0; i < 12; i++) {
    const other = fresh()
    const its = value(other)
    if (its > height) [here, height] = [other as Float64Array<ArrayBuffer>, its]
  }
  const found: Array<Sample> = []
  for (let step = 0; found.length < draws; step++) {
    const direction = fresh()
    const level = height + Math.log(from.uniform())
    let angle = 2 * Math.PI * from.uniform()
    let [low, high] = [angle - 2 * Math.PI, angle]
    for (let tries = 0; tries < 40; tries++) {
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      const proposed = Float64Array.from(here, (x, k) => x * cos + direction[k]! * sin)
      const its = value(proposed)
      if (its > level) {
        ;[here, height] = [proposed, its]
        break
      }
      if (angle < 0) low = angle
      else high = angle
      angle = low + (high - low) * from.uniform()
    }
    if (step >= warmUp && step % thinning === 0) found.push(sampleOf(here, d))
  }
  return found
}

const quantiles = (values: ReadonlyArray<number>): readonly [number, number, number] => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return [at(0.1), at(0.5), at(0.9)]
}

/** `sets`: best mean first, at least two, each with at least one run; `coordinates` has a point for each. */
export const posteriorOf = (sets: ReadonlyArray<ReadonlyArray<Run>>, coordinates: Coordinates, seed = 1): Posterior => {
  const scale = scaleOf(sets)
  const data = withoutSeeds(
    sets.map((runs) => runs.map(({ loss, seed: own }) => ({ loss: scale.apply(loss), seed: own }))),
  )
  const all = Array.from(sets.keys())
  const ranked = all.toSorted((a, b) => data.means[a]! - data.means[b]!)
  // Sets 0 and 1 are those the answer is about.
  const leading = new Set([0, 1, ...ranked.slice(0, mostModelled / 2)])
  const modelled =
    all.length <= mostModelled
      ? all
      : [
          ...leading,
          ...evenly(
            all.filter((i) => !leading.has(i)),
            mostModelled - leading.size,
          ),
        ]
  const contenders = [...new Set([0, 1, ...ranked])].filter((i) => modelled.includes(i)).slice(0, mostContenders)
  const places = contenders.map((i) => modelled.indexOf(i))
  const d = coordinates.choice.length
  const from = random(seed, sets.length, "answer")
  const samples = hyperparameters(new Model(coordinates, evenly(all, mostFitted), data), d, from)
  const model = new Model(coordinates, modelled, data)
  const wins = new Float64Array(sets.length)
  const ahead = new Float64Array(sets.length)
  const expected: Array<number> = []
  const lead: Array<number> = []
  let regret = 0
  let count = 0
  for (const sample of samples) {
    for (const truth of model.truths(sample, places, from, perDraw)) {
      let best = 0
      for (let a = 1; a < truth.length; a++) if (truth[a]! < truth[best]!) best = a
      wins[contenders[best]!]!++
      for (let a = 1; a < truth.length; a++) if (truth[0]! < truth[a]!) ahead[contenders[a]!]!++
      const own = scale.undo(truth[0]!)
      expected.push(own)
      lead.push(scale.undo(truth[1]!) - own)
      regret += own - scale.undo(truth[best]!)
      count++
    }
  }
  return {
    chances: Array.from(wins, (won) => won / count),
    ahead: Array.from(ahead, (won) => won / count),
    expected: quantiles(expected),
    lead: quantiles(lead),
    regret: regret / count,
    noise: quantiles(samples.map(({ noise }) => noise * scale.unit)),
    noiseFrom: data.freedom > 0 ? "runs" : sets.length >= leastNeighbours && d > 0 ? "neighbours" : "assumed",
  }
}
