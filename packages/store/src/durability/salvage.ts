// Saves what can be read of a damaged database into a new one, a run of rows at a time, so that a damaged block costs only
// the rows in it.
import { rmSync } from "node:fs"
import type { DuckDBConnection } from "@duckdb/node-api"
import type { Client } from "../duckdb/Database.ts"
import { migrations } from "../duckdb/migrations.ts"
import type { Rows } from "./belowMark.ts"
import { type Table, tables } from "./Mark.ts"

/** Rows that DuckDB keeps in blocks of their own: its row group. */
const runRows = 122_880

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** One past the greatest row id; deleted rows leave gaps. */
const rowsOf = async (connection: DuckDBConnection, table: Table): Promise<number> => {
  const found = await connection
    .runAndReadAll(`SELECT coalesce(max(rowid), -1) + 1 FROM sweep.journal.${table}`)
    .catch(() => connection.runAndReadAll(`SELECT count(*) FROM sweep.journal.${table}`))
  return Number(found.getRows()[0]![0])
}

/** From `file` into the database `to`; how many rows of each table are in it. Rejects when the journal cannot be reached. */
export const salvage = async (client: Client, file: string, to: string): Promise<Rows> => {
  rmSync(to, { force: true })
  const instance = await client.DuckDBInstance.create(":memory:")
  const connection = await instance.connect()
  try {
    await connection.run(`ATTACH ${quoted(file)} AS sweep (READ_ONLY)`)
    await connection.run("SELECT 1 FROM sweep.journal.facts LIMIT 0")
    await connection.run(`ATTACH ${quoted(to)} AS saved`)
    await connection.run("USE saved")
    await connection.run("CREATE TABLE schema_version (version INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL)")
    for (const { version, sql } of migrations) {
      await connection.run(sql)
      await connection.run(`INSERT INTO schema_version VALUES (${version}, now()::TIMESTAMP)`)
    }
    await connection
      .run("UPDATE saved.journal.store SET id = (SELECT id FROM sweep.journal.store)")
      .catch(() => undefined)
    const saved = Object.fromEntries(tables.map((table) => [table, 0])) as Record<Table, number>
    for (const table of tables) {
      const end = await rowsOf(connection, table).catch(() => 0)
      for (let from = 0; from < end; from += runRows) {
        await connection
          .run(
            `INSERT INTO saved.journal.${table} SELECT * FROM sweep.journal.${table} WHERE rowid >= ${from} AND rowid < ${from + runRows}`,
          )
          .catch(() => undefined)
      }
      const found = await connection.runAndReadAll(`SELECT count(*) FROM saved.journal.${table}`)
      saved[table] = Number(found.getRows()[0]![0])
    }
    await connection.run("CHECKPOINT saved")
    await connection.run("USE memory")
    await connection.run("DETACH saved")
    return saved
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
