// The one way in which the coordinator's state changes: decide, commit, fold, tell. Owns that these four happen as one
// step, one after another for the whole coordinator, so that a decision never rests on a state that has passed.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Fact } from "@sweep/domain/Fact"
import { Store, type StoreError } from "@sweep/store/Store"
import { monotonic } from "./monotonic.ts"
import { State } from "./State.ts"
import { SteadyTime } from "./SteadyTime.ts"

export interface Journal {
  readonly state: State
  /** What a fact would be stamped with now; durations are measured against it. */
  readonly now: Effect.Effect<number>
  /**
   * Commits the facts that `decide` makes of the present state, and returns them once they are folded into it. `at` is
   * what they are stamped with: milliseconds since the Unix epoch.
   */
  readonly record: (decide: (at: number) => ReadonlyArray<Fact>) => Effect.Effect<ReadonlyArray<Fact>, StoreError>
  /** Called with all facts of a step after it; returns how to stop that. It must not throw, nor take long. */
  readonly listen: (listener: (facts: ReadonlyArray<Fact>) => void) => () => void
}

/** Folds everything that was ever recorded. */
export const makeJournal: Effect.Effect<Journal, StoreError, Store> = Effect.gen(function* () {
  const store = yield* Store
  const state = new State()
  let last = 0
  for (const fact of yield* store.facts) {
    state.apply(fact)
    last = Math.max(last, fact.at)
  }
  const steady = new SteadyTime(yield* Clock.currentTimeMillis, yield* monotonic, last)
  const now = Effect.zipWith(Clock.currentTimeMillis, monotonic, (wall, elapsed) => steady.now(wall, elapsed))
  state.lastEpoch = Math.max(state.lastEpoch, yield* store.lastEpoch)

  const lock = Semaphore.makeUnsafe(1)
  const listeners = new Set<(facts: ReadonlyArray<Fact>) => void>()
  return {
    state,
    now,
    record: (decide) =>
      lock.withPermit(
        // A step that was committed is also folded: an interruption has to wait.
        Effect.uninterruptible(
          Effect.gen(function* () {
            const decided = decide(yield* now)
            // Of a sweep that was removed while its caller prepared the decision there is nothing more to say.
            const facts = decided.filter((fact) => !("sweep" in fact && state.removed.has(fact.sweep)))
            if (facts.length === 0) return facts
            yield* store.append(facts)
            for (const fact of facts) state.apply(fact)
            for (const listener of listeners) listener(facts)
            return facts
          }),
        ),
      ),
    listen: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
})
