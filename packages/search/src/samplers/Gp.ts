// Bayesian optimisation with a Gaussian process: the next trial is where the model promises most, by log expected
// improvement. Owns what the model is told (standardised losses with the bad tail drawn in, failures as the worst,
// open trials as if they came out as expected) and the search for the best promise over continuous, ordered and choice
// axes alike, within the constraints. What does not fit into memory is no loss but a constraint with a Gaussian process of
// its own, whose probability weighs the promise (Gardner et al., 2014). Hyperparameters are fitted to the first trials of a
// growing schedule, so that a fit is used for several suggestions and yet depends on the history alone. Where the model foresees little of what it was not
// shown (rugged landscapes, tables whose cells have nothing to do with their neighbours), the tree-structured Parzen
// estimator takes turns with it: a portfolio of two, whose shares the data decide. With constraints on outcomes the promise is
// weighed by the probability of keeping them, and improvement is over the best that does.
import type { SearchSpace } from "@sweep/domain/SearchSpace"
import type { Parameters } from "@sweep/domain/Parameter"
import { clampUnit, logBelief } from "../space/Axis.ts"
import { logExpectedImprovement, logImprovement } from "../numerics/ExpectedImprovement.ts"
import {
  fitHyperparameters,
  type GaussianProcess,
  gaussianProcess,
  type Hyperparameters,
} from "../numerics/GaussianProcess.ts"
import { type Feasibility, feasibility } from "./Feasibility.ts"
import type { History } from "../space/History.ts"
import { mills, normalLogCumulative } from "../numerics/Normal.ts"
import { standardized } from "../numerics/standardized.ts"
import { minimize } from "../numerics/Lbfgs.ts"
import { observed } from "./Observed.ts"
import { random, type Random } from "../numerics/Random.ts"
import { drawNew } from "./RandomSearch.ts"
import type { Sampler, SamplerFactory, SamplerInput, Suggestion } from "./Sampler.ts"
import { sobolSequence, sobolSuggestion } from "./Sobol.ts"
import { checkFeasible, compileSpace, drawUnit, type Space } from "../space/Space.ts"
import { type Tried, tried } from "../space/Tried.ts"
import { tpe } from "./Tpe.ts"

/** Trials of a Sobol sequence before the model is asked. */
export const startup = 10
/** The model knows at most this many trials: the best half and the newest half. */
export const capacity = 200
/** Points of the space at which the promise is looked up first; the best of them are climbed from. */
const lookups = 512
const climbs = 6
/** A space with at most this many points is looked up everywhere. */
const everywhere = 1_500

/** The largest of 10, 11, 12 … 20, 22, 24 … (steps of 8 %) not above n: after how many trials hyperparameters are fitted. */
export const fitSize = (n: number): number => {
  let size = Math.min(n, startup)
  for (let next = size; next <= n; next += Math.max(1, Math.floor(0.08 * next))) size = next
  return size
}

/**
 * Losses of mean 0 and variance 1. What is worse than the median is drawn in logarithmically first: how bad the bad
 * trials are (a diverged run's loss is arbitrary) says little about where the best ones lie.
 */
export const standardize = (losses: ReadonlyArray<number>): Float64Array => {
  const sorted = Float64Array.from(losses).sort()
  const median = sorted[Math.floor((sorted.length - 1) / 2)]!
  const scale = median - sorted[0]! || 1
  const drawn = Float64Array.from(losses, (loss) => {
    const z = (loss - median) / scale
    return z > 0 ? Math.log1p(z) : z
  })
  return standardized(drawn).y
}

/** Encoded, with a parameter that is absent in the middle: the parameter its condition reads says that it is absent. */
export const complete = (row: Float64Array): Float64Array => row.map((u) => (Number.isNaN(u) ? 0.5 : u))

interface Candidate {
  readonly parameters: Parameters
  readonly point: Float64Array
  readonly promise: number
}

class Search {
  readonly #space: Space
  readonly #model: GaussianProcess
  /** `null`: nothing keeps the constraints on outcomes yet, and keeping them is all that is promised. */
  readonly #threshold: number | null
  /** Of the person's belief, which fades as trials come in (Hvarfner et al., "πBO", 2022). */
  readonly #belief: number
  readonly #feasibility: Feasibility | null
  /** Of whether a trial fits: 1 where it did, −1 where not; `null` while everything has fitted. */
  readonly #fits: GaussianProcess | null
  readonly candidates: Array<Candidate> = []

