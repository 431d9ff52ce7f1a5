// Whether a database has everything that its durable mark names. Owns the comparison alone.
import { createHash } from "node:crypto"
import type { DuckDBConnection } from "@duckdb/node-api"
import { type Mark, type Table, tables } from "./Mark.ts"

export type Rows = Mark["rows"]

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

const one = async (connection: DuckDBConnection, sql: string) => (await connection.runAndReadAll(sql)).getRows()[0]

const hasTable = async (connection: DuckDBConnection, table: string): Promise<boolean> =>
  Number(
    (await one(
      connection,
      `SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'journal' AND table_name = '${table}'`,
    ))![0],
  ) === 1

/** How many rows the journal's tables have; no rows where there are no tables yet. */
export const countRows = async (connection: DuckDBConnection): Promise<Rows> => {
  if (!(await hasTable(connection, "facts"))) {
    return Object.fromEntries(tables.map((table) => [table, 0])) as Record<Table, number>
  }
  const found = await one(
    connection,
    `SELECT ${tables.map((table) => `(SELECT count(*) FROM journal.${table})`).join(", ")}`,
  )
  return Object.fromEntries(tables.map((table, i) => [table, Number(found![i])])) as Record<Table, number>
}

/** The last fact, as a mark names it. */
export const lastFact = async (connection: DuckDBConnection): Promise<Mark["fact"]> => {
  const row = await one(connection, "SELECT seq, body FROM journal.facts ORDER BY seq DESC LIMIT 1")
  return row === undefined ? { seq: 0, sha256: "" } : { seq: Number(row[0]), sha256: sha256(String(row[1])) }
}

export const storeId = async (connection: DuckDBConnection): Promise<string> =>
  (await hasTable(connection, "store")) ? String((await one(connection, "SELECT id FROM journal.store"))![0]) : ""

/** What is missing of what `mark` names, as text; empty when nothing is. It may have more. */
export const belowMark = async (connection: DuckDBConnection, mark: Mark): Promise<ReadonlyArray<string>> => {
  const rows = await countRows(connection)
  if (mark.fact.seq > 0 && rows.facts === 0) return [`it has no facts of ${mark.rows.facts}`]
  const later =
    rows.facts === 0
      ? []
      : (
          await connection.runAndReadAll(
            `SELECT type FROM journal.facts WHERE seq > ${mark.fact.seq} AND type IN ('SweepRemoved', 'StoreRestored')`,
          )
        )
          .getRows()
          .map(([type]) => type)
  const missing: Array<string> = []
  const id = await storeId(connection)
  if (mark.store !== "" && id !== mark.store && !later.includes("StoreRestored")) {
    missing.push(`it is the store ${id}, and the mark is of ${mark.store}`)
  }
  // A sweep that was removed in the commit after the mark took its rows along, the last fact maybe among them.
  if (later.includes("SweepRemoved")) return missing
  if (mark.fact.seq > 0) {
    const row = await one(connection, `SELECT body FROM journal.facts WHERE seq = ${mark.fact.seq}`)
    if (row === undefined) missing.push(`fact ${mark.fact.seq}, the last one acknowledged, is not there`)
    else if (sha256(String(row[0])) !== mark.fact.sha256) missing.push(`fact ${mark.fact.seq} is another one`)
  }
  for (const table of tables) {
    if (rows[table] < mark.rows[table]) missing.push(`it has ${rows[table]} ${table} of ${mark.rows[table]}`)
  }
  return missing
}
