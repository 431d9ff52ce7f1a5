// What is stored of trials whose result another sweep's trial stands for: its curves and what its trainer said, under the
// number that the trial has here.
import * as Effect from "effect/Effect"
import type { Curve } from "@sweep/domain/Curve"
import type { TrialNumber } from "@sweep/domain/Id"
import type { TrialDetails } from "@sweep/domain/SweepResults"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Store, StoreError } from "@sweep/store/Store"

export const readReused = (
  store: Store["Service"],
  sweep: SweepState,
  maxPoints: number,
): Effect.Effect<
  { readonly curves: ReadonlyArray<Curve>; readonly details: ReadonlyArray<TrialDetails> },
  StoreError
> =>
  Effect.gen(function* () {
    const reused = Array.from(sweep.trials.values()).flatMap(({ number, reusedFrom: from }) =>
      from === null ? [] : [{ number, from }],
    )
    const curves: Array<Curve> = []
    const details: Array<TrialDetails> = []
    for (const [id, refs] of Map.groupBy(reused, ({ from }) => from.sweep)) {
      const numbers = new Map<TrialNumber, Array<TrialNumber>>()
      for (const { number, from } of refs) numbers.set(from.trial, [...(numbers.get(from.trial) ?? []), number])
      const here = <A extends { readonly trial: TrialNumber }>(one: A): ReadonlyArray<A> =>
        (numbers.get(one.trial) ?? []).map((trial) => ({ ...one, trial }))
      curves.push(...(yield* store.curves(id, { trials: Array.from(numbers.keys()), maxPoints })).flatMap(here))
      details.push(...(yield* store.details(id)).flatMap(here))
    }
    return { curves, details }
  })
