// Reading what trials have reported, as far as their ends need it. Owns the two questions to the store, which are asked
// for many trials at once: a question costs more than an answer.
import * as Effect from "effect/Effect"
import type { TrialNumber } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Store, StoreError } from "@sweep/store/Store"
import type { Reported } from "./objective.ts"

/** Of more evaluations the least and the greatest are among those that are kept. */
const maxPoints = 100_000

export type Read = Omit<Reported, "finished">

/** What any of the trials has reported, by its number. */
export const readReported = (
  store: Store["Service"],
  { id, spec, trials: all }: SweepState,
  trials: ReadonlyArray<TrialNumber>,
): Effect.Effect<(trial: TrialNumber) => Read, StoreError> =>
  Effect.map(
    Effect.all([store.lastValues(id, trials), store.curves(id, { metrics: [spec.metric.name], trials, maxPoints })], {
      concurrency: 2,
    }),
    ([values, curves]) => {
      const summaries = Map.groupBy(values, ({ trial }) => trial)
      const points = new Map(curves.map((curve) => [curve.trial, curve.points]))
      return (trial) => {
        // What it reached before it took another one's place its weights know nothing of.
        const begins = all.get(trial)?.lineage.at(-1)?.step ?? 0
        return {
          summaries: summaries.get(trial) ?? [],
          points: (points.get(trial) ?? []).filter(({ step }) => step >= begins),
        }
      }
    },
  )
