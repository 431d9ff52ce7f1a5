// The one writer of a database. Owns the group commit: whatever is waiting when a commit ends goes into the next one
// together, so that one fsync serves all of it, and a caller hears back only after that. Owns too what the journal's
// tables leave to it: the numbers of facts and metrics, and the high-water marks, rebuilt from the tables at the start.
import { randomUUID } from "node:crypto"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type * as Cause from "effect/Cause"
import type * as Scope from "effect/Scope"
import type { Fact, FactOf } from "@sweep/domain/Fact"
import { Epoch, type SweepId, type TrialNumber } from "@sweep/domain/Id"
import { countRows, sha256 } from "../durability/belowMark.ts"
import { tables } from "../durability/Mark.ts"
import * as Appenders from "./Appenders.ts"
import { Assigned } from "../Assigned.ts"
import type { Database } from "./Database.ts"
import { isNew, newPart, unseen } from "../HighWater.ts"
import type { EventBatch, HighWater, LogChunk } from "../EventBatch.ts"
import { StoreError } from "../Store.ts"
import { storeFailure } from "./storeFailure.ts"

export interface Writer {
  readonly append: (facts: ReadonlyArray<Fact>) => Effect.Effect<void, StoreError>
  readonly ingest: (
    batches: ReadonlyArray<EventBatch>,
    logs: ReadonlyArray<LogChunk>,
  ) => Effect.Effect<ReadonlyArray<HighWater>, StoreError>
  readonly highWater: Effect.Effect<ReadonlyArray<HighWater>>
  readonly lastEpoch: Effect.Effect<number>
  readonly storeId: Effect.Effect<string>
}

interface Pending {
  readonly facts: ReadonlyArray<Fact>
  readonly batches: ReadonlyArray<EventBatch>
  readonly logs: ReadonlyArray<LogChunk>
  readonly done: Deferred.Deferred<ReadonlyArray<HighWater>, StoreError>
}

/** Points in one commit, roughly: more make no commit cheaper per point, only the wait longer. */
const groupPoints = 50_000
/** Points, or facts, between two looks at the event loop: about 10 ms. */
const yieldPoints = 16_384
const yieldFacts = 2048

/** What the writer knows of the tables; a commit works on a copy that replaces it once committed. */
interface Known {
  nextFact: number
  lastEpoch: number
  readonly marks: Map<Epoch, HighWater>
  readonly attempts: Map<Epoch, Appenders.AttemptKey>
  readonly metrics: Map<string, number>
  readonly assigned: Assigned
  readonly removed: Set<SweepId>
  storeId: string
}

/** Of a removed sweep everything goes, in the transaction that records it. */
const removal = (sweep: SweepId): ReadonlyArray<string> => [
  ...["points", "events", "output", "marks"].map(
    (table) =>
      `DELETE FROM journal.${table} WHERE epoch IN (SELECT epoch FROM journal.attempts WHERE sweep = '${sweep}')`,
  ),
  `DELETE FROM journal.attempts WHERE sweep = '${sweep}'`,
  `DELETE FROM journal.facts WHERE sweep = '${sweep}'`,
]

const rebuild = Effect.fn("Writer.rebuild")(function* ({ rows }: Database): Effect.fn.Return<Known, StoreError> {
  const [facts] = yield* rows(
    "SELECT coalesce(max(seq), 0) AS seq, coalesce(max(epoch), 0) AS epoch FROM journal.facts",
  )
  const [store] = yield* rows("SELECT id FROM journal.store")
  const known: Known = {
    nextFact: Number(facts!["seq"]) + 1,
    lastEpoch: Number(facts!["epoch"]),
    marks: new Map(),
    attempts: new Map(),
    metrics: new Map(),
    assigned: new Assigned(),
    removed: new Set(),
    storeId: String(store!["id"]),
  }
  const mark = (epoch: unknown, change: Partial<HighWater>) => {
    const key = Epoch.make(Number(epoch))
    known.marks.set(key, { ...(known.marks.get(key) ?? unseen(key)), ...change })
  }
  const lines = yield* rows(`
    SELECT epoch, max(seq) AS seq FROM (
      SELECT epoch, max(seq) AS seq FROM journal.points GROUP BY epoch
      UNION ALL SELECT epoch, max(seq) FROM journal.events GROUP BY epoch
      UNION ALL SELECT epoch, max(seq) FROM journal.marks GROUP BY epoch
    ) GROUP BY epoch`)
  for (const row of lines) mark(row["epoch"], { seq: Number(row["seq"]) })
  const output = yield* rows(`SELECT epoch, stream, max("end") AS "end" FROM journal.output GROUP BY epoch, stream`)
  for (const row of output) mark(row["epoch"], { [String(row["stream"])]: Number(row["end"]) })
  for (const row of yield* rows("SELECT epoch, sweep, trial, attempt FROM journal.attempts")) {
    const key = row as unknown as Appenders.AttemptKey
    known.attempts.set(key.epoch, key)
  }
  const newest = yield* rows(
    "SELECT sweep, trial, max(epoch) AS epoch FROM journal.facts WHERE type = 'TrialAssigned' GROUP BY sweep, trial",
  )
  for (const row of newest) known.assigned.take(row as unknown as Appenders.AttemptKey)
  for (const row of yield* rows("SELECT id, name FROM journal.metric_names")) {
    known.metrics.set(String(row["name"]), Number(row["id"]))
  }
  for (const row of yield* rows("SELECT sweep FROM journal.facts WHERE type = 'SweepRemoved'")) {
    known.removed.add(row["sweep"] as SweepId)
  }
  return known
})

