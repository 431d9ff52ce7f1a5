// Sets of parameters in the order of their results: the one rule by which everything that names a best ranks. A set
// counts with the mean of its runs, so that with several seeds a lucky run does not win, and one most of whose runs failed
// stands behind all others, however good the run that did not.
import { compare, type Goal } from "../space/Metric.ts"
import { canonicalText, type Parameters } from "../space/Parameter.ts"
import type { Trial } from "../trial/Trial.ts"

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
}

/** More of its runs failed than not: not what anybody should run. */
export const isUnreliable = ({ trials, failed }: Pick<Configuration, "trials" | "failed">): boolean =>
  failed > trials.length

/** A trial that a rule ended early has one, too; a failed or cancelled one has no adapter to use. */
export const hasResult = ({ state, objective }: Trial): boolean =>
  (state === "completed" || state === "stopped") && objective !== null && Number.isFinite(objective)

/** Best mean first, unreliable ones last; at equal means the earlier trial. */
export const configurationsOf = (trials: Iterable<Trial>, goal: Goal): ReadonlyArray<Configuration> => {
  const better = compare(goal)
  const all = Array.from(trials)
  const groups = Map.groupBy(all.filter(hasResult), ({ parameters }) => canonicalText(parameters))
  const failures = new Map<string, number>()
  for (const { state, parameters } of all) {
    if (state !== "failed") continue
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
    }
  }).sort(
    (a, b) =>
      Number(isUnreliable(a)) - Number(isUnreliable(b)) ||
      better(a.mean, b.mean) ||
      a.trials[0].number - b.trials[0].number,
  )
}
