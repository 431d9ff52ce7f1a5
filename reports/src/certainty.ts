// How far the best configuration can be told from the rest, and what else a person should weigh: near ties, cheaper trials
// that are nearly as good, values at the edge of what was tried. The comparison of replicas is the diagnosis room's; the
// sentences are in strings.ts.
import { type Comparison, compareBest } from "@sweep/diagnosis/compareBest"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Standing, Standings } from "./Standings.ts"

/** Objectives this close, relative to the best, are taken as a tie when nothing ran twice. */
export const nearShare = 0.01

export type Certainty =
  | { readonly kind: "only" }
  | { readonly kind: "unreplicated"; readonly near: number }
  | {
      readonly kind: "replicated"
      readonly spread: number
      readonly probability: number
      readonly certainty: Exclude<Comparison["certainty"], "unknown">
    }

export const relativeGap = (best: number, other: number): number =>
  best === 0 ? (other === 0 ? 0 : Infinity) : Math.abs(other - best) / Math.abs(best)

export const certaintyOf = (sweep: SweepState, standings: Standings): Certainty => {
  const comparison = compareBest(sweep)
  if (comparison === null) return { kind: "only" }
  const { spread, probability, certainty } = comparison
  if (spread === null || probability === null || certainty === "unknown") {
    const [best, ...others] = standings.configurations
    return { kind: "unreplicated", near: others.filter((one) => relativeGap(best!.mean, one.mean) <= nearShare).length }
  }
  return { kind: "replicated", spread, probability, certainty }
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
