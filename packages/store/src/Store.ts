// The contract of the store: facts and metrics, append-only, and the questions asked of them. Owns durability:
// what an effect of this service has returned for is committed. It decides nothing: no state machine, no verdict.
// The layer in memory below is the plainest thing that keeps the contract; DuckdbStore is the real one.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { type Curve, type CurveFeatures, curveFeatures, evalLoss, evalSamples, lossNames } from "@sweep/domain/Curve"
import { type Fact, sweepOf } from "@sweep/domain/Fact"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { QueryResult } from "@sweep/domain/QueryResult"
import type { AttemptRecord, TrialDetails } from "@sweep/domain/SweepResults"
import type { TrialEvent } from "@sweep/domain/TrialEvent"
import { attemptRecords } from "./attemptRecords.ts"
import { downsample } from "./downsample.ts"
import { Assigned } from "./Assigned.ts"
import type { EventBatch, HighWater, LogChunk } from "./EventBatch.ts"
import { isNew, newPart, unseen } from "./HighWater.ts"
import { logSlice } from "./logSlice.ts"

/**
 * Thrown when the store cannot do its work: disk full, file damaged, owned by another process; with less in it than was
 * acknowledged (`below-mark`), its main file gone before it was opened (`missing`), or taken away since (`detached`).
 * `message` says what to do.
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  reason: Schema.Literals(["locked", "corrupt", "below-mark", "missing", "detached", "full", "version", "io"]),
  message: Schema.String,
}) {}

/** A person's SQL that cannot be run, or may not be (anything but reading). */
export class QueryError extends Schema.TaggedError<QueryError>()("QueryError", { message: Schema.String }) {}

/** What `curves` keeps of a curve when nothing else is asked for: enough for any screen. */
export const defaultMaxPoints = 2000

/** Rows that a query may read as a table of its own, for as long as it runs. */
export interface GivenTable {
  readonly name: string
  /** DuckDB's types by column, in their order. */
  readonly columns: Readonly<Record<string, string>>
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>
}

