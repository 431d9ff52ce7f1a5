// The two stops a person or a service manager asks for with signals: the first SIGINT or SIGTERM drains, the second
// kills. Owns listening to them; what the stops do is the agent's.
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Stops {
  /** Completes when running trials shall be finished and no more be taken. */
  readonly drain: Effect.Effect<string>
  /** Completes when the trials shall be ended at once. */
  readonly kill: Effect.Effect<string>
}

export const signalStops: Effect.Effect<Stops, never, Scope.Scope> = Effect.gen(function* () {
  const drain = Deferred.makeUnsafe<string>()
  const kill = Deferred.makeUnsafe<string>()
  const listen = (signal: NodeJS.Signals) => {
    if (!Deferred.doneUnsafe(drain, Effect.succeed(signal))) Deferred.doneUnsafe(kill, Effect.succeed(signal))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.on("SIGINT", listen)
      process.on("SIGTERM", listen)
    }),
    () =>
      Effect.sync(() => {
        process.off("SIGINT", listen)
        process.off("SIGTERM", listen)
      }),
  )
  return { drain: Deferred.await(drain), kill: Deferred.await(kill) }
})
