// The clock that every decision on time rests on: milliseconds that only ever grow, whatever happens to the wall clock.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export const monotonic: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
