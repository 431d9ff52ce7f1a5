// Limits on what trials report (`eval/loss <= 1.3`, memory, latency), as distinct from constraints on parameters, which are
// known before a trial runs. Owns their meaning: which value is compared, and by how much one is broken. A trial that breaks
// one is no failure; it is not feasible.
import * as Schema from "effect/Schema"

export const Comparison = Schema.Literals(["<=", "<", ">=", ">"])
export type Comparison = typeof Comparison.Type

export class OutcomeConstraint extends Schema.Class<OutcomeConstraint>("OutcomeConstraint")({
  metric: Schema.String,
  comparison: Comparison,
  limit: Schema.Finite,
}) {}

export const outcomeText = ({ metric, comparison, limit }: OutcomeConstraint): string =>
  `${metric} ${comparison} ${limit}`

/** By metric name; `null` and NaN: not reported. */
export type ValueOf = (metric: string) => number | null | undefined

const keeps = (value: number, comparison: Comparison, limit: number): boolean =>
  comparison === "<="
    ? value <= limit
    : comparison === "<"
      ? value < limit
      : comparison === ">="
        ? value >= limit
        : value > limit

/** Beyond the limit by at least so much, as a share of it: `<` is broken by the limit itself, too. */
const least = 1e-9

/**
 * 0 where the constraint is kept, ∞ where its metric has no value, else how far the value is beyond the limit as a share of
 * the limit (of 1 where that is 0), so that constraints in different units can be added up.
 */
export const excessOf = ({ metric, comparison, limit }: OutcomeConstraint, valueOf: ValueOf): number => {
  const value = valueOf(metric)
  if (value === null || value === undefined || Number.isNaN(value)) return Infinity
  if (keeps(value, comparison, limit)) return 0
  return Math.max(least, Math.abs(value - limit) / (Math.abs(limit) || 1))
}

/** The excesses added up: 0 where every constraint is kept. */
export const violationOf = (constraints: ReadonlyArray<OutcomeConstraint>, valueOf: ValueOf): number =>
  constraints.reduce((sum, one) => sum + excessOf(one, valueOf), 0)
