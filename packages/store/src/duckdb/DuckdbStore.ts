// The store in DuckDB: one file, one writer, any number of readers. Owns the wiring of the parts; what each does stands
// in its own file. DuckDB itself is loaded only when the layer is built, so that a program that never builds it starts fast.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SweepId } from "@sweep/domain/Id"
import { backup } from "./backup.ts"
import * as Database from "./Database.ts"
import { explain, personQuery, refusedFunctions } from "./personQuery.ts"
import { makeQueryProcess } from "./queryProcess.ts"
import * as Reads from "./Reads.ts"
import { QueryError, Store, StoreError } from "../Store.ts"
import { storeFailure } from "./storeFailure.ts"
import * as Writer from "./Writer.ts"

/** The views of one sweep that `exportParquet` writes, in an order that compresses well. */
const exported: Readonly<Record<string, string>> = {
  sweeps: "created_at",
  trials: "trial",
  metrics: "trial, attempt, metric, step",
  events: "trial, attempt, seq",
}

const exportParquet = (database: Database.Database, sweep: SweepId, directory: string) => {
  const target = resolve(directory)
  return Effect.acquireUseRelease(
    Effect.try({
      try: () => {
        mkdirSync(target, { recursive: true })
        mkdirSync(database.exports, { recursive: true })
        return mkdtempSync(join(database.exports, `${sweep}-`))
      },
      catch: (cause) => storeFailure(target, cause),
    }),
    (folder) =>
      Effect.gen(function* () {
        for (const [view, order] of Object.entries(exported)) {
          const to = join(folder, `${view}.parquet`).replaceAll("'", "''")
          yield* database.rows(
            `COPY (SELECT * FROM ${view} WHERE sweep = '${sweep}' ORDER BY ${order}) TO '${to}' (FORMAT parquet, COMPRESSION zstd)`,
          )
        }
        return yield* Effect.try({
          try: () =>
            Object.keys(exported).map((view) => {
              const path = join(target, `${view}.parquet`)
              cpSync(join(folder, `${view}.parquet`), path)
              return path
            }),
          catch: (cause) => storeFailure(target, cause),
        })
      }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
  )
}

export interface Options {
  /** Where `sweep.duckdb` lies; made when missing. */
  readonly directory: string
  /** How long a person's query may run; a minute unless given. */
  readonly queryTimeout?: Duration.Input
  /** Whether queries run in a process of their own: where others than the owner of this process may ask. */
  readonly queryProcess?: boolean
}

/** Fails with a `StoreError` when the file is another's (`locked`), damaged, too new, or the disk is full. */
export const layer = ({
  directory,
  queryTimeout = "1 minute",
  queryProcess = false,
}: Options): Layer.Layer<Store, StoreError> =>
  Layer.effect(
    Store,
    Effect.gen(function* () {
      const database = yield* Database.open(directory)
      const writer = yield* Writer.make(database)
      // Asked for with the first query: listing all of DuckDB's functions takes longer than opening the file.
      const refused = yield* Effect.cached(
        Effect.uninterruptible(database.reading(refusedFunctions, (cause) => storeFailure(database.file, cause))),
      )
      const limit = Duration.fromInputUnsafe(queryTimeout)
      const inProcess = queryProcess ? yield* makeQueryProcess(database, limit) : undefined
      return {
        ...writer,
        ...Reads.make(database),
        query:
          inProcess ??
          ((sql, rows, given) =>
            Effect.flatMap(refused, (names) =>
              database
                .reading(
                  (connection) => personQuery(database.client, connection, sql, rows, names, given),
                  (cause) => (cause instanceof QueryError ? cause : explain(cause)),
                )
                .pipe(
                  Effect.timeoutOrElse({
                    duration: limit,
                    orElse: () =>
                      Effect.fail(
                        new QueryError({
                          message: `the query ran longer than ${Duration.format(limit)} and was stopped; ask for less, or export the sweep as Parquet`,
                        }),
                      ),
                  }),
                ),
            )),
        backup: (path) => backup(database, path),
        exportParquet: (sweep, folder) => exportParquet(database, sweep, folder),
      }
    }),
  )
