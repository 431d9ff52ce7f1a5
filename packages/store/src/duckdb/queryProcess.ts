// Users' SQL, in a process of its own (queryWorker.ts). Owns that process: it is started with the first query, is brought
// up to date before each one, and ends with the store. Owns the limits, too: time, memory, threads, bytes of an answer. What
// a query reads is what was committed when it was asked; the way there is the new rows of each table as Parquet, so
// that the database itself is opened by one process alone.
import { type ChildProcess, fork } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { constants, setPriority, totalmem } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { DuckDBConnection } from "@duckdb/node-api"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { QueryResult } from "@sweep/domain/QueryResult"
import type { Database } from "./Database.ts"
import { type GivenTable, QueryError, type StoreError } from "../Store.ts"
import { checkLimit, mostBytes } from "./personQuery.ts"
import { storeFailure } from "./storeFailure.ts"

export interface WorkerSettings {
  readonly file: string
  /** The folder from which it reads new rows. */
  readonly exports: string
  readonly threads: number
  readonly memoryBytes: number
  readonly spillBytes: number
}

export type WorkerRequest =
  | {
      readonly id: number
      readonly kind: "apply"
      /** Whether the rows take the place of all that are there. */
      readonly reset: boolean
      readonly tables: ReadonlyArray<{ readonly table: string; readonly file: string }>
    }
  | {
      readonly id: number
      readonly kind: "query"
      readonly sql: string
      readonly limit: number
      readonly given: ReadonlyArray<GivenTable>
      readonly bytes: number
    }
  | { readonly id: number; readonly kind: "interrupt"; readonly of: number }

/** The first one, of id 0, says that the process is ready. */
export interface WorkerAnswer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** In the order in which they are copied. */
const tables = ["facts", "attempts", "metric_names", "points", "events", "output", "marks"]

/** Of the machine's memory, within these bounds, in bytes. */
const memoryShare = 0.1
const leastMemory = 256 * 1024 * 1024
const mostMemory = 2 * 1024 * 1024 * 1024
const spillBytes = 4 * 1024 * 1024 * 1024
const threads = 2
/** Queries that run at once; others wait. */
const atOnce = 2
/** Beyond DuckDB's own memory, for Node and for what DuckDB does not count. */
const overhead = 512 * 1024 * 1024
/** Milliseconds between an interruption and the end of the process that does not obey it. */
const obeyMillis = 2_000
const watchMillis = 250

const program = (): string => {
  const source = fileURLToPath(new URL("./queryWorker.ts", import.meta.url))
  // In the bundle it is an entry of its own beside the chunks.
  return existsSync(source) ? source : fileURLToPath(new URL("./queryWorker.mjs", import.meta.url))
}

/** Resident bytes of a process, where the system says them. */
const residentBytes = (pid: number): number => {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096
  } catch {
    return 0
  }
}

const tooMuchMemory = new QueryError({
  message: "the query took more memory than queries may; ask for less, or export the sweep as Parquet",
})

interface Extent {
  /** Sweeps whose rows were deleted so far. */
  readonly removals: number
  /** Rows of each table, the number after that of its last one, and how many are beyond the extent before. */
  readonly of: Readonly<Record<string, { readonly count: number; readonly next: number; readonly fresh: number }>>
}

const extentOf = async (connection: DuckDBConnection, before: Extent | undefined): Promise<Extent> => {
  const number = async (sql: string) => Number((await connection.runAndReadAll(sql)).getRows()[0]![0])
  const of: Record<string, { readonly count: number; readonly next: number; readonly fresh: number }> = {}
  for (const table of tables) {
    const count = await number(`SELECT count(*) FROM journal.${table}`)
    const next = await number(`SELECT coalesce(max(rowid) + 1, 0) FROM journal.${table}`)
    const from = before?.of[table]?.next ?? 0
    of[table] = { count, next, fresh: await number(`SELECT count(*) FROM journal.${table} WHERE rowid >= ${from}`) }
  }
  return { removals: await number("SELECT count(*) FROM journal.facts WHERE type = 'SweepRemoved'"), of }
}

class Worker {
  readonly child: ChildProcess
  readonly #waiting = new Map<number, (answer: WorkerAnswer | Error) => void>()
  readonly ready: Promise<void>
  #last = 0
  /** What it has of the tables. */
  extent: Extent | undefined
  over: Error | undefined

