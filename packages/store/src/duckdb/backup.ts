// A copy of the whole database while it is written to. Owns that it is of one moment; putting it back is restore.ts.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Database } from "./Database.ts"
import type { StoreError } from "../Store.ts"
import { storeFailure } from "./storeFailure.ts"

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** One at a time: each is as large as the database. */
const one = Semaphore.makeUnsafe(1)

/**
 * Writes a copy as of now to `path`, by way of the folder that SQL may write to. Commits continue meanwhile. Fails with a
 * `StoreError` when there is no room.
 */
export const backup = (database: Database, path: string): Effect.Effect<void, StoreError> =>
  one.withPermits(1)(
    Effect.acquireUseRelease(
      Effect.try({
        try: () => {
          mkdirSync(database.exports, { recursive: true })
          return mkdtempSync(join(database.exports, "backup-"))
        },
        catch: (cause) => storeFailure(database.file, cause),
      }),
      (folder) => {
        const copy = join(folder, "sweep.duckdb")
        return database
          .reading(
            async (connection) => {
              await connection.run(`ATTACH ${quoted(copy)} AS backup`)
              try {
                // In one transaction, which sees one moment.
                await connection.run("COPY FROM DATABASE sweep TO backup")
                // Out of its log and into the one file that is taken away.
                await connection.run("CHECKPOINT backup")
              } finally {
                await connection.run("DETACH backup")
              }
            },
            (cause) => storeFailure(database.file, cause),
          )
          .pipe(
            Effect.andThen(
              Effect.try({
                try: () => copyFileSync(copy, path),
                catch: (cause) => storeFailure(path, cause),
              }),
            ),
          )
      },
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
    ),
  )
