// The coordinator's own SweepApi. Owns looking things up and the words for what is not there; what a request does is the
// matter of the file it calls.
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import { formatTrialRef, type SweepId, type TrialNumber } from "@sweep/domain/Id"
import { nearestName } from "@sweep/domain/nearestName"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import { chunkBytes } from "@sweep/protocol/limits"
import { Caller } from "@sweep/protocol/Caller"
import { NotFound, Refused, type SweepApi, Unavailable, type WatchEvent } from "@sweep/protocol/SweepApi"
import { Reading } from "@sweep/store/Reading"
import { Store, StoreError } from "@sweep/store/Store"
import type { Agents } from "./agents.ts"
import { answerTables } from "./answerTables.ts"
import type { AskTell } from "./askTell.ts"
import type { Artifacts } from "../attempts/artifacts.ts"
import type { Control } from "./control.ts"
import { readLog } from "./logs.ts"
import { readReused } from "./readReused.ts"
import { monotonic } from "../state/monotonic.ts"
import type { Remove } from "./remove.ts"
import type { Revise } from "./revise.ts"
import type { Sources } from "./sources.ts"
import type { Roster } from "../state/Roster.ts"
import { snapshotOf, type State } from "../state/State.ts"
import { attempts } from "../state/StateView.ts"

/** More points than this of one curve no reader can use. */
const maxCurvePoints = 100_000

/** Requests of one token that read much, at once. */
const mostReading = 4

const unavailable = (error: StoreError) => new Unavailable({ reason: "unreachable", message: error.message })

const storeUnavailable = <A, E>(
  effect: Effect.Effect<A, E | StoreError>,
): Effect.Effect<A, Exclude<E, StoreError> | Unavailable> =>
  Effect.mapError(effect, (error) =>
    error instanceof StoreError ? unavailable(error) : (error as Exclude<E, StoreError>),
  )

