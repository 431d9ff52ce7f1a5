// What the results say of the true values behind them, and how likely each set of parameters is the best of all. Owns the
// priors of the model's hyperparameters and the question asked of it. Hyperparameters are not fixed at one estimate but
// drawn from their posterior: with few trials most of the doubt is there. The true values are drawn with each of them. A
// lucky result is drawn towards what its neighbours say, and "best" is decided among all draws at once, which is what
// takes the winner's curse away (Efron, "Tweedie's Formula and Selection Bias", 2011; Gelman, Hill & Yajima, "Why we
// (usually) don't have to worry about multiple comparisons", 2012). Pure: the same runs give the same numbers.
import { random } from "@sweep/search/Random"
import type { Coordinates } from "./coordinates.ts"
import { ellipticalSlice } from "./ellipticalSlice.ts"
import { type Hyperparameters, ResponseModel } from "./ResponseModel.ts"
import { type Run, scaleOf, withoutSeeds } from "./runs.ts"

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

/** Every k-th, so that at most `most` are left. */
export const evenly = (indices: ReadonlyArray<number>, most: number): ReadonlyArray<number> =>
  indices.length <= most
    ? indices
    : Array.from({ length: most }, (_, i) => indices[Math.floor((i * indices.length) / most)]!)

const sampleOf = (latent: Float64Array, d: number): Hyperparameters => {
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
  const fitted = new ResponseModel(coordinates, evenly(all, mostFitted), data)
  const walk = { size: d + 4, logLikelihood: (latent: Float64Array) => fitted.logLikelihood(sampleOf(latent, d)) }
  const samples = ellipticalSlice({ ...walk, warmUp, draws, thinning }, from).map((latent) => sampleOf(latent, d))
  const model = new ResponseModel(coordinates, modelled, data)
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