  constructor(
    space: Space,
    model: GaussianProcess,
    threshold: number | null,
    belief: number,
    feasibility: Feasibility | null,
    fits: GaussianProcess | null,
  ) {
    this.#space = space
    this.#model = model
    this.#threshold = threshold
    this.#belief = belief
    this.#feasibility = feasibility
    this.#fits = fits
  }

  #believe(point: Float64Array): number {
    let sum = 0
    this.#space.axes.forEach(({ belief }, k) => {
      if (belief !== null) sum += logBelief(belief, point[k]!)
    })
    return this.#belief * sum
  }

  /** The log of the probability that the trial at `point` fits; its gradient is taken off `gradient` where that is `free`. */
  #logFits(point: Float64Array, gradient?: Float64Array, free?: ReadonlyArray<boolean>): number {
    if (this.#fits === null) return 0
    const ofMean = new Float64Array(point.length)
    const ofVariance = new Float64Array(point.length)
    const { mean, variance } = this.#fits.predictWithGradient(point, ofMean, ofVariance)
    const total = variance + doubt
    const deviation = Math.sqrt(total)
    const z = (mean - margin) / deviation
    if (gradient !== undefined) {
      // φ(z) / Φ(z)
      const slope = 1 / mills(-z) + (z < 0 ? barrier : 0)
      point.forEach((_, k) => {
        if (free![k]!) gradient[k]! -= slope * (ofMean[k]! / deviation - (z * ofVariance[k]!) / (2 * total))
      })
    }
    return normalLogCumulative(z) + barrier * Math.min(0, z)
  }

  /** The candidate that `unit` is once it is a set of parameters; nothing when it is against a constraint. */
  look(unit: ArrayLike<number>): Candidate | undefined {
    const parameters = this.#space.decode(unit)
    return parameters === null ? undefined : this.consider(parameters)
  }

  consider(parameters: Parameters): Candidate {
    const point = complete(this.#space.encode(parameters))
    let promise = this.#believe(point) + this.#logFits(point)
    if (this.#threshold !== null) {
      const { mean, variance } = this.#model.predict(point)
      promise += logExpectedImprovement(mean, variance, this.#threshold)
    }
    if (this.#feasibility !== null) promise += this.#feasibility.log(point)
    const candidate = { parameters, point, promise }
    this.candidates.push(candidate)
    return candidate
  }

  /** The best candidates, no two of them close to each other. */
  best(count: number): ReadonlyArray<Candidate> {
    const chosen: Array<Candidate> = []
    for (const candidate of this.candidates.toSorted((a, b) => b.promise - a.promise)) {
      if (chosen.every(({ point }) => point.some((u, k) => Math.abs(u - candidate.point[k]!) > 0.02))) {
        chosen.push(candidate)
        if (chosen.length === count) break
      }
    }
    return chosen
  }

  /** Uphill from `start`: along the gradient where axes have one, then step by step over the values of the others. */
  climb(start: Candidate): void {
    const { axes } = this.#space
    const d = axes.length
    let here = start
    for (let round = 0; round < 3; round++) {
      const before = here.promise
      const absent = this.#space.encode(here.parameters)
      const free = axes.map(({ kind, levels }, k) => !Number.isNaN(absent[k]!) && kind !== "choice" && levels > 2)
      const low = here.point.map((u, k) => (free[k]! ? 2 ** -53 : u))
      const high = here.point.map((u, k) => (free[k]! ? 1 - 2 ** -53 : u))
      const ofMean = new Float64Array(d)
      const ofVariance = new Float64Array(d)
      const ofFeasibility = new Float64Array(d)
      const { x } = minimize(
        (point, gradient) => {
          let promise = this.#believe(point)
          ofFeasibility.fill(0)
          if (this.#feasibility !== null) promise += this.#feasibility.withGradient(point, ofFeasibility)
          for (let k = 0; k < d; k++) gradient[k] = -ofFeasibility[k]!
          if (this.#threshold !== null) {
            const { mean, variance } = this.#model.predictWithGradient(point, ofMean, ofVariance)
            const sigma = Math.sqrt(variance)
            const z = (this.#threshold - mean) / sigma
            const { value, slope } = logImprovement(z)
            promise += value + Math.log(sigma)
            for (let k = 0; k < d; k++) {
              const bySigma = ofVariance[k]! / (2 * variance)
              gradient[k]! += slope * (ofMean[k]! / sigma + z * bySigma) - bySigma
            }
          }
          axes.forEach(({ belief }, k) => {
            if (!free[k]!) gradient[k] = 0
            else if (belief !== null) gradient[k]! += (this.#belief * (point[k]! - belief.center)) / belief.width ** 2
          })
          return -(promise + this.#logFits(point, gradient, free))
        },
        here.point,
        { low, high },
        { iterations: 20, tolerance: 1e-4 },
      )
      const climbed = this.look(x)
      if (climbed !== undefined && climbed.promise > here.promise) here = climbed
      here = this.#step(here)
      if (!(here.promise > before + 1e-6)) break
    }
  }

  /** The best of the values one step away, axis by axis: neighbours of ordered values, every other choice. */
  #step(start: Candidate): Candidate {
    let here = start
    this.#space.axes.forEach((axis, k) => {
      if (axis.kind === "continuous") return
      const u = here.point[k]!
      const [low, high] = axis.interval(u)
      const others =
        axis.kind === "choice" && axis.levels <= 16
          ? Array.from({ length: axis.levels }, (_, level) => axis.encode(axis.value(level))).filter(
              (other) => other !== u,
            )
          : [clampUnit(low - 1e-9), clampUnit(high + 1e-9)]
      for (const other of others) {
        const moved = Float64Array.from(here.point)
        moved[k] = other
        const candidate = this.look(moved)
        if (candidate !== undefined && candidate.promise > here.promise) here = candidate
      }
    })
    return here
  }
}

/** Variance of the label of a trial: one at the border may fit on one day and not on another. */
const doubt = 0.01
/** A label between that of what does not fit (−1) and of what does (1): beyond it a trial is worth its risk. */
const margin = 0.5
/**
 * What more likely than not does not fit costs more than its probability says: where all that fits is known, even an
 * unlikely promise beyond the border would be the greatest there is, and every trial would be lost to it.
 */
const barrier = 30

/** Every point of a small space, or `null`. */
const listing = (space: Space, definition: SearchSpace): ReadonlyArray<Parameters> | null => {
  if (!(space.cells <= everywhere) || definition.dimensions.length === 0) return null
  return Array.from(
    space.enumerate((axis) => {
      const { levels, value } = space.axes[axis]!
      return Array.from({ length: levels }, (_, level) => value(level))
    }),
  )
}

interface Fit {
  readonly rows: ReadonlyArray<Float64Array>
  readonly losses: ReadonlyArray<number>
  readonly theta: Hyperparameters
  /** Every how many trials the Parzen estimator suggests one; 0: never. */
  readonly turn: number
}

/**
 * How much of the variance of the losses the model foresees, each from all others: 1 is everything, 0 or less nothing.
 */
const skillOf = (model: GaussianProcess, y: Float64Array): number => {
  const foreseen = model.leftOut()
  const error = foreseen.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0)
  // Of variance 1 around 0.
  return 1 - error / y.length
}

/** The Parzen estimator's turns, by the model's skill. Ours, from functions of many kinds (bench/src/families.ts). */
const turnOf = (skill: number): number => (skill >= 0.5 ? 0 : skill >= 0.2 ? 3 : 2)

/** Throws `InvalidSpace`. */
export const gp: SamplerFactory = (input: SamplerInput): Sampler => {
  const { space: definition, metric, outcomes = [], seed } = input
  const space = compileSpace(definition)
  checkFeasible(space, definition)
  const { axes } = space
  const choice = axes.map(({ kind }) => kind === "choice")
  const sequence = sobolSequence(axes.length, seed)
  const look = tried()
  const read = observed(space, metric, outcomes)
  const likelyFeasible = feasibility(outcomes, metric, choice)
  const all = listing(space, definition)
  const parzen = tpe(input)
  let known: Fit | undefined

  const fit = (rows: ReadonlyArray<Float64Array>, losses: ReadonlyArray<number>): Fit => {
    const same =
      known !== undefined &&
      known.rows.length === rows.length &&
      rows.every((row, i) => row === known!.rows[i]! && losses[i]! === known!.losses[i]!)
    if (!same) {
      const points = rows.map(complete)
      const y = standardize(losses)
      const theta = fitHyperparameters(points, y, choice)
      known = { rows, losses, theta, turn: turnOf(skillOf(gaussianProcess(theta, points, y, choice), y)) }
    }
    return known!
  }

  /** The newest of both kinds, so that neither drowns the other. */
  const room = (
    rows: ReadonlyArray<Float64Array>,
    finished: ReadonlyArray<number>,
    infeasible: ReadonlyArray<number>,
  ): GaussianProcess | null => {
    if (infeasible.length === 0) return null
    const inside = finished.slice(-capacity / 2)
    const outside = infeasible.slice(-capacity / 2)
    const points = [...inside, ...outside].map((i) => complete(rows[i]!))
    const labels = Float64Array.from(points, (_, i) => (i < inside.length ? 1 : -1))
    return gaussianProcess(fitHyperparameters(points, labels, choice), points, labels, choice)
  }

  const suggest = (history: History, number: number): Suggestion => {
    const seen: Tried = look(history)
    const { rows, losses, ranked, violations, finished, failed, infeasible, open } = read(history)
    if (finished.length + failed.length + infeasible.length < startup || finished.length === 0 || axes.length === 0) {
      return sobolSuggestion(space, sequence, seen, seed, number)
    }
    const worst = finished.reduce((max, i) => Math.max(max, losses[i]!), -Infinity)
    const lossOf = (i: number) => (Number.isFinite(losses[i]!) ? losses[i]! : worst)
    const isFeasible = (i: number) => Number.isFinite(losses[i]!) && violations[i] === 0
    /** Failures behind everything, and behind what keeps no constraint. */
    const rankOf = (i: number) => Math.min(ranked[i]!, Number.MAX_VALUE)
    const ended = [...finished, ...failed].sort((a, b) => a - b)
    /** The best and the newest of `trials`, when they are too many. */
    const select = (trials: ReadonlyArray<number>): ReadonlyArray<number> => {
      if (trials.length <= capacity) return trials
      const best = trials.toSorted((a, b) => rankOf(a) - rankOf(b) || a - b).slice(0, capacity / 2)
      return [...new Set([...best, ...trials.slice(-capacity / 2)])].sort((a, b) => a - b)
    }
    const told = select(ended)
    const first = select(ended.slice(0, fitSize(ended.length)))
    const { theta, turn } = fit(
      first.map((i) => rows[i]!),
      first.map(lossOf),
    )
    if (turn > 0 && number % turn === 0) return parzen.suggest(history, number)
    const points = told.map((i) => complete(rows[i]!))
    let model = gaussianProcess(theta, points, standardize(told.map(lossOf)), choice)
    // The best the model believes in: with noise, the best single value is a lucky one.
    const feasible = outcomes.length === 0 ? points : points.filter((_, at) => isFeasible(told[at]!))
    const threshold =
      feasible.length === 0 ? null : feasible.reduce((min, point) => Math.min(min, model.predict(point).mean), Infinity)
    const kept = outcomes.length === 0 ? null : likelyFeasible(history, (i) => complete(rows[i]!), told, first)
    // Nothing keeps the constraints, and no trial has said by how much it breaks them: the objective is all there is.
    const lowest = threshold ?? (kept === null ? Math.min(...points.map((point) => model.predict(point).mean)) : null)
    if (open.length > 0) {
      // As if every open trial came out as expected: the promise around it shrinks, and parallel trials keep apart.
      const pending = open.slice(-64).map((i) => complete(rows[i]!))
      const means = pending.map((point) => model.predict(point).mean)
      const losses = [...standardize(told.map(lossOf)), ...means]
      model = gaussianProcess(theta, [...points, ...pending], losses, choice)
    }

    const from = random(seed, number, "gp")
    const memory = room(rows, finished, infeasible)
    const search = new Search(space, model, lowest, 10 / ended.length, kept, memory)
    if (all !== null) for (const parameters of all) search.consider(parameters)
    else {
      lookAround(search, space, points, told.map(rankOf), seed, number, from)
      for (const start of search.best(climbs)) search.climb(start)
    }
    for (const { parameters } of search.candidates.sort((a, b) => b.promise - a.promise)) {
      if (!seen.has(parameters)) return { _tag: "Suggested", parameters }
    }
    return drawNew(space, seen, from)
  }
  return { size: null, suggest }
}

/** Points spread evenly, drawn by belief, and scattered around the best trials, near and nearer. */
const lookAround = (
  search: Search,
  space: Space,
  points: ReadonlyArray<Float64Array>,
  losses: ReadonlyArray<number>,
  seed: number,
  number: number,
  from: Random,
): void => {
  const spread = sobolSequence(space.axes.length, seed + number)
  for (let i = 0; i < lookups; i++) search.look(spread.point(i))
  if (space.axes.some(({ belief }) => belief !== null)) for (let i = 0; i < 64; i++) search.look(drawUnit(space, from))
  const best = Array.from(points.keys())
    .sort((a, b) => losses[a]! - losses[b]!)
    .slice(0, 5)
  for (const i of best) {
    for (const width of [0.1, 0.03, 0.01]) {
      for (let j = 0; j < 12; j++) {
        search.look(
          Float64Array.from(points[i]!, (u, k) => {
            const { kind } = space.axes[k]!
            if (kind === "choice") return from.uniform() < 0.2 ? from.uniform() : u
            return clampUnit(u + width * from.normal())
          }),
        )
      }
    }
  }
}
