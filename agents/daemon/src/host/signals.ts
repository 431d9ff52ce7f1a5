// The stops that a user, a service manager or a scheduler asks for with signals. SIGINT drains, and a second one kills.
// SIGTERM does the same where hosts stay, and releases where they are taken away at short notice. Owns listening to the
// signals; what the stops do is the agent's.
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Stops {
  /** Completes when running trials shall be finished and no more be taken. */
  readonly drain: Effect.Effect<string>
  /** Completes when the host goes within the notice: checkpoint, upload and give back. */
  readonly release: Effect.Effect<string>
  /** Completes when the trials shall be ended at once. */
  readonly kill: Effect.Effect<string>
}

/** What SIGTERM asks for. */
export type OnTerm = "drain" | "release"

/**
 * Where hosts are taken away with SIGTERM and short notice: in a Slurm job, in a Kubernetes pod, or where the owner says
 * that the host is a spot machine (`SWEEP_SPOT=1`).
 */
export const onTermHere = (environment: Readonly<Record<string, string | undefined>>): OnTerm =>
  ["SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST", "SWEEP_SPOT"].some((name) => (environment[name] ?? "") !== "")
    ? "release"
    : "drain"

export const signalStops = (onTerm: OnTerm): Effect.Effect<Stops, never, Scope.Scope> =>
  Effect.gen(function* () {
    const drain = Deferred.makeUnsafe<string>()
    const release = Deferred.makeUnsafe<string>()
    const kill = Deferred.makeUnsafe<string>()
    // Weakest first: a signal asks for the first of its stops that was not asked for yet. A release is over within the
    // notice, and schedulers repeat SIGTERM: a second one must not cost the checkpoint.
    const asks = { SIGINT: [drain, kill], SIGTERM: onTerm === "release" ? [release] : [drain, kill] }
    const listen = (signal: NodeJS.Signals) => {
      for (const stop of asks[signal as keyof typeof asks]) {
        if (Deferred.doneUnsafe(stop, Effect.succeed(signal))) return
      }
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
    return { drain: Deferred.await(drain), release: Deferred.await(release), kill: Deferred.await(kill) }
  })
