// CMA-ES: a normal distribution over the unit cube that moves, stretches and turns towards the better half of each
// generation (Hansen, "The CMA Evolution Strategy: A Tutorial", 2016, with active update). Owns the distribution and how
// it follows from a history: finished trials in the order of their numbers are cut into generations, whoever proposed
// them; trials far from the distribution (given by hand, or late) count with their distance clipped (Hansen, "Injecting
// External Solutions into CMA-ES", 2011). Integers and listed numbers keep a least spread, so that no level becomes
// unreachable (Hamano et al., "CMA-ES with Margin", 2022); each choice has probabilities that follow the same ranking
// (Hamano et al., "CatCMA", 2024, simplified).
import { eigen } from "../numerics/Eigen.ts"
import type { History } from "../space/History.ts"
import { clampUnit } from "../space/Axis.ts"
import { normalQuantile } from "../numerics/Normal.ts"
import { observed } from "./Observed.ts"
import { random, type Random } from "../numerics/Random.ts"
import { drawNew } from "./RandomSearch.ts"
import type { SamplerFactory, Suggestion } from "./Sampler.ts"
import { sobolSequence, sobolSuggestion } from "./Sobol.ts"
import { checkFeasible, compileSpace, type Space } from "../space/Space.ts"
import { tried } from "../space/Tried.ts"

/** Trials of a Sobol sequence; the distribution starts around the best of them. */
const startup = 10
const startSpread = 0.2

interface State {
  readonly generation: number
  readonly mean: Float64Array
  readonly sigma: number
  /** Covariance, flat. */
  readonly covariance: Float64Array
  /** Of the covariance. */
  readonly vectors: Float64Array
  readonly roots: Float64Array
  readonly pathSigma: Float64Array
  readonly pathCovariance: Float64Array
  /** By axis; empty for one that is no choice. */
  readonly probabilities: ReadonlyArray<Float64Array>
}

/** Constants of the strategy for d numeric axes, as in the tutorial's table 1. */
const strategy = (d: number) => {
  const lambda = 4 + Math.floor(3 * Math.log(Math.max(1, d)))
  const mu = Math.floor(lambda / 2)
  const raw = Array.from({ length: lambda }, (_, i) => Math.log((lambda + 1) / 2) - Math.log(i + 1))
  const positive = raw.slice(0, mu)
  const negative = raw.slice(mu)
  const sum = (all: ReadonlyArray<number>) => all.reduce((s, w) => s + w, 0)
  const effective = (all: ReadonlyArray<number>) => sum(all) ** 2 / sum(all.map((w) => w * w))
  const mueff = effective(positive)
  const mueffMinus = effective(negative)
  const cc = (4 + mueff / d) / (d + 4 + (2 * mueff) / d)
  const cs = (mueff + 2) / (d + mueff + 5)
  const c1 = 2 / ((d + 1.3) ** 2 + mueff)
  const cmu = Math.min(1 - c1, (2 * (mueff - 2 + 1 / mueff)) / ((d + 2) ** 2 + mueff))
  const damping = 1 + 2 * Math.max(0, Math.sqrt((mueff - 1) / (d + 1)) - 1) + cs
  const most = Math.min(1 + c1 / cmu, 1 + (2 * mueffMinus) / (mueff + 2), (1 - c1 - cmu) / (d * cmu))
  const weights = raw.map((w, i) => (i < mu ? w / sum(positive) : (w / Math.abs(sum(negative))) * most))
  return {
    lambda,
    mu,
    weights,
    mueff,
    cc,
    cs,
    c1,
    cmu,
    damping,
    expected: Math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d)),
    longest: Math.sqrt(d) + (2 * d) / (d + 2),
  }
}

/** Into [0, 1] by reflection at the ends. */
const fold = (x: number): number => {
  const y = Math.abs(x) % 2
  return y > 1 ? 2 - y : y
}

const identity = (d: number): Float64Array => {
  const matrix = new Float64Array(d * d)
  for (let i = 0; i < d; i++) matrix[i * d + i] = 1
  return matrix
}

class Strategy {
  readonly #space: Space
  /** Axes of numbers and of choices. */
  readonly #numeric: ReadonlyArray<number>
  readonly #choices: ReadonlyArray<number>
  readonly constants: ReturnType<typeof strategy>

