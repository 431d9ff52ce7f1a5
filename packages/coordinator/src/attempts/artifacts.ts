// The files that trials leave, as agents and people meet them. Owns which are wanted, by the sweep's rule and the trial's
// state, and letting go of them: checkpoints of a trial that has ended go unless the rule keeps them. Only the newest
// attempt of a trial is listened to, and only the agent that it was given to; what is kept never changes, and its
// checksum stands in the journal. Without an artifact store nothing is wanted.
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import {
  type Artifact,
  type ArtifactOwner,
  checkpointStep,
  holdsData,
  isManifest,
  keptFiles,
  manifestOf,
  wholeCheckpoints,
} from "@sweep/domain/Artifact"
import { type Epoch, formatTrialRef, type SweepId, type TrialNumber } from "@sweep/domain/Id"
import { hasFailed, isTerminal, type Trial } from "@sweep/domain/Trial"
import { type ArtifactExchange, pieceBytes, type Wanted } from "@sweep/protocol/ArtifactExchange"
import { Caller } from "@sweep/protocol/Caller"
import { NotFound, Refused, Unavailable } from "@sweep/protocol/SweepApi"
import { ArtifactStore, type ArtifactsUnusable } from "@sweep/store/ArtifactStore"
import type { Journal } from "../state/Journal.ts"
import { monotonic } from "../state/monotonic.ts"

export interface Artifacts {
  readonly exchange: Omit<ArtifactExchange["Service"], "fetchSources">
  readonly list: (sweep: SweepId, trial: TrialNumber | null) => Effect.Effect<ReadonlyArray<Artifact>, Unavailable>
  readonly fetch: (
    sweep: SweepId,
    artifact: Pick<Artifact, "trial" | "epoch" | "path">,
    offset: number,
  ) => Stream.Stream<Uint8Array, NotFound | Unavailable>
  readonly sizeOf: (sweep: SweepId) => Effect.Effect<{ readonly files: number; readonly bytes: number }, Unavailable>
  /** Of a sweep that is gone. */
  readonly remove: (sweep: SweepId) => Effect.Effect<void, Unavailable>
  /** Whether the checkpoint at a step of the trial's newest attempt is kept, whole. */
  readonly hasCheckpoint: (trial: Pick<Trial, "sweep" | "number" | "epoch">, step: number) => Effect.Effect<boolean>
  /** When the last piece of a checkpoint of an attempt came (monotonic milliseconds), while that is not whole. */
  readonly heardOf: (epoch: Epoch) => number | undefined
  /** Lets go of the checkpoints of a trial's earlier attempts that no other trial resumes from. */
  readonly tidy: (sweep: SweepId, trial: TrialNumber) => Effect.Effect<void>
  /** Lets go of what need not be kept: files of sweeps that are gone, and of trials that have ended. */
  readonly run: Effect.Effect<never>
}

/** Bytes of files that are kept; no limit unless given. */
export interface ArtifactQuotas {
  readonly sweep?: number
  /** Of the trials whose newest attempt is this agent's. */
  readonly agent?: number
}

const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(2)

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
  hasCheckpoint: () => Effect.succeed(false),
  heardOf: () => undefined,
  tidy: () => Effect.void,
  run: Effect.never,
}

