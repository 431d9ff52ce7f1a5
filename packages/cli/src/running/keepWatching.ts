// Watches on through a break of the line: the coordinator is restarted, the network is away for a while, and whoever
// watches sees the sweep continue. Owns for how long it is tried; a watch begins with a snapshot, so nothing is missed.
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { isUnreachable } from "@sweep/protocol/SweepApi"

/** From break to return. */
const patience = "10 minutes"

/** What a first connection cannot reach is told at once; a line that has been there is waited for. */
export const keepWatching = <A, E>(
  events: Stream.Stream<A, E>,
  says: { readonly away: Effect.Effect<void>; readonly back: Effect.Effect<void> },
): Stream.Stream<A, E> => {
  let seen = false
  let away = false
  return events.pipe(
    Stream.tap(() => {
      seen = true
      if (!away) return Effect.void
      away = false
      return says.back
    }),
    Stream.tapError(() => {
      if (!seen || away) return Effect.void
      away = true
      return says.away
    }),
    Stream.retry(
      Schedule.spaced("1 second").pipe(
        Schedule.upTo({ duration: patience }),
        Schedule.setInputType<E>(),
        Schedule.while(({ input }) => seen && isUnreachable(input)),
      ),
    ),
  )
}