export class Store extends Context.Service<
  Store,
  {
    /**
     * Commits the facts together, in this order. `SweepRemoved` takes with it, in the same commit, everything else that is
     * stored of its sweep; what is sent of it later is skipped.
     */
    readonly append: (facts: ReadonlyArray<Fact>) => Effect.Effect<void, StoreError>
    /** Every fact, in the order of their commits. */
    readonly facts: Effect.Effect<ReadonlyArray<Fact>, StoreError>
    /** Commits batches and log chunks together. Lines at or below the attempt's high-water mark are skipped, so resending is harmless; a batch or a chunk that would leave a hole is refused whole, and so is one of an attempt after which its trial was assigned again. Returns the marks of the attempts named, each once: from there a sender continues. */
    readonly ingest: (
      batches: ReadonlyArray<EventBatch>,
      logs: ReadonlyArray<LogChunk>,
    ) => Effect.Effect<ReadonlyArray<HighWater>, StoreError>
    /** Of every attempt that ever sent something. */
    readonly highWater: Effect.Effect<ReadonlyArray<HighWater>, StoreError>
    /** The greatest epoch in any fact; 0 for an empty store. */
    readonly lastEpoch: Effect.Effect<number, StoreError>
    /** Which store this is. A backup has the id of its store; `StoreRestored` gives a new one, in the same commit. */
    readonly storeId: Effect.Effect<string, StoreError>

    /** By trial and metric. At most `maxPoints` (2,000 unless given, never below 4) per curve, first, last, minimum and maximum kept. */
    readonly curves: (
      sweep: SweepId,
      options: {
        readonly metrics?: ReadonlyArray<string>
        readonly trials?: ReadonlyArray<TrialNumber>
        readonly maxPoints?: number
      },
    ) => Effect.Effect<ReadonlyArray<Curve>, StoreError>
    /** When the points of one metric were reported: milliseconds since the Unix epoch on the agent's clock, by trial and step. */
    readonly times: (
      sweep: SweepId,
      metric: string,
    ) => Effect.Effect<
      ReadonlyArray<{ readonly trial: TrialNumber; readonly steps: ReadonlyMap<number, number> }>,
      StoreError
    >
    /** The last, the least and the greatest value of every metric of the trials; NaN is neither least nor greatest unless there is nothing else. */
    readonly lastValues: (
      sweep: SweepId,
      trials: ReadonlyArray<TrialNumber>,
    ) => Effect.Effect<
      ReadonlyArray<{
        readonly trial: TrialNumber
        readonly metric: string
        readonly step: number
        readonly last: number
        readonly min: number
        readonly max: number
      }>,
      StoreError
    >
    /** Of every trial that reported a loss, or `metric`, the metric its sweep ranks by. */
    readonly features: (
      sweep: SweepId,
      trials?: ReadonlyArray<TrialNumber>,
      metric?: string,
    ) => Effect.Effect<ReadonlyArray<CurveFeatures>, StoreError>
    readonly details: (sweep: SweepId) => Effect.Effect<ReadonlyArray<TrialDetails>, StoreError>
    readonly attempts: (sweep: SweepId) => Effect.Effect<ReadonlyArray<AttemptRecord>, StoreError>
    /** How many points of metrics are stored of the sweep, of all attempts. */
    readonly countPoints: (sweep: SweepId) => Effect.Effect<number, StoreError>
    /**
     * The newest attempt's log from a byte offset on, about `limit` bytes of whole characters. Where `epoch` is that of
     * an older attempt, the newest one's log from its start. `epoch: null` in the answer: nothing was logged yet.
     */
    readonly log: (
      sweep: SweepId,
      trial: TrialNumber,
      stream: "stdout" | "stderr",
      from: { readonly epoch: Epoch | null; readonly offset: number },
      limit: number,
    ) => Effect.Effect<{ readonly epoch: Epoch | null; readonly text: string; readonly end: number }, StoreError>

    /** One statement that only reads, over the documented views and the tables that are given with it. */
    readonly query: (
      sql: string,
      limit: number,
      given?: ReadonlyArray<GivenTable>,
    ) => Effect.Effect<QueryResult, QueryError | StoreError>
    /** Writes a copy of everything, as of one moment, to `path`. Commits continue meanwhile. */
    readonly backup: (path: string) => Effect.Effect<void, StoreError>
    /** Writes `sweeps.parquet`, `trials.parquet`, `metrics.parquet`, `events.parquet` of one sweep; returns the paths. */
    readonly exportParquet: (sweep: SweepId, directory: string) => Effect.Effect<ReadonlyArray<string>, StoreError>
  }
>()("@sweep/store/Store") {}

/** What one attempt has sent. */
export interface Received {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  mark: HighWater
  /** Metric, step, value and time, in the order of the spool. */
  readonly points: Array<readonly [metric: string, step: number, value: number, at: number]>
  readonly events: Array<TrialEvent>
  readonly logs: Array<LogChunk>
}

/** By trial and metric; of every step the newest attempt's value. */
const curvesOf = (attempts: Iterable<Received>): ReadonlyArray<Curve> => {
  const values = new Map<string, { trial: TrialNumber; metric: string; steps: Map<number, number> }>()
  for (const { trial, points } of attempts) {
    for (const [metric, step, value] of points) {
      const key = `${trial}/${metric}`
      const curve = values.get(key) ?? { trial, metric, steps: new Map<number, number>() }
      values.set(key, curve)
      curve.steps.set(step, value)
    }
  }
  return Array.from(values.values(), ({ trial, metric, steps }) => ({
    trial,
    metric,
    points: Array.from(steps, ([step, value]) => ({ step, value })).sort((a, b) => a.step - b.step),
  })).sort((a, b) => a.trial - b.trial || (a.metric < b.metric ? -1 : 1))
}

/**
 * Keeps everything in memory, for tests; it has no SQL and writes no files. A test that gives `received` can look at
 * what every attempt has sent.
 */