export const makeArtifacts = Effect.fnUntraced(function* (
  { state, listen, record }: Journal,
  /** A checkpoint has become whole. */
  arrived: () => void,
  quotas: ArtifactQuotas = {},
) {
  const found = yield* Effect.serviceOption(ArtifactStore)
  if (Option.isNone(found)) return none
  const store = found.value
  const files = yield* FileSystem.FileSystem

  const ruleOf = (sweep: SweepId) => state.sweeps.get(sweep)?.spec.artifacts ?? "best"
  /** A program of the submitter's own reads what it likes; our trainers get what they know, whoever left it. */
  const isTaken = (sweep: SweepId, path: string) =>
    state.sweeps.get(sweep)?.spec.trainer === "command" || holdsData(path)

  /** What of `files` is worth having of this attempt now. */
  const worth = <A extends { readonly path: string }>(owner: ArtifactOwner, offered: ReadonlyArray<A>) => {
    const trial = state.trial(owner.sweep, owner.trial)
    if (trial === undefined || trial.epoch !== owner.epoch) return []
    if (hasFailed(trial.state) || trial.state === "cancelled") return []
    const taken = offered.filter(({ path }) => isTaken(owner.sweep, path))
    return keptFiles(ruleOf(owner.sweep), taken, isTerminal(trial.state))
  }

  /** Fails when the attempt was given to an agent that the caller does not speak for. */
  const checkHolder = Effect.fnUntraced(function* (owner: ArtifactOwner) {
    const caller = yield* Caller
    const holder = state.holderOf(owner.epoch)
    if (holder === undefined || caller.speaksFor(holder)) return
    return yield* new Refused({
      message: `attempt ${owner.epoch} of ${formatTrialRef(owner)} was not given to ${caller.agents}`,
    })
  })

  /** Fails unless the caller speaks for the agent that has the trial now. */
  const checkRunner = Effect.fnUntraced(function* (sweep: SweepId, number: TrialNumber) {
    const caller = yield* Caller
    const trial = state.trial(sweep, number)
    const holder = trial?.state === "assigned" || trial?.state === "running" ? trial.agent : null
    if (holder !== null && caller.speaksFor(holder)) return
    return yield* new Refused({
      message: `${formatTrialRef({ sweep, trial: number })} is not with ${caller.agents} now: its checkpoints are for the agent that runs it`,
    })
  })

  /** Writes down what is kept of the files of an attempt; of each, the first time counts. */
  const journalled = Effect.fnUntraced(function* (
    owner: ArtifactOwner,
    files: ReadonlyArray<Pick<Artifact, "path" | "bytes" | "sha256">>,
  ) {
    yield* Effect.mapError(
      record((at) => {
        const fresh = files.filter(({ path }) => state.digestOf(owner.epoch, path) === undefined)
        const { sweep, trial, epoch } = owner
        const kept = fresh.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }))
        return fresh.length === 0 ? [] : [{ _tag: "ArtifactsKept", at, sweep, trial, epoch, files: kept }]
      }),
      ({ message }) => new Unavailable({ reason: "unreachable", message }),
    )
  })

  /** What is kept, with the checksums of the journal: a file that was exchanged on the disk shows when it is read. */
  const listed = (sweep: SweepId, trial: TrialNumber | null) =>
    Effect.map(Effect.mapError(store.list(sweep, trial), unavailable), (all) =>
      all.map((file) => ({ ...file, sha256: state.digestOf(file.epoch, file.path) ?? file.sha256 })),
    )

  /** The checkpoints that an attempt of the trial may resume from. */
  const checkpointsOf = Effect.fnUntraced(function* (sweep: SweepId, trial: TrialNumber) {
    const exploit = exploitOf(sweep, trial)
    const own = (yield* listed(sweep, trial)).filter(({ epoch }) => epoch > (exploit?.after ?? 0))
    const byAttempt = Map.groupBy(own, ({ epoch }) => epoch)
    const newest = Array.from(byAttempt.keys()).sort((a, b) => b - a)
    const whole = newest.map((epoch) => wholeCheckpoints(byAttempt.get(epoch)!)).find((files) => files.length > 0) ?? []
    if (whole.length > 0 || exploit === undefined) return whole
    return (yield* listed(sweep, exploit.trial)).filter(
      ({ epoch, path }) => epoch === exploit.epoch && checkpointStep(path) === exploit.step,
    )
  })

  const heard = new Map<Epoch, number>()

  /** Where the trial resumes from as long as it has no checkpoint from after that. */
  const exploitOf = (sweep: SweepId, trial: TrialNumber) => state.trial(sweep, trial)?.lineage.at(-1)

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

  const keptOf = (sweep: SweepId, agent: string) =>
    Effect.map(store.list(sweep, null), (all) =>
      all.reduce((sum, { trial, epoch, bytes }) => {
        const its = state.trial(sweep, trial)
        return its?.agent === agent && its.epoch === epoch ? sum + bytes : sum
      }, 0),
    )
  /** Refused files stay at the agent, which says so in its log. */
  const withinQuotas = Effect.fnUntraced(function* (owner: ArtifactOwner, more: number) {
    if (more === 0) return
    const refuse = (of: string, used: number, quota: number) =>
      new Refused({
        message: `${of} has ${gibibytes(used)} GiB of files here, and with ${gibibytes(more)} GiB more it would have over its quota of ${gibibytes(quota)} GiB; 'sweep rm' of old sweeps makes room`,
      })
    if (quotas.sweep !== undefined) {
      const { bytes } = yield* Effect.mapError(store.sizeOf(owner.sweep), unavailable)
      if (bytes + more > quotas.sweep) return yield* refuse(`sweep ${owner.sweep}`, bytes, quotas.sweep)
    }
    const agent = state.trial(owner.sweep, owner.trial)?.agent
    if (quotas.agent === undefined || agent == null) return
    let used = 0
    for (const sweep of state.sweeps.keys()) used += yield* Effect.mapError(keptOf(sweep, agent), unavailable)
    if (used + more > quotas.agent) return yield* refuse(`agent ${agent}`, used, quotas.agent)
  })

  const exchange: Omit<ArtifactExchange["Service"], "fetchSources"> = {
    offer: Effect.fnUntraced(function* (owner, offered) {
      yield* checkHolder(owner)
      const wanted: Array<Wanted> = []
      let more = 0
      for (const file of worth(owner, offered)) {
        const offset = yield* Effect.mapError(store.received(owner, file), unavailable)
        if (offset === null) continue
        more += file.bytes - offset
        wanted.push({ path: file.path, offset, place: store.place(owner, file.path) })
      }
      yield* withinQuotas(owner, more)
      return { wanted, ...store.shared }
    }),

    put: Effect.fnUntraced(function* (owner, piece) {
      yield* checkHolder(owner)
      const kept = state.digestOf(owner.epoch, piece.path)
      if (kept !== undefined) {
        const isHere = (yield* Effect.mapError(store.received(owner, piece), unavailable)) === null
        // Sent once more because the answer was lost.
        if (isHere && piece.sha256 === kept) return
        if (isHere || (piece.sha256 !== null && piece.sha256 !== kept)) {
          return yield* new Refused({
            message: `${piece.path} of ${formatTrialRef(owner)} is kept already, and what is kept does not change`,
          })
        }
      }
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
        if (checkpointStep(piece.path) !== null) heard.set(owner.epoch, yield* monotonic)
        if (piece.data.byteLength > 0 || piece.bytes === 0) yield* store.write(owner, piece)
        if (piece.sha256 === null) return
        yield* store.complete(owner, { ...piece, sha256: piece.sha256 })
        if (checkpointStep(piece.path) === null) {
          return yield* journalled(owner, [{ path: piece.path, bytes: piece.bytes, sha256: piece.sha256 }])
        }
        // A checkpoint is one thing: its files become unchangeable together, with the manifest that comes last.
        if (!isManifest(piece.path)) return
        const step = checkpointStep(piece.path)
        const all = yield* store.list(owner.sweep, owner.trial)
        yield* journalled(
          owner,
          all.filter(({ epoch, path }) => epoch === owner.epoch && checkpointStep(path) === step),
        )
        heard.delete(owner.epoch)
        arrived()
      })
      yield* written.pipe(
        Effect.catchTags({
          ArtifactMismatch: ({ message }) => Effect.fail(new Refused({ message })),
          ArtifactsUnusable: (error) => Effect.fail(unavailable(error)),
        }),
      )
      if (state.removed.has(owner.sweep)) return yield* unwanted
    }),

    listCheckpoint: (sweep, trial) => Effect.andThen(checkRunner(sweep, trial), checkpointsOf(sweep, trial)),

    fetch: (sweep, trial, file) =>
      Stream.unwrap(
        Effect.gen(function* () {
          yield* checkRunner(sweep, trial)
          const offered = yield* checkpointsOf(sweep, trial)
          if (!offered.some(({ epoch, path }) => epoch === file.epoch && path === file.path)) {
            const name = formatTrialRef({ sweep, trial })
            return yield* new Refused({ message: `${file.path} is no file of a checkpoint that ${name} resumes from` })
          }
          const exploit = exploitOf(sweep, trial)
          return fetch(sweep, { ...file, trial: file.epoch === exploit?.epoch ? exploit.trial : trial }, 0)
        }),
      ),
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
  /** Attempts whose checkpoints a trial that has not ended may have to resume from. */
  const neededOf = (sweep: SweepId): ReadonlySet<Epoch> =>
    new Set(Array.from(state.open(sweep).values()).flatMap(({ lineage }) => lineage.at(-1)?.epoch ?? []))

  const letGo = (sweep: SweepId, number: TrialNumber) => {
    const trial = state.trial(sweep, number)
    const newest = trial?.epoch ?? null
    return store.retain(sweep, number, newest, (all) => {
      const needed = neededOf(sweep)
      const handedOn = all.filter(({ epoch, path }) => needed.has(epoch) && checkpointStep(path) !== null)
      const own = all.filter(({ epoch }) => epoch === newest)
      const ended = trial === undefined || isTerminal(trial.state)
      return Array.from(new Set([...(ended ? keptFiles(ruleOf(sweep), own, true) : own), ...handedOn]))
    })
  }

  return {
    exchange,
    list: listed,
    fetch,
    hasCheckpoint: ({ sweep, number, epoch }, step) =>
      store.list(sweep, number).pipe(
        Effect.map((all) =>
          all.some((file) => file.epoch === epoch && isManifest(file.path) && checkpointStep(file.path) === step),
        ),
        Effect.catchTag("ArtifactsUnusable", ({ message }) => Effect.as(Effect.logWarning(message), false)),
      ),
    heardOf: (epoch) => heard.get(epoch),
    tidy: (sweep, trial) => warned(letGo(sweep, trial)),
    sizeOf: (sweep) => Effect.mapError(store.sizeOf(sweep), unavailable),
    remove,
    // A coordinator before this one may have ended between a removal and its files.
    run: Effect.forEach(Array.from(state.removed), (sweep) => warned(store.removeSweep(sweep))).pipe(
      Effect.andThen(
        Queue.take(ended).pipe(
          // What only this one still resumed from of trials that have ended is not needed any more.
          Effect.flatMap(({ sweep, trial }) => {
            const parents = new Set(state.trial(sweep, trial)?.lineage.map((exploit) => exploit.trial))
            const over = Array.from(parents).filter((number) => !state.open(sweep).has(number))
            return Effect.forEach([trial, ...over], (number) => warned(letGo(sweep, number)))
          }),
          Effect.forever,
        ),
      ),
    ),
  } satisfies Artifacts
})
