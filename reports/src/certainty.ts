// How far the best configuration can be told from the next one. Owns the standard error between replicas and the count of
// near ties where there are none; the sentences are in strings.ts.
import type { Configuration, Standing, Standings } from "./Standings.ts"

/** Objectives this close, relative to the best, are taken as a tie when nothing ran twice. */
export const nearShare = 0.01

export type Certainty =
  | { readonly kind: "only" }
  | { readonly kind: "unreplicated"; readonly near: number }
  | {
      readonly kind: "replicated"
      readonly best: Configuration
      /** Gap of the means over its standard error; `null` when the runs did not differ at all. */
      readonly ratio: number | null
      /** The gap is larger than 95 % of those that seeds alone make. */
      readonly clear: boolean
    }

// Two-sided 95 % points of Student's t for 1 to 10 degrees of freedom; 2.0 is within 0.1 beyond 20.
const tPoints = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
const tPoint = (freedom: number): number => tPoints[freedom - 1] ?? (freedom <= 20 ? 2.13 : 2)

/** Pooled over all configurations that ran more than once: seeds are assumed to scatter them alike. */
const pooled = (configurations: ReadonlyArray<Configuration>) => {
  const repeated = configurations.filter((one) => one.deviation !== null)
  const freedom = repeated.reduce((sum, one) => sum + one.standings.length - 1, 0)
  const squares = repeated.reduce((sum, one) => sum + (one.standings.length - 1) * one.deviation! ** 2, 0)
  return { freedom, deviation: freedom === 0 ? null : Math.sqrt(squares / freedom) }
}

export const relativeGap = (best: number, other: number): number =>
  best === 0 ? (other === 0 ? 0 : Infinity) : Math.abs(other - best) / Math.abs(best)

export const certaintyOf = (standings: Standings): Certainty => {
  const [best, next] = standings.configurations
  if (best === undefined || next === undefined) return { kind: "only" }
  const { freedom, deviation } = pooled(standings.configurations)
  if (deviation === null || best.deviation === null) {
    const near = standings.configurations.slice(1).filter((one) => relativeGap(best.mean, one.mean) <= nearShare)
    return { kind: "unreplicated", near: near.length }
  }
  const error = deviation * Math.sqrt(1 / best.standings.length + 1 / next.standings.length)
  const gap = Math.abs(next.mean - best.mean)
  return {
    kind: "replicated",
    best,
    ratio: error === 0 ? null : gap / error,
    clear: gap > tPoint(freedom) * error,
  }
}

/** A trial nearly as good as the best that took at most 60 % of its time; the best such one. */
export const lighterThan = (standings: Standings): Standing | null => {
  const { best } = standings
  if (best === null || best.duration === null || best.duration === 0) return null
  return (
    standings.ranked.find(
      (one) =>
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
