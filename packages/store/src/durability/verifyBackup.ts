// Whether a backup is one: it opens, every block of it can be read, and it has everything that was acknowledged when it was
// begun. Owns the question; taking and keeping backups is its caller's.
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { storeFailure } from "../duckdb/storeFailure.ts"
import { StoreError } from "../Store.ts"
import { belowMark, countRows, lastFact } from "./belowMark.ts"
import { type Mark, readMark, tables } from "./Mark.ts"

/** What a backup of the store in `directory` that is begun now has to have; `undefined` where no mark says it. */
export const acknowledgedIn = (directory: string): Mark | undefined => {
  const mark = readMark(join(directory, "sweep.duckdb"))
  return mark === "damaged" ? undefined : mark
}

export interface Verified {
  readonly facts: number
  readonly points: number
  readonly lastFact: number
}

/** Reads all of the backup `file`. Fails with a `StoreError` that says what is wrong with it. */
export const verifyBackup = Effect.fn("verifyBackup")(function* (
  file: string,
  acknowledged: Mark | undefined,
): Effect.fn.Return<Verified, StoreError> {
  const client = yield* Effect.promise(() => import("@duckdb/node-api"))
  return yield* Effect.tryPromise({
    try: async () => {
      const instance = await client.DuckDBInstance.create(file, { access_mode: "READ_ONLY" })
      try {
        const connection = await instance.connect()
        for (const table of tables) await connection.run(`SELECT bit_xor(hash(t)) FROM journal.${table} t`)
        const missing = acknowledged === undefined ? [] : await belowMark(connection, acknowledged)
        if (missing.length > 0) {
          throw new StoreError({
            reason: "below-mark",
            message: `${file} has less than was acknowledged when it was begun: ${missing.join(", ")}`,
          })
        }
        const { facts, points } = await countRows(connection)
        const last = await lastFact(connection)
        connection.closeSync()
        return { facts, points, lastFact: last.seq }
      } finally {
        instance.closeSync()
      }
    },
    catch: (cause) => storeFailure(file, cause),
  })
})