export const makeSweepApi = Effect.fnUntraced(function* (options: {
  readonly state: State
  /** The journal's. */
  readonly now: Effect.Effect<number>
  readonly roster: Roster
  readonly control: Control
  readonly agents: Agents
  readonly askTell: AskTell
  readonly revise: Revise
  readonly artifacts: Artifacts
  readonly remove: Remove
  readonly sources: Sources
  readonly submit: (spec: SweepSpec) => Effect.Effect<SweepId, Refused | StoreError>
  readonly watch: (sweep: SweepId) => Stream.Stream<WatchEvent>
  readonly version: string
  readonly pid: number
  readonly home: string
}) {
  const {
    state,
    now,
    roster,
    control,
    agents,
    askTell,
    revise,
    artifacts,
    remove,
    sources,
    submit,
    watch,
    version,
    pid,
    home,
  } = options
  const store = yield* Store
  const answers = answerTables(state)
  const files = yield* FileSystem.FileSystem

  /** Requests that read much, under way, by token. */
  const readers = new Map<string, number>()
  const enter = Effect.flatMap(Caller, ({ name, token }) =>
    Effect.suspend(() => {
      const key = token ?? ""
      const count = readers.get(key) ?? 0
      if (token !== null && count >= mostReading) {
        return Effect.fail(
          new Unavailable({
            reason: "unreachable",
            message: `the token '${name}' has ${count} queries, exports and downloads under way, which is as many as one may have; try again when one has ended`,
          }),
        )
      }
      readers.set(key, count + 1)
      return Effect.succeed(key)
    }),
  )
  const leave = (key: string) =>
    Effect.sync(() => {
      const count = (readers.get(key) ?? 1) - 1
      if (count === 0) readers.delete(key)
      else readers.set(key, count)
    })
  /** Reads in the turn of those who look, and not more at once for one token than it may. */
  const looking = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(enter, () => Effect.provideService(effect, Reading, "looking"), leave)
  const lookingStream = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
    Stream.unwrap(Effect.as(Effect.acquireRelease(enter, leave), Stream.provideService(stream, Reading, "looking")))

  const find = (id: SweepId): Effect.Effect<SweepState, NotFound> =>
    Effect.suspend(() => {
      const sweep = state.sweeps.get(id)
      if (sweep !== undefined) return Effect.succeed(sweep)
      const near = nearestName(id, Array.from(state.sweeps.keys()))
      const hint = state.removed.has(id)
        ? "; it was removed"
        : near !== undefined
          ? `; did you mean ${near}?`
          : state.sweeps.size === 0
            ? "; there are no sweeps yet"
            : "; `sweep ls` lists them"
      return Effect.fail(
        new NotFound({ message: `there is no sweep named ${id}${hint}`, known: near === undefined ? [] : [near] }),
      )
    })

  const findTrial = (id: SweepId, number: TrialNumber) =>
    Effect.flatMap(find(id), (sweep) => {
      if (sweep.trials.has(number)) return Effect.succeed(sweep)
      const count = sweep.trials.size
      const message = `there is no trial ${formatTrialRef({ sweep: id, trial: number })}; ${id} has ${count === 0 ? "none yet" : `trials 1 to ${count}`}`
      return Effect.fail(new NotFound({ message, known: [] }))
    })

  return {
    status: Effect.gen(function* () {
      const now = yield* monotonic
      const running = Map.groupBy(attempts(state), ({ agent }) => agent!)
      return {
        version,
        pid,
        home,
        agents: Array.from(roster.agents.values(), (agent) => ({
          agent: agent.id,
          version: agent.version,
          hostname: agent.hostname,
          slots: agent.slots,
          trainers: Array.from(agent.trainers),
          running: (running.get(agent.id) ?? []).map(({ sweep, number, slot }) => ({
            sweep,
            trial: number,
            slot: slot!,
          })),
          state: roster.state(agent, now),
        })),
      }
    }),

    offerSources: sources.offer,
    putSources: sources.put,

    submit: (spec) => storeUnavailable(Effect.andThen(sources.check(spec), submit(spec))),

    list: Effect.sync(() =>
      Array.from(state.sweeps.values(), (sweep) => ({
        ...sweep,
        trials: new Map(Array.from(sweep.trials, ([number, trial]) => [number, { ...trial, values: {} }] as const)),
      })).sort((a, b) => b.createdAt - a.createdAt),
    ),

    get: (sweep) => Effect.map(find(sweep), snapshotOf),

    results: (id, { maxPoints, ...wanted }) =>
      looking(
        Effect.gen(function* () {
          const sweep = yield* find(id)
          // In this order: what is read of the trials later is not older than their state.
          const state = snapshotOf(sweep)
          const limit = Math.min(maxPoints, maxCurvePoints)
          const own = yield* readReused(store, state, limit)
          const curves = [...(yield* store.curves(id, { ...wanted, maxPoints: limit })), ...own.curves]
          const details = [...(yield* store.details(id)), ...own.details].sort((a, b) => a.trial - b.trial)
          const attempts = yield* store.attempts(id)
          return { sweep: state, curves, details, attempts, at: yield* options.now }
        }),
      ).pipe(Effect.catchTag("StoreError", (error) => Effect.fail(unavailable(error)))),

    watch: (sweep) => Stream.unwrap(Effect.map(find(sweep), ({ id }) => watch(id))),

    control: (id, number, action, reason) =>
      Effect.gen(function* () {
        if (number === null) {
          const sweep = yield* find(id)
          if (action === "stop") return yield* control.stopSweep(sweep, reason)
          if (action === "pause") return yield* control.pauseSweep(sweep, reason)
          return yield* control.resumeSweep(sweep)
        }
        yield* findTrial(id, number)
        if (action === "stop") return yield* control.stopTrial(id, number, reason)
        if (action === "pause") return yield* control.pauseTrial(id, number, reason, "person")
        return yield* control.resumeTrial(id, number)
      }).pipe(Effect.catchTag("StoreError", (error) => Effect.fail(unavailable(error)))),

    orderAgent: (agent, order, reason) => storeUnavailable(agents.order(agent, order, reason)),

    agentLog: agents.log,

    ask: (id) => Effect.flatMap(find(id), askTell.ask).pipe(storeUnavailable),

    tell: (id, number, told) =>
      Effect.flatMap(findTrial(id, number), (sweep) => askTell.tell(sweep, number, told)).pipe(storeUnavailable),

    extend: (id, spec, revision) =>
      Effect.flatMap(find(id), (sweep) => revise.extend(sweep, spec, revision)).pipe(storeUnavailable),

    clone: (id, number, changes) =>
      Effect.flatMap(findTrial(id, number), (sweep) => revise.clone(sweep, number, changes)).pipe(storeUnavailable),

    remove: (id, { preview }) => Effect.flatMap(find(id), (sweep) => remove(sweep, preview)).pipe(storeUnavailable),

    logs: (sweep, trial, following) =>
      Stream.unwrap(
        Effect.map(findTrial(sweep, trial), () =>
          readLog(state, sweep, trial, following).pipe(
            Stream.provideService(Store, store),
            Stream.provideService(Reading, "looking"),
          ),
        ),
      ).pipe(Stream.catchTag("StoreError", (error) => Stream.fail(unavailable(error)))),

    query: (sql, limit) =>
      Effect.mapError(
        looking(
          Effect.flatMap(now, (at) => Effect.flatMap(answers(sql, at), (given) => store.query(sql, limit, given))),
        ),
        (error) =>
          error._tag === "Unavailable"
            ? error
            : error._tag === "QueryError"
              ? new Refused({ message: error.message })
              : unavailable(error),
      ),

    backup: lookingStream(
      Stream.unwrap(
        Effect.gen(function* () {
          const path = yield* files.makeTempFileScoped({ prefix: "sweep-backup-" })
          yield* store.backup(path)
          return files.stream(path, { chunkSize: chunkBytes })
        }),
      ),
    ).pipe(
      Stream.mapError((error) =>
        error._tag === "Unavailable"
          ? error
          : new Unavailable({ reason: "unreachable", message: `the backup failed: ${error.message}` }),
      ),
    ),
    artifacts: (sweep, trial) =>
      Effect.andThen(
        trial === null ? Effect.asVoid(find(sweep)) : Effect.asVoid(findTrial(sweep, trial)),
        artifacts.list(sweep, trial),
      ),

    fetchArtifact: (sweep, artifact, offset) =>
      Stream.unwrap(Effect.as(findTrial(sweep, artifact.trial), artifacts.fetch(sweep, artifact, offset))),

    exportParquet: (sweep) =>
      lookingStream(
        Stream.unwrap(
          Effect.gen(function* () {
            yield* find(sweep)
            const directory = yield* files.makeTempDirectoryScoped({ prefix: "sweep-export-" })
            const paths = yield* store.exportParquet(sweep, directory)
            return Stream.flatMap(Stream.fromIterable(paths), (path) =>
              Stream.map(files.stream(path, { chunkSize: chunkBytes }), (chunk) => ({
                file: path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1),
                chunk,
              })),
            )
          }),
        ),
      ).pipe(
        Stream.mapError((error) =>
          error._tag === "NotFound" || error._tag === "Unavailable"
            ? error
            : new Unavailable({ reason: "unreachable", message: `the export failed: ${error.message}` }),
        ),
      ),
  } satisfies SweepApi["Service"]
})
