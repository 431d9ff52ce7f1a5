// NSGA-II for several objectives (Deb et al., 2002): parents are the trials of the best ranks, less crowded first, and
// a child takes from two of them, changed a little. Owns breeding; every suggestion sees all trials that have ended,
// so no trial waits for its generation. What is crossed and mutated are unit coordinates, which honours log scales.
import type { Metric } from "@sweep/domain/Metric"
import { clampUnit } from "../space/Axis.ts"
import type { History, Observation } from "../space/History.ts"
import { observed } from "./Observed.ts"
import { crowding, type Losses, ranks } from "../numerics/Pareto.ts"
import { random, type Random } from "../numerics/Random.ts"
import { drawNew } from "./RandomSearch.ts"
import type { SamplerFactory, Suggestion } from "./Sampler.ts"
import { sobolSequence, sobolSuggestion } from "./Sobol.ts"
import { checkFeasible, compileSpace, type Space } from "../space/Space.ts"
import { tried } from "../space/Tried.ts"

/**
 * Parents at a time: a quarter of the trials that have ended. With a budget of a hundred, forty parents would be most of
 * what was drawn before there was any selection.
 */
const parentsOf = (ended: number): number => Math.min(40, Math.max(8, Math.ceil(ended / 4)))
/** Trials of a Sobol sequence before there are parents. */
const startup = 16
const crossoverRate = 0.9
/** Distribution indices of crossover and mutation: children near their parents. */
const crossoverIndex = 15
const mutationIndex = 20

/** Losses by objective of a trial that has ended; `null` while it says nothing. */
export const lossesOf = (trial: Observation, metrics: ReadonlyArray<Metric>): Losses | null => {
  if (trial.outcome === "open" || trial.outcome === "cancelled") return null
  return metrics.map(({ name, goal }, k) => {
    // Of the first metric what trials are ranked by, of the others the last value.
    const value = (k === 0 ? trial.objective : null) ?? trial.values[name] ?? null
    // What does not fit is dominated by everything that does.
    if (trial.outcome === "failed" || trial.outcome === "infeasible" || value === null || Number.isNaN(value))
      return Infinity
    return goal === "minimize" ? value : -value
  })
}

/** What keeps the constraints on outcomes comes first; of the rest what is nearer to keeping them, each a rank by itself. */
const constrainedRanks = (
  ended: ReadonlyArray<{ readonly losses: Losses; readonly violation: number }>,
): ReadonlyArray<number> => {
  const feasible = Array.from(ended.keys()).filter((i) => !(ended[i]!.violation > 0))
  const among = ranks(feasible.map((i) => ended[i]!.losses))
  const rank = ended.map(() => 0)
  feasible.forEach((i, at) => (rank[i] = among[at]!))
  let next = among.length === 0 ? 0 : Math.max(...among) + 1
  Array.from(ended.keys())
    .filter((i) => ended[i]!.violation > 0)
    .sort((a, b) => (ended[a]!.violation < ended[b]!.violation ? -1 : 1))
    .forEach((i) => (rank[i] = next++))
  return rank
}

/** Simulated binary crossover of two coordinates: one child of the two. */
const cross = (a: number, b: number, from: Random): number => {
  const u = from.uniform()
  const spread = u < 0.5 ? (2 * u) ** (1 / (crossoverIndex + 1)) : (1 / (2 - 2 * u)) ** (1 / (crossoverIndex + 1))
  return 0.5 * ((1 + spread) * a + (1 - spread) * b)
}

/** Polynomial mutation. */
const mutate = (x: number, from: Random): number => {
  const u = from.uniform()
  return u < 0.5
    ? x + ((2 * u + (1 - 2 * u) * (1 - x) ** (mutationIndex + 1)) ** (1 / (mutationIndex + 1)) - 1)
    : x + (1 - (2 - 2 * u + (2 * u - 1) * x ** (mutationIndex + 1)) ** (1 / (mutationIndex + 1)))
}

const breed = (space: Space, one: Float64Array, other: Float64Array, from: Random): Float64Array => {
  const crossing = from.uniform() < crossoverRate
  const rate = 1 / space.axes.length
  return Float64Array.from(space.axes, (axis, k) => {
    // A parameter that one parent lacks comes from the other; one that both lack is drawn.
    let a = one[k]!
    let b = other[k]!
    if (from.uniform() < 0.5) [a, b] = [b, a]
    if (Number.isNaN(a)) a = b
    if (Number.isNaN(a)) return from.uniform()
    if (axis.kind === "choice") return from.uniform() < rate ? from.uniform() : a
    let x = crossing && !Number.isNaN(b) ? cross(a, b, from) : a
    x = clampUnit(x)
    if (from.uniform() < rate) {
      x = clampUnit(mutate(x, from))
      if (axis.kind === "ordered") {
        // A step that stays within its level would change nothing.
        const [low, high] = axis.interval(x)
        x = clampUnit(from.uniform() < 0.5 ? low - 1e-9 : high + 1e-9)
      }
    }
    return x
  })
}

/** Throws `InvalidSpace`. */
export const nsga2: SamplerFactory = ({ space: definition, metric, metrics, outcomes, seed }) => {
  const space = compileSpace(definition)
  checkFeasible(space, definition)
  const objectives = metrics ?? [metric]
  const sequence = sobolSequence(space.axes.length, seed)
  const look = tried()
  const read = observed(space, metric, outcomes)

  const suggest = (history: History, number: number): Suggestion => {
    const seen = look(history)
    const { rows, violations } = read(history)
    const ended = history.flatMap((trial, i) => {
      const losses = lossesOf(trial, objectives)
      return losses === null ? [] : [{ row: rows[i]!, losses, violation: violations[i]! }]
    })
    if (ended.length < startup || space.axes.length === 0) {
      return sobolSuggestion(space, sequence, seen, seed, number)
    }
    const rank = constrainedRanks(ended)
    const distance = ended.map(() => 0)
    for (let level = 0; level <= Math.max(...rank); level++) {
      const front = Array.from(ended.keys()).filter((i) => rank[i] === level)
      crowding(front.map((i) => ended[i]!.losses)).forEach((d, j) => (distance[front[j]!] = d))
    }
    const order = Array.from(ended.keys()).sort((a, b) => rank[a]! - rank[b]! || distance[b]! - distance[a]! || a - b)
    const parents = order.slice(0, parentsOf(ended.length)).map((i) => ended[i]!.row)
    const from = random(seed, number, "nsga2")
    // The order is that of the tournament: the earlier of two drawn wins.
    const parent = () => parents[Math.min(from.index(parents.length), from.index(parents.length))]!
    for (let attempt = 0; attempt < 100; attempt++) {
      const parameters = space.decode(breed(space, parent(), parent(), from))
      if (parameters !== null && !seen.has(parameters)) return { _tag: "Suggested", parameters }
    }
    return drawNew(space, seen, from)
  }
  return { size: null, suggest }
}