export const makeMemory = (received = new Map<Epoch, Received>()): Store["Service"] => {
  const facts: Array<Fact> = []
  const assigned = new Assigned()
  const removed = new Set<SweepId>()

  const attemptOf = (from: { sweep: SweepId; trial: TrialNumber; epoch: Epoch }): Received => {
    const attempt = received.get(from.epoch) ?? {
      sweep: from.sweep,
      trial: from.trial,
      mark: unseen(from.epoch),
      points: [],
      events: [],
      logs: [],
    }
    received.set(from.epoch, attempt)
    return attempt
  }
  const take = (attempt: Received, batch: EventBatch) => {
    if (!assigned.isNewest(batch) || !isNew(attempt.mark, batch)) return
    const { points } = batch
    for (let i = 0; i < points.seq.length; i++) {
      if (points.seq[i]! > attempt.mark.seq) {
        attempt.points.push([points.metrics[points.metric[i]!]!, points.step[i]!, points.value[i]!, points.at[i]!])
      }
    }
    attempt.events.push(...batch.events.filter((event) => event.seq > attempt.mark.seq))
    attempt.mark = { ...attempt.mark, seq: batch.lastSeq }
  }
  const takeLog = (attempt: Received, chunk: LogChunk) => {
    const part = newPart(attempt.mark, chunk)
    if (part === undefined || !assigned.isNewest(chunk)) return
    attempt.logs.push(part)
    attempt.mark = { ...attempt.mark, [part.stream]: part.end }
  }
  const remove = (sweep: SweepId) => {
    removed.add(sweep)
    facts.splice(0, facts.length, ...facts.filter((fact) => sweepOf(fact) !== sweep))
    for (const [epoch, attempt] of received) if (attempt.sweep === sweep) received.delete(epoch)
  }
  /** Oldest attempt first. */
  const attemptsOf = (sweep: SweepId, trials?: ReadonlyArray<TrialNumber>): ReadonlyArray<readonly [Epoch, Received]> =>
    Array.from(received)
      .filter(([, attempt]) => attempt.sweep === sweep && (trials?.includes(attempt.trial) ?? true))
      .sort(([a], [b]) => a - b)
  const curvesIn = (sweep: SweepId, trials?: ReadonlyArray<TrialNumber>) =>
    curvesOf(attemptsOf(sweep, trials).map(([, attempt]) => attempt))

  return {
    append: (more) =>
      Effect.sync(() => {
        for (const fact of more) {
          if (fact._tag === "SweepRemoved") remove(fact.sweep)
          if (fact._tag === "TrialAssigned") assigned.take(fact)
          facts.push(fact)
        }
      }),
    facts: Effect.sync(() => [...facts]),
    storeId: Effect.sync(() => `memory-${facts.filter(({ _tag }) => _tag === "StoreRestored").length}`),
    lastEpoch: Effect.sync(() =>
      facts.reduce((last, fact) => ("epoch" in fact ? Math.max(last, fact.epoch) : last), 0),
    ),
    ingest: (batches, logs) =>
      Effect.sync(() => {
        for (const batch of batches) if (!removed.has(batch.sweep)) take(attemptOf(batch), batch)
        for (const chunk of logs) if (!removed.has(chunk.sweep)) takeLog(attemptOf(chunk), chunk)
        const named = new Set([...batches, ...logs].map(({ epoch }) => epoch))
        return Array.from(named, (epoch) => received.get(epoch)?.mark ?? unseen(epoch))
      }),
    highWater: Effect.sync(() =>
      Array.from(received.values(), ({ mark }) => mark)
        .filter(({ seq, stdout, stderr }) => seq + stdout + stderr > 0)
        .sort((a, b) => a.epoch - b.epoch),
    ),
    curves: (sweep, { metrics, trials, maxPoints = defaultMaxPoints }) =>
      Effect.sync(() =>
        curvesIn(sweep, trials)
          .filter(({ metric }) => metrics?.includes(metric) ?? true)
          .map((curve) => ({ ...curve, points: downsample(curve.points, maxPoints) })),
      ),
    times: (sweep, metric) =>
      Effect.sync(() => {
        const trials = new Map<TrialNumber, Map<number, number>>()
        for (const [, { trial, points }] of attemptsOf(sweep)) {
          for (const [name, step, , at] of points) {
            if (name !== metric) continue
            const steps = trials.get(trial) ?? new Map<number, number>()
            trials.set(trial, steps.set(step, at))
          }
        }
        return Array.from(trials, ([trial, steps]) => ({
          trial,
          steps: new Map(Array.from(steps).sort(([a], [b]) => a - b)),
        })).sort((a, b) => a.trial - b.trial)
      }),
    lastValues: (sweep, trials) =>
      Effect.sync(() =>
        curvesIn(sweep, trials).map(({ trial, metric, points }) => {
          const { step, value: last } = points.at(-1)!
          let min = Number.NaN
          let max = Number.NaN
          for (const { value } of points) {
            if (Number.isNaN(min) || value < min) min = value
            if (Number.isNaN(max) || value > max) max = value
          }
          return { trial, metric, step, last, min, max }
        }),
      ),
    features: (sweep, trials, metric = evalLoss) =>
      Effect.sync(() => {
        const curves = curvesIn(sweep, trials)
        const points = (trial: TrialNumber, name: string) =>
          curves.find((curve) => curve.trial === trial && curve.metric === name)?.points ?? []
        const first = (trial: TrialNumber, names: ReadonlyArray<string>) =>
          names.map((name) => points(trial, name)).find((found) => found.length > 0) ?? []
        const { evals, train, isEvalLoss } = lossNames(metric)
        const read = [...evals, ...train, metric]
        const named = new Set(curves.filter((curve) => read.includes(curve.metric)).map(({ trial }) => trial))
        return Array.from(named, (trial) =>
          curveFeatures(sweep, trial, first(trial, evals), first(trial, train), {
            metric: isEvalLoss ? [] : points(trial, metric),
            samples: points(trial, evalSamples),
          }),
        )
      }),
    details: (sweep) =>
      Effect.sync(() => {
        const byTrial = Map.groupBy(attemptsOf(sweep), ([, { trial }]) => trial)
        return Array.from(byTrial, ([trial, attempts]): TrialDetails => {
          const events = attempts.flatMap(([, attempt]) => attempt.events)
          const sampled = attempts.findLast(([, attempt]) => attempt.events.some(({ type }) => type === "sample"))
          const samples = sampled?.[1].events.filter((event) => event.type === "sample") ?? []
          return {
            trial,
            started: events.findLast((event) => event.type === "started") ?? null,
            memory: events.findLast((event) => event.type === "memory") ?? null,
            finished: events.findLast((event) => event.type === "finished") ?? null,
            post: events.findLast((event) => event.type === "post") ?? null,
            samples: Array.from(new Map(samples.map((sample) => [sample.probe, sample])).values()).sort(
              (a, b) => a.probe - b.probe,
            ),
          }
        })
          .filter(
            ({ started, memory, finished, post, samples }) =>
              started || memory || finished || post || samples.length > 0,
          )
          .sort((a, b) => a.trial - b.trial)
      }),
    attempts: (sweep) => Effect.sync(() => attemptRecords(facts, sweep)),
    countPoints: (sweep) =>
      Effect.sync(() => attemptsOf(sweep).reduce((count, [, { points }]) => count + points.length, 0)),
    log: (sweep, trial, stream, from, limit) =>
      Effect.sync(() => {
        const newest = attemptsOf(sweep, [trial]).findLast(([, attempt]) => attempt.logs.length > 0)
        if (newest === undefined) return { epoch: null, text: "", end: 0 }
        const [epoch, { logs }] = newest
        const offset = from.epoch === null || from.epoch === epoch ? from.offset : 0
        const chunks = logs.filter((chunk) => chunk.stream === stream && chunk.end > offset)
        return { epoch, ...logSlice(chunks, offset, limit) }
      }),
    query: () => Effect.fail(new QueryError({ message: "the store in memory answers no SQL" })),
    backup: () => Effect.fail(new StoreError({ reason: "io", message: "the store in memory has no copy" })),
    exportParquet: () =>
      Effect.fail(new StoreError({ reason: "io", message: "the store in memory writes no Parquet files" })),
  }
}

export const layerMemory: Layer.Layer<Store> = Layer.sync(Store, () => makeMemory())
