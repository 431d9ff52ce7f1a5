// When a sweep is finished: nothing open, nothing more to come, and every trial judged. Owns this decision, and with it
// the end of trials that a stopping rule has set aside and that nothing is left to bring back.
import * as Effect from "effect/Effect"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { populationOptions } from "@sweep/domain/population"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepState } from "@sweep/domain/SweepState"
import type { StoreError } from "@sweep/store/Store"
import { ask, type CurvesOf, type Samplers } from "./ask.ts"
import type { Journal } from "../state/Journal.ts"

export const finishSweeps = (options: {
  readonly journal: Journal
  readonly samplers: Samplers
  readonly curves: CurvesOf
  readonly isJudged: (sweep: SweepState) => boolean
  readonly stop: (sweep: SweepId, trial: TrialNumber, reason: Reason) => Effect.Effect<void, StoreError>
}): Effect.Effect<void, StoreError> => {
  const { journal, samplers, curves, isJudged, stop } = options
  const { state } = journal

  /** Every trial has ended or was set aside by a rule, which has seen all there is to see. */
  const atRest = (sweep: SweepState): boolean =>
    sweep.status === "running" &&
    isJudged(sweep) &&
    Array.from(state.open(sweep.id).values()).every((trial) => state.isSetAside(trial))

  return Effect.gen(function* () {
    for (const sweep of state.sweeps.values()) {
      if (!atRest(sweep)) continue
      const setAside = Array.from(state.open(sweep.id).keys())
      // Members of a population wait for each other, and continue.
      const isWaiting = (number: TrialNumber) => sweep.trials.get(number)!.waitedAt !== null
      if (populationOptions(sweep.spec) !== null && setAside.some(isWaiting)) continue
      let exhausted = false
      yield* journal.record((at) => {
        if (!atRest(sweep)) return []
        const next = ask(sweep, state, samplers, at, curves)
        if (next._tag === "Broken") return [{ _tag: "SweepStopped", at, sweep: sweep.id, reason: next.reason }]
        exhausted = next._tag === "None"
        return next._tag === "None" && setAside.length === 0
          ? [{ _tag: "SweepFinished", at, sweep: sweep.id, reason: next.reason }]
          : []
      })
      if (exhausted) {
        for (const trial of setAside) {
          yield* stop(sweep.id, trial, { _tag: "NeverPromoted" })
        }
      }
      if (sweep.status !== "running") samplers.forget(sweep.id)
    }
  })
}
