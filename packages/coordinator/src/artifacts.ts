// The files that trials leave, as agents and people meet them. Owns which are wanted, by the sweep's rule and the trial's
// state, and letting go of them: checkpoints of a trial that has ended go unless the rule keeps them. Only the newest
// attempt of a trial is listened to. Without an artifact store nothing is wanted.
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { type Artifact, type ArtifactOwner, keptFiles, manifestOf, wholeCheckpoints } from "@sweep/domain/Artifact"
import { formatTrialRef, type SweepId, type TrialNumber } from "@sweep/domain/Id"
import { isTerminal } from "@sweep/domain/Trial"
import { ArtifactExchange, pieceBytes, type Wanted } from "@sweep/rpc/ArtifactExchange"
import { NotFound, Refused, Unavailable } from "@sweep/rpc/SweepApi"
import { ArtifactStore, type ArtifactsUnusable } from "@sweep/store/ArtifactStore"
import type { Journal } from "./Journal.ts"

export interface Artifacts {
  readonly exchange: ArtifactExchange["Service"]
  readonly list: (sweep: SweepId, trial: TrialNumber | null) => Effect.Effect<ReadonlyArray<Artifact>, Unavailable>
  readonly fetch: (
    sweep: SweepId,
    artifact: Pick<Artifact, "trial" | "epoch" | "path">,
    offset: number,
  ) => Stream.Stream<Uint8Array, NotFound | Unavailable>
  readonly sizeOf: (sweep: SweepId) => Effect.Effect<{ readonly files: number; readonly bytes: number }, Unavailable>
  /** Of a sweep that is gone. */
  readonly remove: (sweep: SweepId) => Effect.Effect<void, Unavailable>
  /** Lets go of what need not be kept: files of sweeps that are gone, and of trials that have ended. */
  readonly run: Effect.Effect<never>
}

const unavailable = (error: ArtifactsUnusable) => new Unavailable({ reason: "unreachable", message: error.message })

const warned = (effect: Effect.Effect<void, ArtifactsUnusable>) =>
  Effect.catchTag(effect, "ArtifactsUnusable", ({ message }) => Effect.logWarning(message))

const none: Artifacts = {
  exchange: {
    offer: () => Effect.succeed({ wanted: [], folder: "", marker: "" }),
    put: () => Effect.fail(new Refused({ message: "this coordinator keeps no files of trials" })),
    listCheckpoint: () => Effect.succeed([]),
    fetch: () => Stream.fail(new Refused({ message: "this coordinator keeps no files of trials" })),
  },
  list: () => Effect.succeed([]),
  fetch: () => Stream.fail(new NotFound({ message: "this coordinator keeps no files of trials", known: [] })),
  sizeOf: () => Effect.succeed({ files: 0, bytes: 0 }),
  remove: () => Effect.void,
  run: Effect.never,
}

