// When a sweep is finished: nothing open, nothing more to come, and every trial judged. Owns this decision.
import * as Effect from "effect/Effect"
import type { SweepState } from "@sweep/domain/SweepState"
import type { StoreError } from "@sweep/store/Store"
import { ask, type Samplers } from "./ask.ts"
import type { Journal } from "./Journal.ts"

export const finishSweeps = (
  journal: Journal,
  samplers: Samplers,
  isJudged: (sweep: SweepState) => boolean,
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    for (const sweep of journal.state.sweeps.values()) {
      if (sweep.status !== "running" || journal.state.open(sweep.id).size > 0 || !isJudged(sweep)) continue
      const facts = yield* journal.record((at) => {
        if (sweep.status !== "running" || journal.state.open(sweep.id).size > 0) return []
        const next = ask(sweep, journal.state, samplers, at)
        if (next._tag === "Broken") return [{ _tag: "SweepStopped", at, sweep: sweep.id, reason: next.reason }]
        return next._tag === "None" ? [{ _tag: "SweepFinished", at, sweep: sweep.id, reason: next.reason }] : []
      })
      if (facts.length > 0) samplers.forget(sweep.id)
    }
  })
