// Bayesian optimisation of several objectives: a Gaussian process for each, and the next trial where the front is expected to
// grow most. With two objectives that is the expected growth of the hypervolume, exactly; with more, a random weighting of
// them for each trial and the expected improvement of the weighted losses (Knowles, "ParEGO", 2006). Owns this promise and
// the search for it; the processes and what they are told are Gp's.
import type { Metric } from "@sweep/domain/Metric"
import type { Parameters } from "@sweep/domain/Parameter"
import { logExpectedImprovement } from "../numerics/ExpectedImprovement.ts"
import {
  fitHyperparameters,
  type GaussianProcess,
  gaussianProcess,
  type Hyperparameters,
} from "../numerics/GaussianProcess.ts"
import { expectedGrowth, frontOf, type Pair } from "../numerics/Hypervolume.ts"
import { random, type Random } from "../numerics/Random.ts"
import { clampUnit } from "../space/Axis.ts"
import type { History } from "../space/History.ts"
import { checkFeasible, compileSpace, type Space } from "../space/Space.ts"
import { tried } from "../space/Tried.ts"
import { capacity, complete, fitSize, standardize, startup } from "./Gp.ts"
import { feasibility } from "./Feasibility.ts"
import { lossesOf } from "./Nsga2.ts"
import { observed } from "./Observed.ts"
import { drawNew } from "./RandomSearch.ts"
import type { SamplerFactory, Suggestion } from "./Sampler.ts"
import { sobolSequence, sobolSuggestion } from "./Sobol.ts"

const lookups = 384
/** Points scattered around each of so many members of the front. */
const members = 6
const scattered = 24
/** The best candidates are moved about, ever nearer. */
const climbs = 4
const rounds = [0.1, 0.05, 0.02, 0.01, 0.004]
const movesARound = 10
/** The reference point lies so much beyond the worst losses, in standard deviations: the ends of the front are worth finding. */
const beyond = 0.1

const fewLevels = 16

interface Candidate {
  readonly parameters: Parameters
  readonly point: Float64Array
  readonly promise: number
}

interface Known {
  readonly rows: ReadonlyArray<Float64Array>
  readonly losses: ReadonlyArray<ReadonlyArray<number>>
  readonly theta: ReadonlyArray<Hyperparameters>
}

/** Throws `InvalidSpace`. */
export const ehvi: SamplerFactory = ({ space: definition, metric, metrics, outcomes = [], seed }) => {
  const space = compileSpace(definition)
  checkFeasible(space, definition)
  const objectives: ReadonlyArray<Metric> = metrics ?? [metric]
  const choice = space.axes.map(({ kind }) => kind === "choice")
  const sequence = sobolSequence(space.axes.length, seed)
  const look = tried()
  const read = observed(space, metric, outcomes)
  const likelyFeasible = feasibility(outcomes, metric, choice)
  let known: Known | undefined

  const hyperparameters = (rows: ReadonlyArray<Float64Array>, losses: ReadonlyArray<ReadonlyArray<number>>) => {
    const same =
      known !== undefined &&
      known.rows.length === rows.length &&
      rows.every((row, i) => row === known!.rows[i]! && losses[i]!.every((loss, k) => loss === known!.losses[i]![k]!))
    if (!same) {
      const points = rows.map(complete)
      const theta = objectives.map((_, k) =>
        fitHyperparameters(points, standardize(losses.map((one) => one[k]!)), choice),
      )
      known = { rows, losses, theta }
    }
    return known!.theta
  }

  const suggest = (history: History, number: number): Suggestion => {
    const seen = look(history)
    const { rows, violations, open } = read(history)
    const ended = history.flatMap((trial, i) => {
      const losses = lossesOf(trial, objectives)
      return losses === null ? [] : [{ row: rows[i]!, losses, index: i, feasible: violations[i] === 0 }]
    })
    const whole = ended.filter(({ losses }) => losses.every(Number.isFinite))
    if (ended.length < startup || whole.length < 2 || space.axes.length === 0) {
      return sobolSuggestion(space, sequence, seen, seed, number)
    }
    // What failed, or did not report an objective, counts as the worst there is.
    const worst = objectives.map((_, k) => Math.max(...whole.map(({ losses }) => losses[k]!)))
    const lossesIn = ({ losses }: { readonly losses: ReadonlyArray<number> }) =>
      losses.map((loss, k) => (Number.isFinite(loss) ? loss : worst[k]!))
    const first = ended.slice(0, fitSize(ended.length)).slice(-capacity)
    const theta = hyperparameters(
      first.map(({ row }) => row),
      first.map(lossesIn),
    )
    const told = ended.slice(-capacity)
    const points = told.map(({ row }) => complete(row))
    const values = objectives.map((_, k) => standardize(told.map((one) => lossesIn(one)[k]!)))
    const bare = values.map((y, k) => gaussianProcess(theta[k]!, points, y, choice))
    // As if open trials came out as expected.
    const pending = open.slice(-64).map((i) => complete(rows[i]!))
    const means = bare.map((model) => pending.map((point) => model.predict(point).mean))
    const models =
      pending.length === 0
        ? bare
        : values.map((y, k) =>
            gaussianProcess(theta[k]!, [...points, ...pending], [...Array.from(y), ...means[k]!], choice),
          )
    const from = random(seed, number, "ehvi")
    const seenLosses = points.map((_, i) => values.map((y) => y[i]!))
    for (let i = 0; i < pending.length; i++) seenLosses.push(means.map((one) => one[i]!))
    const kept =
      outcomes.length === 0
        ? null
        : likelyFeasible(
            history,
            (i) => complete(rows[i]!),
            told.map(({ index }) => index),
            first.map(({ index }) => index),
          )
    // The front is one of what keeps the constraints; while nothing does, keeping them is all that is promised.
    const counts = (i: number): boolean =>
      kept === null || (told[i]?.feasible ?? kept.log(pending[i - told.length]!) > Math.log(0.5))
    const ofFront = seenLosses.filter((_, i) => counts(i))
    const grows =
      ofFront.length === 0
        ? () => 0
        : objectives.length === 2
          ? growth(models, ofFront, seenLosses)
          : weighted(models, ofFront, from)
    const around = seenLosses.map((losses, i) => (counts(i) ? losses : losses.map(() => Infinity)))
    const promise = kept === null ? grows : (point: Float64Array) => grows(point) + kept.log(point)
    for (const { parameters } of search(space, points, around, promise, sequenceOf(space, seed, number), from)) {
      if (!seen.has(parameters)) return { _tag: "Suggested", parameters }
    }
    return drawNew(space, seen, from)
  }
  return { size: null, suggest }
}