/** Looks in the staged map first; what is set stays staged. */
class Staged<K, V> {
  private readonly base: ReadonlyMap<K, V>
  readonly changes = new Map<K, V>()
  constructor(base: ReadonlyMap<K, V>) {
    this.base = base
  }
  get(key: K): V | undefined {
    return this.changes.get(key) ?? this.base.get(key)
  }
  set(key: K, value: V): void {
    this.changes.set(key, value)
  }
  get size(): number {
    return this.base.size + this.changes.size
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export const make = Effect.fn("Writer.make")(function* (
  database: Database,
): Effect.fn.Return<Writer, StoreError, Scope.Scope> {
  const { writer, file, durable } = database
  const known = yield* rebuild(database)
  const appenders = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => Appenders.make(database), catch: (cause) => storeFailure(file, cause) }),
    (opened) => Effect.sync(() => opened.close()),
  )

  const forget = (sweep: SweepId) => {
    known.removed.add(sweep)
    for (const { epoch, sweep: of } of known.attempts.values()) {
      if (of !== sweep) continue
      known.attempts.delete(epoch)
      known.marks.delete(epoch)
    }
  }

  /** Once it is committed, and before anybody hears of it. */
  const recordCommit = async (removed: boolean) => {
    const { staged, settle } = appenders
    const last = appenders.lastFact()
    const before = durable.committedNow
    const rows = removed
      ? await countRows(writer)
      : (Object.fromEntries(tables.map((table) => [table, before.rows[table] + staged[table]])) as typeof before.rows)
    const fact = last === undefined ? before.fact : { seq: last.seq, sha256: sha256(last.body) }
    settle()
    await durable.committed({ fact, rows, store: known.storeId })
    // So that what was deleted gives its room back now; while somebody reads, a later checkpoint does it.
    if (removed) await durable.checkpoint()
  }

  /** Stages one group and commits it; what it learned becomes known only then. */
  const commit = async (group: ReadonlyArray<Pending>): Promise<ReadonlyArray<ReadonlyArray<HighWater>>> => {
    const marks = new Staged(known.marks)
    const attempts = new Staged(known.attempts)
    const metrics = new Staged(known.metrics)
    let { nextFact, lastEpoch } = known
    let staged = 0
    /** Of this group, dispatches that stand before what comes after them in it. */
    const assigned = new Assigned()
    const counts = (attempt: EventBatch | LogChunk) =>
      known.assigned.isNewest(attempt) && assigned.isNewest(attempt) && !known.removed.has(attempt.sweep)
    const dispatches: Array<FactOf<"TrialAssigned">> = []
    const removals: Array<SweepId> = []
    let { storeId } = known

    const nameAttempt = (epoch: Epoch, sweep: SweepId, trial: TrialNumber, attempt?: number) => {
      if (attempts.get(epoch) !== undefined) return
      const earlier = () =>
        [...known.attempts.values(), ...attempts.changes.values()].filter(
          (key) => key.sweep === sweep && key.trial === trial,
        ).length
      const key = { epoch, sweep, trial, attempt: attempt ?? earlier() + 1 }
      attempts.set(epoch, key)
      appenders.attempt(key)
    }
    const metricId = (name: string): number => {
      const found = metrics.get(name)
      if (found !== undefined) return found
      const id = metrics.size + 1
      metrics.set(name, id)
      appenders.metricName(id, name)
      return id
    }
    const markOf = (epoch: Epoch): HighWater => marks.get(epoch) ?? unseen(epoch)

    const addFact = (fact: Fact) => {
      appenders.fact(nextFact++, fact)
      if ("epoch" in fact) lastEpoch = Math.max(lastEpoch, fact.epoch)
      if (fact._tag === "SweepRemoved") removals.push(fact.sweep)
      if (fact._tag === "StoreRestored") storeId = randomUUID()
      if (fact._tag !== "TrialAssigned") return
      nameAttempt(fact.epoch, fact.sweep, fact.trial, fact.attempt)
      assigned.take(fact)
      dispatches.push(fact)
    }
    const addBatch = async (batch: EventBatch) => {
      const { epoch, points, events, lastSeq } = batch
      const mark = markOf(epoch)
      if (!isNew(mark, batch) || !counts(batch)) return
      nameAttempt(epoch, batch.sweep, batch.trial)
      const ids = points.metrics.map(metricId)
      let stored = mark.seq
      for (let i = 0; i < points.seq.length; i++) {
        const seq = points.seq[i]!
        if (seq <= mark.seq) continue
        appenders.point(epoch, seq, ids[points.metric[i]!]!, points.step[i]!, points.value[i]!, points.at[i]!)
        stored = Math.max(stored, seq)
        if (++staged % yieldPoints === 0) await turn()
      }
      for (const event of events) {
        if (event.seq <= mark.seq) continue
        appenders.event(epoch, event)
        stored = Math.max(stored, event.seq)
      }
      if (stored < lastSeq) appenders.mark(epoch, lastSeq)
      marks.set(epoch, { ...mark, seq: lastSeq })
    }
    const addLog = (chunk: LogChunk) => {
      const mark = markOf(chunk.epoch)
      const part = newPart(mark, chunk)
      if (part === undefined || !counts(chunk)) return
      nameAttempt(chunk.epoch, chunk.sweep, chunk.trial)
      appenders.output(part)
      marks.set(chunk.epoch, { ...mark, [part.stream]: part.end })
    }

    if (durable.refusal !== undefined) throw durable.refusal
    await writer.run("BEGIN")
    try {
      const answers: Array<ReadonlyArray<HighWater>> = []
      for (const { facts, batches, logs } of group) {
        for (const [i, fact] of facts.entries()) {
          addFact(fact)
          if (i % yieldFacts === yieldFacts - 1) await turn()
        }
        for (const batch of batches) await addBatch(batch)
        for (const chunk of logs) addLog(chunk)
        answers.push(Array.from(new Set([...batches, ...logs].map(({ epoch }) => epoch)), markOf))
      }
      for (const sweep of removals) for (const statement of removal(sweep)) await writer.run(statement)
      if (storeId !== known.storeId) await writer.run(`UPDATE journal.store SET id = '${storeId}'`)
      appenders.flush()
      await writer.run("COMMIT")
      known.storeId = storeId
      known.nextFact = nextFact
      known.lastEpoch = lastEpoch
      for (const fact of dispatches) known.assigned.take(fact)
      for (const [epoch, mark] of marks.changes) known.marks.set(epoch, mark)
      for (const [epoch, key] of attempts.changes) known.attempts.set(epoch, key)
      for (const [name, id] of metrics.changes) known.metrics.set(name, id)
      for (const sweep of removals) forget(sweep)
      await recordCommit(removals.length > 0)
      return answers
    } catch (cause) {
      appenders.clear()
      // A commit that failed has rolled back by itself already.
      await writer.run("ROLLBACK").catch(() => undefined)
      throw cause
    }
  }