  constructor(space: Space) {
    this.#space = space
    this.#numeric = space.axes.map((_, k) => k).filter((k) => space.axes[k]!.kind !== "choice")
    this.#choices = space.axes.map((_, k) => k).filter((k) => space.axes[k]!.kind === "choice")
    this.constants = strategy(Math.max(1, this.#numeric.length))
  }

  start(best: Float64Array): State {
    const d = this.#numeric.length
    return {
      generation: 0,
      mean: Float64Array.from(this.#numeric, (k) => (Number.isNaN(best[k]!) ? 0.5 : best[k]!)),
      sigma: startSpread,
      covariance: identity(d),
      vectors: identity(d),
      roots: new Float64Array(d).fill(1),
      pathSigma: new Float64Array(d),
      pathCovariance: new Float64Array(d),
      probabilities: this.#space.axes.map((axis) =>
        axis.kind === "choice"
          ? Float64Array.from({ length: axis.levels }, (_, level) => {
              const [low, high] = axis.interval(axis.encode(axis.value(level)))
              return high - low
            })
          : new Float64Array(0),
      ),
    }
  }

  draw(state: State, from: Random): Float64Array {
    const d = this.#numeric.length
    const { mean, sigma, covariance, vectors, roots } = state
    const z = Float64Array.from(roots, (root) => root * from.normal())
    const unit = new Float64Array(this.#space.axes.length)
    this.#numeric.forEach((k, i) => {
      let step = 0
      for (let j = 0; j < d; j++) step += vectors[i * d + j]! * z[j]!
      unit[k] = clampUnit(fold(mean[i]! + sigma * step * this.#widening(state, k, i, covariance[i * d + i]!)))
    })
    for (const k of this.#choices) {
      const axis = this.#space.axes[k]!
      let rest = from.uniform()
      let level = 0
      while (level < axis.levels - 1 && (rest -= state.probabilities[k]![level]!) >= 0) level++
      unit[k] = axis.encode(axis.value(level))
    }
    return unit
  }

  /** How much wider than the distribution an axis with levels is drawn: enough to leave a level now and then. */
  #widening({ mean, sigma }: State, k: number, i: number, variance: number): number {
    const axis = this.#space.axes[k]!
    if (axis.kind !== "ordered") return 1
    const [low, high] = axis.interval(clampUnit(mean[i]!))
    const spread = sigma * Math.sqrt(variance)
    const least = (high - low) / 2 / normalQuantile(1 - 0.5 / (this.constants.lambda * this.#numeric.length))
    return spread > 0 && spread < least ? least / spread : 1
  }

  /** After a generation, best first. */
  next(state: State, generation: ReadonlyArray<Float64Array>): State {
    const { weights, mu, mueff, cc, cs, c1, cmu, damping, expected, longest } = this.constants
    const d = this.#numeric.length
    const { sigma, vectors, roots } = state
    // Steps from the mean in units of σ, and the same whitened.
    const whiten = (y: Float64Array): Float64Array => {
      const rotated = Float64Array.from(roots, (root, j) => {
        let sum = 0
        for (let i = 0; i < d; i++) sum += vectors[i * d + j]! * y[i]!
        return sum / root
      })
      return Float64Array.from(y, (_, i) => {
        let sum = 0
        for (let j = 0; j < d; j++) sum += vectors[i * d + j]! * rotated[j]!
        return sum
      })
    }
    const lengthOf = (v: Float64Array) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
    const steps = generation.map((row) => {
      const y = Float64Array.from(this.#numeric, (k, i) =>
        Number.isNaN(row[k]!) ? 0 : (row[k]! - state.mean[i]!) / sigma,
      )
      const length = lengthOf(whiten(y))
      return length > longest ? y.map((v) => (v * longest) / length) : y
    })
    const move = new Float64Array(d)
    for (let r = 0; r < mu; r++) for (let i = 0; i < d; i++) move[i]! += weights[r]! * steps[r]![i]!
    const mean = state.mean.map((m, i) => Math.min(1, Math.max(0, m + sigma * move[i]!)))
    const whitened = whiten(move)
    const pathSigma = state.pathSigma.map((p, i) => (1 - cs) * p + Math.sqrt(cs * (2 - cs) * mueff) * whitened[i]!)
    const length = lengthOf(pathSigma)
    const generations = state.generation + 1
    const moving = length / Math.sqrt(1 - (1 - cs) ** (2 * generations)) < (1.4 + 2 / (d + 1)) * expected
    const pathCovariance = state.pathCovariance.map(
      (p, i) => (1 - cc) * p + (moving ? Math.sqrt(cc * (2 - cc) * mueff) * move[i]! : 0),
    )
    const scaled = weights.map((w, r) => (w >= 0 ? w : (w * d) / (lengthOf(whiten(steps[r]!)) ** 2 + 1e-12)))
    const sum = weights.reduce((s, w) => s + w, 0)
    const covariance = new Float64Array(d * d)
    const keep = 1 - c1 - cmu * sum + (moving ? 0 : c1 * cc * (2 - cc))
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        let rank = 0
        for (let r = 0; r < steps.length; r++) rank += scaled[r]! * steps[r]![i]! * steps[r]![j]!
        const value = keep * state.covariance[i * d + j]! + c1 * pathCovariance[i]! * pathCovariance[j]! + cmu * rank
        covariance[i * d + j] = value
        covariance[j * d + i] = value
      }
    }
    const { values, vectors: turned } = eigen(covariance, d)
    return {
      generation: generations,
      mean,
      sigma: Math.min(1, Math.max(1e-8, sigma * Math.exp(Math.min(1, (cs / damping) * (length / expected - 1))))),
      covariance,
      vectors: turned,
      roots: values.map((value) => Math.sqrt(Math.max(value, 1e-14))),
      pathSigma,
      pathCovariance,
      probabilities: this.#learnChoices(state, generation),
    }
  }

  #learnChoices(state: State, generation: ReadonlyArray<Float64Array>): ReadonlyArray<Float64Array> {
    const { weights, mu, lambda } = this.constants
    return state.probabilities.map((before, k) => {
      if (before.length === 0) return before
      const axis = this.#space.axes[k]!
      const rate = 1 / Math.max(2, before.length - 1)
      const seen = new Float64Array(before.length)
      let share = 0
      for (let r = 0; r < mu; r++) {
        const u = generation[r]![k]!
        if (Number.isNaN(u)) continue
        seen[axis.level(u)]! += weights[r]!
        share += weights[r]!
      }
      // No choice dies out: each keeps a chance of being drawn about once in a few generations.
      const least = 1 / (lambda * before.length)
      const moved = before.map((p, c) => Math.max(least, p + rate * (seen[c]! - share * p)))
      const total = moved.reduce((sum, p) => sum + p, 0)
      return moved.map((p) => p / total)
    })
  }
}

/** Throws `InvalidSpace`. */
export const cmaEs: SamplerFactory = ({ space: definition, metric, outcomes, seed }) => {
  const space = compileSpace(definition)
  checkFeasible(space, definition)
  const sequence = sobolSequence(space.axes.length, seed)
  const look = tried()
  const read = observed(space, metric, outcomes)
  const cma = new Strategy(space)
  const { lambda } = cma.constants
  // The trials that the state below rests on: row and loss of each.
  let rows: ReadonlyArray<Float64Array> = []
  let losses: ReadonlyArray<number> = []
  let state: State | undefined

  const stateAfter = (allRows: ReadonlyArray<Float64Array>, allLosses: ReadonlyArray<number>): State => {
    const complete = startup + Math.floor((allRows.length - startup) / lambda) * lambda
    const same = rows.every((row, i) => i < complete && row === allRows[i]! && losses[i]! === allLosses[i]!)
    let done = state !== undefined && same ? rows.length : 0
    const ranked = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => from + i)
        .sort((a, b) => (allLosses[a]! === allLosses[b]! ? a - b : allLosses[a]! - allLosses[b]!))
        .map((i) => allRows[i]!)
    if (done === 0) {
      state = cma.start(ranked(0, startup)[0]!)
      done = startup
    }
    for (; done < complete; done += lambda) state = cma.next(state!, ranked(done, done + lambda))
    rows = allRows.slice(0, complete)
    losses = allLosses.slice(0, complete)
    return state!
  }

  const suggest = (history: History, number: number): Suggestion => {
    const seen = look(history)
    const view = read(history)
    const ended = [...view.finished, ...view.failed, ...view.infeasible].sort((a, b) => a - b)
    if (ended.length < startup || view.finished.length === 0 || space.axes.length === 0) {
      return sobolSuggestion(space, sequence, seen, seed, number)
    }
    const current = stateAfter(
      ended.map((i) => view.rows[i]!),
      ended.map((i) => view.ranked[i]!),
    )
    const from = random(seed, number, "cmaes")
    for (let attempt = 0; attempt < 100; attempt++) {
      const parameters = space.decode(cma.draw(current, from))
      if (parameters !== null && !seen.has(parameters)) return { _tag: "Suggested", parameters }
    }
    return drawNew(space, seen, from)
  }
  return { size: null, suggest }
}
