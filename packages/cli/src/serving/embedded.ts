// A coordinator in this process: the database opened, its state folded, a SweepApi and a door for agents. What `sweep
// serve`, `sweep run` without a coordinator, and reading commands without one are made of.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type { Timings } from "@sweep/domain/Lease"
import * as Coordinator from "@sweep/coordinator/Coordinator"
import * as DuckdbStore from "@sweep/store/DuckdbStore"
import { networkFileSystem } from "@sweep/store/networkFileSystem"
import * as FolderArtifacts from "@sweep/store/FolderArtifacts"
import * as FolderSources from "@sweep/store/FolderSources"
import { stateFailure } from "../exitCodes.ts"
import { artifactLimits } from "./artifactLimits.ts"
import { ensureHome, type Home, readNote } from "./home.ts"
import { note } from "../output.ts"
import { timingsFromEnvironment } from "./timings.ts"
import { version } from "../version.ts"

/**
 * Another reading command may hold the database for a moment; a coordinator holds it for good, and is found by its
 * note before this is tried.
 */
const store = (at: Home, queryProcess: boolean) =>
  Layer.effectContext(
    Layer.build(DuckdbStore.layer({ directory: at.store, queryProcess })).pipe(
      Effect.retry({
        times: 20,
        schedule: Schedule.spaced("150 millis"),
        while: (error) => error.reason === "locked" && readNote(at) === undefined,
      }),
      Effect.mapError((error) => stateFailure(error.message)),
    ),
  )

const artifacts = (at: Home) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { reserve } = yield* artifactLimits(at)
      return yield* Effect.mapError(
        Layer.build(
          Layer.merge(
            FolderArtifacts.layer({ directory: at.artifacts, reserve }),
            FolderSources.layer({ directory: at.sources, reserve }),
          ),
        ),
        ({ message }) => stateFailure(message),
      )
    }),
  )

/** `serving`: others than this command may ask it. */
export const coordinator = (at: Home, options: { readonly timings?: Timings; readonly serving?: boolean } = {}) =>
  Layer.unwrap(
    Effect.gen(function* () {
      yield* ensureHome(at)
      const network = networkFileSystem(at.store)
      if (network !== undefined) {
        yield* note(
          `warning: ${at.store} lies on a network file system (${network}), where the database can be damaged: a lock may not hold, and a write that was confirmed may be lost. Set SWEEP_HOME to a local disk.`,
        )
      }
      const timings = options.timings ?? (yield* timingsFromEnvironment)
      return Coordinator.layer({
        version,
        home: at.directory,
        timings,
        artifactQuotas: (yield* artifactLimits(at)).quotas,
      }).pipe(Layer.provide(store(at, options.serving === true)), Layer.provide(artifacts(at)))
    }),
  )