export const makeArtifacts = Effect.fnUntraced(function* ({ state, listen }: Journal) {
  const found = yield* Effect.serviceOption(ArtifactStore)
  if (Option.isNone(found)) return none
  const store = found.value
  const files = yield* FileSystem.FileSystem

  const ruleOf = (sweep: SweepId) => state.sweeps.get(sweep)?.spec.artifacts ?? "best"

  /** What of `files` is worth having of this attempt now. */
  const worth = <A extends { readonly path: string }>(owner: ArtifactOwner, offered: ReadonlyArray<A>) => {
    const trial = state.trial(owner.sweep, owner.trial)
    if (trial === undefined || trial.epoch !== owner.epoch) return []
    if (trial.state === "failed" || trial.state === "cancelled") return []
    return keptFiles(ruleOf(owner.sweep), offered, isTerminal(trial.state))
  }

  const fetch = (
    sweep: SweepId,
    artifact: Pick<Artifact, "trial" | "epoch" | "path">,
    offset: number,
  ): Stream.Stream<Uint8Array, NotFound | Unavailable> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const all = yield* Effect.mapError(store.list(sweep, artifact.trial), unavailable)
        if (!all.some(({ epoch, path }) => epoch === artifact.epoch && path === artifact.path)) {
          const name = formatTrialRef({ sweep, trial: artifact.trial })
          return yield* new NotFound({ message: `${artifact.path} of ${name} is not kept any more`, known: [] })
        }
        return files
          .stream(store.locate(sweep, artifact), { chunkSize: pieceBytes, offset })
          .pipe(Stream.mapError(({ message }) => new Unavailable({ reason: "unreachable", message })))
      }),
    )

  const remove = (sweep: SweepId) => Effect.mapError(store.removeSweep(sweep), unavailable)

  const exchange: ArtifactExchange["Service"] = {
    offer: Effect.fnUntraced(function* (owner, offered) {
      const wanted: Array<Wanted> = []
      for (const file of worth(owner, offered)) {
        const offset = yield* Effect.mapError(store.received(owner, file), unavailable)
        if (offset !== null) wanted.push({ path: file.path, offset, place: store.place(owner, file.path) })
      }
      return { wanted, ...store.shared }
    }),

    put: Effect.fnUntraced(function* (owner, piece) {
      // What of a checkpoint comes before its manifest is wanted for the sake of the whole.
      const manifest = manifestOf(piece.path)
      const along = manifest === null ? [piece] : [piece, { path: manifest }]
      const unwanted = Effect.gen(function* () {
        // What was on its way when the sweep was removed, or was put in its place already, goes, too.
        if (state.removed.has(owner.sweep)) yield* remove(owner.sweep)
        return yield* new Refused({ message: `${piece.path} of ${formatTrialRef(owner)} is not wanted any more` })
      })
      if (!worth(owner, along).some(({ path }) => path === piece.path)) return yield* unwanted
      const written = Effect.gen(function* () {
        if (piece.data.byteLength > 0 || piece.bytes === 0) yield* store.write(owner, piece)
        if (piece.sha256 !== null) yield* store.complete(owner, { ...piece, sha256: piece.sha256 })
      })
      yield* written.pipe(
        Effect.catchTags({
          ArtifactMismatch: ({ message }) => Effect.fail(new Refused({ message })),
          ArtifactsUnusable: (error) => Effect.fail(unavailable(error)),
        }),
      )
      if (state.removed.has(owner.sweep)) return yield* unwanted
    }),

    listCheckpoint: (sweep, trial) =>
      store.list(sweep, trial).pipe(
        Effect.mapError(unavailable),
        Effect.map((all) => {
          const byAttempt = Map.groupBy(all, ({ epoch }) => epoch)
          const newest = Array.from(byAttempt.keys()).sort((a, b) => b - a)
          return newest.map((epoch) => wholeCheckpoints(byAttempt.get(epoch)!)).find((files) => files.length > 0) ?? []
        }),
      ),

    fetch: (sweep, trial, file) => fetch(sweep, { trial, ...file }, 0),
  }

  const ended = yield* Queue.unbounded<{ readonly sweep: SweepId; readonly trial: TrialNumber }>()
  listen((facts) => {
    for (const fact of facts) {
      switch (fact._tag) {
        case "TrialCompleted":
        case "TrialStopped":
        case "TrialFailed":
        case "TrialCancelled":
          Queue.offerUnsafe(ended, fact)
      }
    }
  })
  const letGo = (sweep: SweepId, number: TrialNumber) => {
    const newest = state.trial(sweep, number)?.epoch ?? null
    return store.retain(sweep, number, newest, (all) =>
      keptFiles(
        ruleOf(sweep),
        all.filter(({ epoch }) => epoch === newest),
        true,
      ),
    )
  }

  return {
    exchange,
    list: (sweep, trial) => Effect.mapError(store.list(sweep, trial), unavailable),
    fetch,
    sizeOf: (sweep) => Effect.mapError(store.sizeOf(sweep), unavailable),
    remove,
    // A coordinator before this one may have ended between a removal and its files.
    run: Effect.forEach(Array.from(state.removed), (sweep) => warned(store.removeSweep(sweep))).pipe(
      Effect.andThen(
        Effect.forever(Effect.flatMap(Queue.take(ended), ({ sweep, trial }) => warned(letGo(sweep, trial)))),
      ),
    ),
  } satisfies Artifacts
})