const sequenceOf = (space: Space, seed: number, number: number) => sobolSequence(space.axes.length, seed + number)

/** Log of the expected growth of the hypervolume. */
const growth = (
  models: ReadonlyArray<GaussianProcess>,
  ofFront: ReadonlyArray<ReadonlyArray<number>>,
  losses: ReadonlyArray<ReadonlyArray<number>>,
) => {
  const front = frontOf(ofFront.map(([a, b]): Pair => [a!, b!]))
  // The worst that was seen of each: what is good in one objective alone is on the front, too.
  const reference: Pair = [
    Math.max(...losses.map(([a]) => a!)) + beyond,
    Math.max(...losses.map(([, b]) => b!)) + beyond,
  ]
  return (point: Float64Array): number => {
    const [a, b] = models.map((model) => model.predict(point))
    const sigma: Pair = [Math.sqrt(a!.variance), Math.sqrt(b!.variance)]
    return Math.log(expectedGrowth(front, reference, [a!.mean, b!.mean], sigma) + 1e-300)
  }
}

/** Log expected improvement of a weighted sum of the losses, the weights drawn evenly over the simplex. */
const weighted = (
  models: ReadonlyArray<GaussianProcess>,
  losses: ReadonlyArray<ReadonlyArray<number>>,
  from: Random,
) => {
  const drawn = models.map(() => -Math.log(from.uniform()))
  const total = drawn.reduce((sum, x) => sum + x, 0)
  const weights = drawn.map((x) => x / total)
  const sum = (of: ReadonlyArray<number>) => of.reduce((s, x, k) => s + weights[k]! * x, 0)
  const best = Math.min(...losses.map(sum))
  return (point: Float64Array): number => {
    const found = models.map((model) => model.predict(point))
    const variance = found.reduce((s, { variance: v }, k) => s + weights[k]! ** 2 * v, 0)
    return logExpectedImprovement(sum(found.map(({ mean }) => mean)), variance, best)
  }
}

/** Candidates, the most promising first. */
const search = (
  space: Space,
  points: ReadonlyArray<Float64Array>,
  losses: ReadonlyArray<ReadonlyArray<number>>,
  promise: (point: Float64Array) => number,
  spread: ReturnType<typeof sobolSequence>,
  from: Random,
): ReadonlyArray<Candidate> => {
  const candidates: Array<Candidate> = []
  const consider = (unit: ArrayLike<number>): Candidate | undefined => {
    const parameters = space.decode(unit)
    if (parameters === null) return undefined
    const point = complete(space.encode(parameters))
    const candidate = { parameters, point, promise: promise(point) }
    candidates.push(candidate)
    return candidate
  }
  const moved = (point: Float64Array, width: number): Float64Array =>
    Float64Array.from(point, (u, k) => {
      const axis = space.axes[k]!
      if (axis.kind === "choice") return from.uniform() < 0.2 ? from.uniform() : u
      // Half of the axes stay: a step along few of them is more often a step up.
      return from.uniform() < 0.5
        ? u
        : clampUnit(u + Math.max(width, axis.levels > 2 ? 0.6 / axis.levels : width) * from.normal())
    })
  for (let i = 0; i < lookups; i++) consider(spread.point(i))
  const isFront = (i: number) =>
    !losses.some(
      (other, j) => j !== i && other.every((x, k) => x <= losses[i]![k]!) && other.some((x, k) => x < losses[i]![k]!),
    )
  const front = Array.from(points.keys()).filter(isFront)
  for (let i = 0; i < Math.min(members, front.length); i++) {
    const of = points[front[from.index(front.length)]!]!
    for (let j = 0; j < scattered; j++) consider(moved(of, j % 2 === 0 ? 0.1 : 0.03))
  }
  for (const start of candidates.toSorted((a, b) => b.promise - a.promise).slice(0, climbs)) {
    let here = start
    for (const width of rounds) {
      for (let i = 0; i < movesARound; i++) {
        const next = consider(moved(here.point, width))
        if (next !== undefined && next.promise > here.promise) here = next
      }
    }
    // Every other value of the axes that have few, one axis after the other.
    space.axes.forEach((axis, k) => {
      if (axis.levels > fewLevels) return
      for (let level = 0; level < axis.levels; level++) {
        const other = Float64Array.from(here.point)
        other[k] = axis.encode(axis.value(level))
        const next = consider(other)
        if (next !== undefined && next.promise > here.promise) here = next
      }
    })
  }
  return candidates.sort((a, b) => b.promise - a.promise)
}
