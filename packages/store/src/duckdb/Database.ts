// The open database file. Owns that there is one owner (one process, one instance in it), the settings, the migrations
// and the views, and how connections for reading are handed out. What is written and read is its callers' affair.
import { chmodSync, constants, copyFileSync, existsSync, mkdirSync, realpathSync, rmSync } from "node:fs"
import { availableParallelism, totalmem } from "node:os"
import { join } from "node:path"
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from "@duckdb/node-api"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { factVersion } from "@sweep/domain/Fact"
import { below, beforeOpening } from "../durability/beforeOpening.ts"
import { belowMark } from "../durability/belowMark.ts"
import { DurableMark } from "../durability/DurableMark.ts"
import { migrations, newestVersion } from "./migrations.ts"
import { Reading } from "../Reading.ts"
import { StoreError } from "../Store.ts"
import { storeFailure } from "./storeFailure.ts"
import { views } from "./views.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

export type Client = typeof import("@duckdb/node-api")

export interface Database {
  readonly file: string
  /** The one folder that SQL may write to, for exports on their way; nothing else on the disk can be reached. */
  readonly exports: string
  readonly client: Client
  readonly writer: DuckDBConnection
  /** Told of every commit of the writer before anybody else is. */
  readonly durable: DurableMark
  /** Runs `use` on a connection of its own, in its turn with others of its kind (`Reading`). When interrupted, so is the query. */
  readonly reading: <A, E>(
    use: (connection: DuckDBConnection) => Promise<A>,
    failure: (cause: unknown) => E,
  ) => Effect.Effect<A, E | StoreError>
  /** The rows of a query of ours, as DuckDB's values. */
  readonly rows: (
    sql: string,
    parameters?: Record<string, DuckDBValue>,
  ) => Effect.Effect<ReadonlyArray<Record<string, DuckDBValue>>, StoreError>
}

/**
 * Queries at once. Each holds a thread of Node's pool of four while it runs, and a commit must never wait for one.
 */
const readers = 2

/** Of the machine's memory, and never less than this many bytes: the models being trained need the rest. */
const memoryShare = 0.25
const leastMemory = 1 << 29

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Files this process has open: DuckDB's lock is the process's, so it does not keep a second instance out, and two lose rows. */
const owned = new Set<string>()

/** The failure of a second user of `file` in this process, while there is a first one. */
export const heldHere = (file: string): StoreError | undefined =>
  owned.has(file)
    ? new StoreError({ reason: "locked", message: `${file} is already open in this process (PID ${process.pid}).` })
    : undefined

const claim = (file: string): Effect.Effect<void, StoreError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const held = heldHere(file)
      if (held !== undefined) return Effect.fail(held)
      owned.add(file)
      return Effect.void
    }),
    () => Effect.sync(() => owned.delete(file)),
  )

/** From now on the file may hold facts of this program's version, which an older program refuses. */
const adoptFacts = async (connection: DuckDBConnection, file: string): Promise<void> => {
  const found = await connection.runAndReadAll("SELECT max(version) FROM journal.fact_versions")
  const version = Number(found.getRows()[0]![0])
  if (version > factVersion) {
    throw new StoreError({
      reason: "version",
      message: `${file} was written by a newer sweep (its facts are of version ${version}, this sweep knows ${factVersion}); update sweep.`,
    })
  }
  if (version < factVersion) {
    await connection.run(`INSERT INTO journal.fact_versions VALUES (${factVersion}, now()::TIMESTAMP)`)
  }
}

/** A copy of a log that nothing says of what it has to have, before DuckDB reads it; `undefined` when there is no log. */
const keepLog = (file: string): string | undefined => {
  const log = `${file}.wal`
  if (!existsSync(log)) return undefined
  const kept = `${log}.before-mark-${Date.now()}`
  copyFileSync(log, kept, constants.COPYFILE_EXCL)
  chmodSync(kept, 0o600)
  return kept
}

const migrate = async (connection: DuckDBConnection, file: string): Promise<void> => {
  await connection.run(
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL)",
  )
  const found = await connection.runAndReadAll("SELECT coalesce(max(version), 0) FROM schema_version")
  const version = Number(found.getRows()[0]![0])
  if (version > newestVersion) {
    throw new StoreError({
      reason: "version",
      message: `${file} was written by a newer sweep (its schema is version ${version}, this sweep knows ${newestVersion}); update sweep.`,
    })
  }
  for (const migration of migrations) {
    if (migration.version <= version) continue
    await connection.run("BEGIN")
    await connection.run(migration.sql)
    await connection.run(`INSERT INTO schema_version VALUES (${migration.version}, now()::TIMESTAMP)`)
    await connection.run("COMMIT")
  }
  await adoptFacts(connection, file)
  await connection.run("BEGIN")
  for (const [name, sql] of Object.entries(views)) await connection.run(`CREATE OR REPLACE VIEW ${name} AS ${sql}`)
  await connection.run("COMMIT")
}

