// Which parameters made the difference between the trials of a sweep. Owns a one-way analysis of variance per parameter
// on the ranks of the objectives: the adjusted share of their variance that lies between a parameter's values (ε², Kelley
// 1935), and how often chance alone does as well (a permutation test). Ranks, so that one diverged trial does not decide
// everything. What it does not see: interactions, and which of two parameters that always change together it was.
import type { ParameterValue } from "@sweep/domain/Parameter"
import type { SweepState } from "@sweep/domain/SweepState"

export interface ParameterImportance {
  readonly parameter: string
  /** Between 0 and 1: the share of the differences between trials that goes with this parameter alone. */
  readonly share: number
  /** How often a shuffled sweep shows a share at least as large: small means it is no accident. */
  readonly pValue: number
  /** Parameters that split the trials in exactly the same way, so that nobody can tell them apart here. */
  readonly inseparable: ReadonlyArray<string>
}

export type Importance =
  | {
      readonly _tag: "Known"
      readonly trials: number
      /** Most important first. Only parameters that vary. */
      readonly parameters: ReadonlyArray<ParameterImportance>
    }
  | { readonly _tag: "TooFewTrials"; readonly trials: number; readonly needed: number }

/** Fewer leave two or three trials per value, whose order is mostly chance. Ours. */
export const leastTrials = 8
/** Numbers with more distinct values than this are cut into groups of neighbours. */
const mostValues = 6
const mostGroups = 5
/** A group smaller than this says nothing. */
const leastGroup = 2
const permutations = 499

/** Ranks from 1, ties sharing their mean. */
const ranksOf = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const ranks = values.map(() => 0)
  for (let from = 0; from < order.length;) {
    let to = from
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++
    for (let i = from; i <= to; i++) ranks[order[i]!] = (from + to) / 2 + 1
    from = to + 1
  }
  return ranks
}

/** The group of each trial by its value; the same value is never in two groups. A parameter a trial lacks is a value too. */
const groupsOf = (values: ReadonlyArray<ParameterValue | undefined>): ReadonlyArray<number> => {
  const distinct = [...new Set(values)]
  const numbers = distinct.filter((value) => typeof value === "number")
  if (numbers.length <= mostValues) return values.map((value) => distinct.indexOf(value))
  const given = values.filter((value) => typeof value === "number").sort((a, b) => a - b)
  const groups = Math.max(2, Math.min(mostGroups, Math.floor(given.length / 4)))
  const edges = Array.from({ length: groups - 1 }, (_, i) => given[Math.ceil(((i + 1) * given.length) / groups) - 1]!)
  const others = distinct.filter((value) => typeof value !== "number")
  return values.map((value) =>
    typeof value === "number" ? edges.filter((edge) => value > edge).length : groups + others.indexOf(value),
  )
}

/** Between-group sum of squares of `ranks`. */
const between = (ranks: ReadonlyArray<number>, groups: ReadonlyArray<number>): number => {
  const sums = new Map<number, { sum: number; count: number }>()
  let total = 0
  for (const [i, rank] of ranks.entries()) {
    const group = sums.get(groups[i]!) ?? { sum: 0, count: 0 }
    group.sum += rank
    group.count += 1
    sums.set(groups[i]!, group)
    total += rank
  }
  const mean = total / ranks.length
  let squares = 0
  for (const { sum, count } of sums.values()) squares += count * (sum / count - mean) ** 2
  return squares
}

/** mulberry32 (T. Ettinger, public domain): enough for a shuffle, and the same for the same seed. */
const generator = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const shuffle = (values: Array<number>, next: () => number): void => {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[values[i], values[j]] = [values[j]!, values[i]!]
  }
}

/** The groups in the order they first appear, so that equal partitions are equal texts. */
const partition = (groups: ReadonlyArray<number>): string => {
  const first = new Map<number, number>()
  return groups.map((group) => first.get(group) ?? (first.set(group, first.size), first.get(group)!)).join()
}

/** Of the trials that have an objective. The same sweep and seed give the same answer. */
export const analyseImportance = (sweep: SweepState, seed = 1): Importance => {
  const trials = Array.from(sweep.trials.values()).filter(
    (trial) => trial.objective !== null && Number.isFinite(trial.objective),
  )
  if (trials.length < leastTrials) return { _tag: "TooFewTrials", trials: trials.length, needed: leastTrials }
  const ranks = ranksOf(trials.map((trial) => trial.objective!))
  const mean = (trials.length + 1) / 2
  const total = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0)
  const names = new Set(trials.flatMap((trial) => Object.keys(trial.parameters)))
  const candidates = Array.from(names, (parameter) => {
    const groups = groupsOf(trials.map((trial) => trial.parameters[parameter]))
    const sizes = Map.groupBy(groups, (group) => group)
    const usable = [...sizes.values()].filter((members) => members.length >= leastGroup).length
    return { parameter, groups, count: sizes.size, usable, partition: partition(groups) }
  }).filter(({ count, usable }) => count > 1 && usable > 1 && trials.length - count >= 3)

  const parameters = candidates.map(({ parameter, groups, count, partition: own }): ParameterImportance => {
    const observed = between(ranks, groups)
    const error = (total - observed) / (trials.length - count)
    const share = total === 0 ? 0 : Math.max(0, 1 - error / (total / (trials.length - 1)))
    const next = generator(seed)
    const shuffled = [...ranks]
    let asLarge = 0
    for (let i = 0; i < permutations; i++) {
      shuffle(shuffled, next)
      if (between(shuffled, groups) >= observed - 1e-9) asLarge++
    }
    return {
      parameter,
      share,
      pValue: (asLarge + 1) / (permutations + 1),
      inseparable: candidates
        .filter((other) => other.partition === own && other.parameter !== parameter)
        .map((other) => other.parameter),
    }
  })
  return { _tag: "Known", trials: trials.length, parameters: parameters.sort((a, b) => b.share - a.share) }
}

/** Most important first; empty when there are too few trials to tell, or nothing varies. */
export const importance = (sweep: SweepState, seed = 1): ReadonlyArray<ParameterImportance> => {
  const found = analyseImportance(sweep, seed)
  return found._tag === "Known" ? found.parameters : []
}
