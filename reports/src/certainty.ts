// What else a user should weigh beside the best configuration: cheaper trials that are nearly as good, values at the edge of
// what was tried. How sure the best is, the answer says; the sentences are in strings/.
import type { Standing, Standings } from "./Standings.ts"

export const relativeGap = (best: number, other: number): number =>
  best === 0 ? (other === 0 ? 0 : Infinity) : Math.abs(other - best) / Math.abs(best)

/** A trial nearly as good as the best that took at most 60 % of its time; the best such one. */
export const lighterThan = (standings: Standings): Standing | null => {
  const { best } = standings
  if (best === null || best.duration === null || best.duration === 0) return null
  const feasible = new Set(
    standings.configurations.flatMap(({ violation, standings: own }) =>
      violation === 0 ? own.map(({ trial }) => trial.number) : [],
    ),
  )
  return (
    standings.ranked.find(
      (one) =>
        feasible.has(one.trial.number) &&
        one !== best &&
        one.duration !== null &&
        one.duration <= 0.6 * best.duration! &&
        relativeGap(best.objective!, one.objective!) <= 0.02,
    ) ?? null
  )
}

/** Numeric parameters tried with at least three values whose best value is the smallest or the largest of them. */
export const edgesOf = (standings: Standings): ReadonlyArray<string> => {
  const { best } = standings
  if (best === null || standings.ranked.length < 4) return []
  return standings.varying.filter((name) => {
    const tried = standings.all.map((one) => one.trial.parameters[name]).filter((value) => typeof value === "number")
    const value = best.trial.parameters[name]
    return (
      typeof value === "number" &&
      new Set(tried).size >= 3 &&
      (value === Math.min(...tried) || value === Math.max(...tried))
    )
  })
}