/** Opens, or creates, `sweep.duckdb` in `directory`, and brings it to the newest schema. */
export const open = Effect.fn("Database.open")(function* (
  directory: string,
): Effect.fn.Return<Database, StoreError, Scope.Scope> {
  const failure = (cause: unknown) => storeFailure(join(directory, "sweep.duckdb"), cause)
  const home = yield* Effect.try({
    try: () => {
      mkdirSync(directory, { recursive: true })
      return realpathSync(directory)
    },
    catch: (cause) => new StoreError({ reason: "io", message: `${directory} cannot be used: ${fileProblem(cause)}` }),
  })
  const file = join(home, "sweep.duckdb")
  const exports = join(home, "exports")
  yield* claim(file)
  const client = yield* Effect.promise(() => import("@duckdb/node-api"))
  const mark = yield* Effect.tryPromise({ try: () => beforeOpening(client, file), catch: failure })
  const unmarked = mark === undefined ? yield* Effect.try({ try: () => keepLog(file), catch: failure }) : undefined
  const instance: DuckDBInstance = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        client.DuckDBInstance.create(file, {
          threads: String(availableParallelism()),
          memory_limit: `${Math.max(leastMemory, Math.floor(totalmem() * memoryShare))}B`,
          // Where the durable mark allows it, and nowhere else.
          checkpoint_threshold: "1TB",
          autoinstall_known_extensions: "false",
          autoload_known_extensions: "false",
        }),
      catch: (cause) => {
        const error = failure(cause)
        // It is somebody's, and so is its log.
        if (error.reason === "locked" && unmarked !== undefined) rmSync(unmarked)
        return error
      },
    }),
    (opened) => Effect.sync(() => opened.closeSync()),
  )
  const connect = Effect.acquireRelease(
    Effect.tryPromise({ try: () => instance.connect(), catch: failure }),
    (connection) => Effect.sync(() => connection.closeSync()),
  )
  const writer = yield* connect
  yield* Effect.tryPromise({
    try: async () => {
      await writer.run("PRAGMA disable_checkpoint_on_shutdown")
      // Before anything is written: what is refused stays as it was.
      if (mark !== undefined) {
        const missing = await belowMark(writer, mark)
        if (missing.length > 0) throw below(file, mark, missing.join(", "))
      }
      chmodSync(file, 0o600)
      await migrate(writer, file)
      // What an export that was killed has left.
      rmSync(exports, { recursive: true, force: true })
      // From here on no SQL, ours or a person's, reaches the disk beyond the database itself and the exports.
      await writer.run(`SET GLOBAL temp_directory = ${quoted(join(home, "spill"))}`)
      await writer.run(`SET GLOBAL allowed_directories = [${quoted(exports)}]`)
      await writer.run("SET GLOBAL enable_external_access = false")
      await writer.run("SET GLOBAL lock_configuration = true")
    },
    catch: failure,
  })

  const durable = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => DurableMark.open(file, writer), catch: failure }),
    (kept) => Effect.promise(() => kept.close().catch(() => undefined)),
  )

  const permits = { control: yield* Semaphore.make(readers), looking: yield* Semaphore.make(readers) }
  const reading: Database["reading"] = (use, onFailure) =>
    Effect.flatMap(Reading, (kind) =>
      permits[kind].withPermits(1)(
        Effect.scoped(
          Effect.flatMap(connect, (connection) =>
            Effect.callback((resume) => {
              const work = use(connection)
              work.then(
                (value) => resume(Effect.succeed(value)),
                (cause: unknown) => resume(Effect.fail(onFailure(cause))),
              )
              // The connection is closed only after its query has really ended. Interrupting again and again, because an
              // interrupt between two statements is lost.
              return Effect.promise(async () => {
                const again = setInterval(() => connection.interrupt(), 20)
                connection.interrupt()
                await work.then(
                  () => undefined,
                  () => undefined,
                )
                clearInterval(again)
              })
            }),
          ),
        ),
      ),
    )
  const rows: Database["rows"] = (sql, parameters) =>
    reading(async (connection) => (await connection.runAndReadAll(sql, parameters)).getRowObjects(), failure)
  return { file, exports, client, writer, durable, reading, rows }
})