  constructor(settings: WorkerSettings) {
    this.child = fork(program(), [JSON.stringify(settings)], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: ["--max-old-space-size=512"],
      env: { PATH: process.env["PATH"] ?? "" },
    })
    if (this.child.pid !== undefined) {
      try {
        setPriority(this.child.pid, constants.priority.PRIORITY_LOW)
      } catch {
        // It has ended already, which is noticed below.
      }
    }
    this.ready = new Promise((resolve, reject) => {
      this.#waiting.set(0, (answer) => (answer instanceof Error ? reject(answer) : resolve()))
    })
    this.ready.catch(() => undefined)
    this.child.on("message", (answer: WorkerAnswer) => {
      const done = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      done?.(answer)
    })
    const ended = () => this.end(new Error("the process that runs queries has ended"))
    this.child.once("exit", ended).once("error", ended)
    const watch = setInterval(() => {
      if (residentBytes(this.child.pid ?? 0) > settings.memoryBytes + overhead) this.end(tooMuchMemory)
      if (this.over !== undefined) clearInterval(watch)
    }, watchMillis).unref()
  }

  end(why: Error): void {
    if (this.over !== undefined) return
    this.over = why
    this.child.kill("SIGKILL")
    for (const done of this.#waiting.values()) done(why)
    this.#waiting.clear()
  }

  /** The number of the request, and its answer. */
  ask(request: DistributiveOmit<WorkerRequest, "id">): { readonly id: number; readonly answer: Promise<unknown> } {
    const id = ++this.#last
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.over !== undefined) return reject(this.over)
      this.#waiting.set(id, (got) => {
        if (got instanceof Error) reject(got)
        else if (got.error !== undefined) reject(new QueryError({ message: got.error }))
        else resolve(got.value)
      })
      this.child.send({ ...request, id })
    })
    answer.catch(() => undefined)
    return { id, answer }
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export const makeQueryProcess = Effect.fn("queryProcess")(function* (database: Database, timeLimit: Duration.Duration) {
  const memoryBytes = Math.min(mostMemory, Math.max(leastMemory, Math.floor(totalmem() * memoryShare)))
  const folder = join(database.exports, "..", "queries")
  let worker: Worker | undefined
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      worker?.end(new Error("the store is closed"))
      rmSync(folder, { recursive: true, force: true })
    }),
  )
  const updating = yield* Semaphore.make(1)
  const permits = yield* Semaphore.make(atOnce)

  const start = (): Worker => {
    if (worker !== undefined && worker.over === undefined) return worker
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    mkdirSync(database.exports, { recursive: true })
    worker = new Worker({
      file: join(folder, "replica.duckdb"),
      exports: database.exports,
      threads,
      memoryBytes,
      spillBytes,
    })
    return worker
  }

  /** Brings the process up to date. Rows are only ever added, but for the removal of a sweep, which the counts show. */
  const update = Effect.fnUntraced(function* (to: Worker) {
    const draft = mkdtempSync(join(database.exports, "query-"))
    const copy = (from: Extent | undefined) =>
      database.reading(
        async (connection) => {
          await connection.run("BEGIN TRANSACTION READ ONLY")
          const now = await extentOf(connection, from)
          const reset =
            from === undefined ||
            now.removals !== from.removals ||
            tables.some((table) => now.of[table]!.count !== from.of[table]!.count + now.of[table]!.fresh)
          const copied: Array<{ readonly table: string; readonly file: string }> = []
          for (const table of tables) {
            if (!reset && now.of[table]!.fresh === 0) continue
            const file = join(draft, `${table}.parquet`)
            const which = reset ? "" : ` WHERE rowid >= ${from.of[table]!.next}`
            await connection.run(
              `COPY (SELECT * FROM journal.${table}${which}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION snappy)`,
            )
            copied.push({ table, file })
          }
          return { now, reset, copied }
        },
        (cause) => storeFailure(database.file, cause),
      )
    yield* Effect.gen(function* () {
      const { now, reset, copied } = yield* copy(to.extent)
      if (copied.length > 0) {
        const { answer } = to.ask({ kind: "apply", reset, tables: copied })
        yield* Effect.tryPromise({ try: () => answer, catch: failureOf })
      }
      to.extent = now
    }).pipe(Effect.ensuring(Effect.sync(() => rmSync(draft, { recursive: true, force: true }))))
  })

  const failureOf = (error: unknown) =>
    error instanceof QueryError ? error : new QueryError({ message: `${String((error as Error).message)}; ask again` })

  const run = (
    to: Worker,
    sql: string,
    limit: number,
    given: ReadonlyArray<GivenTable>,
  ): Effect.Effect<QueryResult, QueryError> =>
    Effect.callback((resume) => {
      const { id, answer } = to.ask({ kind: "query", sql, limit, given, bytes: mostBytes })
      answer.then(
        (value) => resume(Effect.succeed(value as QueryResult)),
        (error: unknown) => resume(Effect.fail(failureOf(error))),
      )
      return Effect.promise(async () => {
        // Again and again, because an interrupt between two statements is lost.
        const again = setInterval(() => to.child.connected && to.child.send({ id: 0, kind: "interrupt", of: id }), 50)
        const killed = setTimeout(() => to.end(new Error("a query did not end when it was interrupted")), obeyMillis)
        await answer.catch(() => undefined)
        clearInterval(again)
        clearTimeout(killed)
      })
    })

  const timedOut = new QueryError({
    message: `the query ran longer than ${Duration.format(timeLimit)} and was stopped; ask for less, or export the sweep as Parquet`,
  })

  return (
    sql: string,
    limit: number,
    given: ReadonlyArray<GivenTable> = [],
  ): Effect.Effect<QueryResult, QueryError | StoreError> =>
    Effect.gen(function* () {
      yield* Effect.try({ try: () => checkLimit(limit), catch: failureOf })
      const to = yield* updating.withPermits(1)(
        Effect.gen(function* () {
          const started = start()
          yield* Effect.tryPromise({ try: () => started.ready, catch: failureOf })
          yield* Effect.uninterruptible(update(started))
          return started
        }),
      )
      return yield* Effect.timeoutOrElse(run(to, sql, limit, given), {
        duration: timeLimit,
        orElse: () => Effect.fail(timedOut),
      })
    }).pipe(permits.withPermits(1))
})
