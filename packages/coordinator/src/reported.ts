// Reading what a trial has reported, as far as its end needs it. Owns the two questions to the store.
import * as Effect from "effect/Effect"
import type { TrialNumber } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Store, StoreError } from "@sweep/store/Store"
import type { Reported } from "./objective.ts"

/** Of more evaluations the least and the greatest are among those that are kept. */
const maxPoints = 100_000

export const readReported = (
  store: Store["Service"],
  { id, spec }: SweepState,
  trial: TrialNumber,
): Effect.Effect<Omit<Reported, "finished">, StoreError> =>
  Effect.map(
    Effect.all(
      [store.lastValues(id, trial), store.curves(id, { metrics: [spec.metric.name], trials: [trial], maxPoints })],
      { concurrency: 2 },
    ),
    ([summaries, curves]) => ({ summaries, points: curves[0]?.points ?? [] }),
  )