  const queue = yield* Queue.make<Pending, Cause.Done>()
  const commitGroup = (group: ReadonlyArray<Pending>) =>
    Effect.tryPromise({ try: () => commit(group), catch: (cause) => storeFailure(file, cause) }).pipe(
      Effect.match({
        onSuccess: (answers) => {
          for (const [i, { done }] of group.entries()) Deferred.doneUnsafe(done, Effect.succeed(answers[i]!))
        },
        onFailure: (error) => {
          for (const { done } of group) Deferred.doneUnsafe(done, Effect.fail(error))
        },
      }),
    )
  const loop = Effect.gen(function* () {
    while (true) {
      let group: Array<Pending> = []
      let points = 0
      for (const pending of yield* Queue.takeAll(queue)) {
        // What came before it has to be in the tables from which it deletes.
        const removes = pending.facts.some(({ _tag }) => _tag === "SweepRemoved")
        if (removes && group.length > 0) yield* commitGroup(group.splice(0))
        group.push(pending)
        if (removes) yield* commitGroup(group.splice(0))
        points += pending.batches.reduce((sum, batch) => sum + batch.points.seq.length, 0)
        if (points < groupPoints) continue
        yield* commitGroup(group)
        group = []
        points = 0
      }
      if (group.length > 0) yield* commitGroup(group)
    }
  }).pipe(Effect.ignore)
  // Detached, so that closing the scope does not interrupt it: what was handed in is committed before the file closes.
  yield* Effect.acquireRelease(Effect.forkDetach(loop), (fiber) => Effect.andThen(Queue.end(queue), Fiber.await(fiber)))

  const submit = Effect.fnUntraced(function* (write: Omit<Pending, "done">) {
    const done = yield* Deferred.make<ReadonlyArray<HighWater>, StoreError>()
    if (!(yield* Queue.offer(queue, { ...write, done }))) {
      return yield* new StoreError({ reason: "io", message: `${file} is closed.` })
    }
    return yield* Deferred.await(done)
  })
  return {
    append: (facts) => (facts.length === 0 ? Effect.void : Effect.asVoid(submit({ facts, batches: [], logs: [] }))),
    ingest: (batches, logs) =>
      batches.length + logs.length === 0 ? Effect.succeed([]) : submit({ facts: [], batches, logs }),
    highWater: Effect.sync(() => Array.from(known.marks.values()).sort((a, b) => a.epoch - b.epoch)),
    lastEpoch: Effect.sync(() => known.lastEpoch),
    storeId: Effect.sync(() => known.storeId),
  }
})
