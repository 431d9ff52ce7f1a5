// Sets of parameters in the order of their results: the one rule by which everything that names a best ranks. A set
// counts with the mean of its runs, so that with several seeds a lucky run does not win, and one most of whose runs failed
// stands behind all others, however good the run that did not. One that breaks a constraint on outcomes stands behind those
// that keep them, the nearer one first.
import { compare } from "../space/Metric.ts"
import { violationOf } from "../space/OutcomeConstraint.ts"
import { canonicalText, type Parameters } from "../space/Parameter.ts"
import { hasFailed, type Trial } from "../trial/Trial.ts"
import type { SweepSpec } from "./SweepSpec.ts"

/** One set of parameters and the trials that ran it to a result. */
export interface Configuration {
  readonly parameters: Parameters
  /** Best objective first; at least one. */
  readonly trials: readonly [Trial, ...ReadonlyArray<Trial>]
  /** Of their objectives. */
  readonly mean: number
  /** Standard deviation between them (n − 1); `null` for one trial. */
  readonly deviation: number | null
  /** Runs of the same parameters that failed. */
  readonly failed: number
  /** How far it is from keeping the sweep's constraints on outcomes; 0: it keeps them all, or there are none. */
  readonly violation: number
}

/** What ranking rests on. */
export type Ranking = Pick<SweepSpec, "metric" | "outcomes">

/** More of its runs failed than not: not what anybody should run. */
export const isUnreliable = ({ trials, failed }: Pick<Configuration, "trials" | "failed">): boolean =>
  failed > trials.length

/** A trial that a rule ended early has one, too; a failed or cancelled one has no adapter to use. */
export const hasResult = ({ state, objective }: Trial): boolean =>
  (state === "completed" || state === "stopped") && objective !== null && Number.isFinite(objective)

/** ∞ − ∞ is no number, hence not a subtraction. */
const compareViolations = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

/**
 * The mean of a metric over the runs that reported it: of the metric that trials are ranked by the objective, of any other
 * one the last value. `null` where no run did.
 */
export const meanOf = (trials: ReadonlyArray<Trial>, name: string, metric: Ranking["metric"]): number | null => {
  let sum = 0
  let count = 0
  for (const { objective, values } of trials) {
    const value = name === metric.name ? objective : (values[name] ?? null)
    if (value === null || Number.isNaN(value)) continue
    sum += value
    count++
  }
  return count === 0 ? null : sum / count
}

/** Best mean first, then what breaks constraints on outcomes, unreliable ones last; at equal means the earlier trial. */
export const configurationsOf = (
  trials: Iterable<Trial>,
  { metric, outcomes = [] }: Ranking,
): ReadonlyArray<Configuration> => {
  const better = compare(metric.goal)
  const all = Array.from(trials)
  const groups = Map.groupBy(all.filter(hasResult), ({ parameters }) => canonicalText(parameters))
  const failures = new Map<string, number>()
  for (const { state, parameters } of all) {
    if (!hasFailed(state)) continue
    const text = canonicalText(parameters)
    failures.set(text, (failures.get(text) ?? 0) + 1)
  }
  return Array.from(groups, ([text, group]): Configuration => {
    group.sort((a, b) => better(a.objective!, b.objective!) || a.number - b.number)
    const values = group.map(({ objective }) => objective!)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    return {
      parameters: group[0]!.parameters,
      trials: group as [Trial, ...Array<Trial>],
      mean,
      deviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)),
      failed: failures.get(text) ?? 0,
      violation: violationOf(outcomes, (name) => meanOf(group, name, metric)),
    }
  }).sort(
    (a, b) =>
      Number(isUnreliable(a)) - Number(isUnreliable(b)) ||
      compareViolations(a.violation, b.violation) ||
      better(a.mean, b.mean) ||
      a.trials[0].number - b.trials[0].number,
  )
}
