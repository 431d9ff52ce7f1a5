// The one signal that something has changed: slots, trials, sweeps, verdicts. Everyone may raise it; the dispatch loop waits
// for it. Raised several times before it is taken it counts once. Owns no state of its own, so that the parts of the
// coordinator can be made in any order.
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

export interface WakeSignal {
  readonly wake: () => void
  /** Waits until it was raised after the last time. */
  readonly woken: Effect.Effect<void>
}

export const makeWakeSignal: Effect.Effect<WakeSignal> = Effect.map(Queue.sliding<void>(1), (queue) => ({
  wake: () => void Queue.offerUnsafe(queue, undefined),
  woken: Queue.take(queue),
}))
