// A trained model on this machine: the adapter's files below the state directory, and the base they belong to. Owns
// where they lie; whole models, as `full` and `freeze` leave them, lie there in the same way.
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { formatTrialRef } from "@sweep/domain/Id"
import * as flags from "../flags.ts"
import { pullArtifacts } from "../results/pullArtifacts.ts"
import { home } from "../serving/home.ts"
import { keptAdapter } from "./keptAdapter.ts"

/** `of`: SWEEP or SWEEP/N, without a number the best trial. */
export const fetchModel = Effect.fn("fetchModel")(function* (of: string, directory?: string) {
  const kept = yield* keptAdapter(yield* flags.sweepOrTrialRef(of))
  const { from, files, prefix, number, state, trial } = kept
  const at = directory ?? join((yield* home).directory, "models", `${from.sweep}-${from.trial}`)
  yield* pullArtifacts(from.sweep, files, {
    directory: at,
    nameOf: (path) => path.slice(prefix.length),
    // Of an earlier attempt, where it was fetched before.
    force: directory === undefined,
    onBytes: () => undefined,
  })
  return {
    name: formatTrialRef({ sweep: state.id, trial: number }),
    base: state.spec.model,
    directory: at,
    state,
    trial,
  }
})
