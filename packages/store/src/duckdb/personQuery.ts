// A person's SQL: one statement, only reading, over the documented views. Owns what is let through and how the answer
// becomes JSON. Three fences stand behind each other: the kind of the statement, a transaction that cannot write, and
// a database that reaches no file (see Database). One hole is left in the last: a database may always read its own file,
// and closing that file after reading gives up the lock on it. So the functions that read files are refused by name.
import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBType, DuckDBValue } from "@duckdb/node-api"
import type { QueryResult } from "@sweep/domain/QueryResult"
import type { Client } from "./Database.ts"
import { type GivenTable, QueryError } from "../Store.ts"

/** Table functions that neither read files nor change anything but data; every other one of DuckDB's is refused. */
const harmless =
  /^(duckdb_(columns|constraints|databases|dependencies|functions|indexes|keywords|memory|schemas|sequences|settings|tables|types|views)|generate_series|icu_calendar_names|json_each|json_tree|pg_timezone_names|pragma_(show|storage_info|table_info|version)|range|repeat|repeat_row|summary|unnest)$/

const reading = /^\s*\(*\s*(select|with|from|values|table|describe|desc|show|summarize|explain|pivot|unpivot)\b/i

/** SQL without its comments, for looking at its first word; strings that hold `--` do no harm there. */
const withoutComments = (sql: string): string => sql.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/--[^\n]*/g, " ")

/** Matches SQL that calls a function a person may not call. */
export const refusedFunctions = async (connection: DuckDBConnection): Promise<RegExp> => {
  const found = await connection.runAndReadAll(
    "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'table'",
  )
  const names = found
    .getColumns()[0]!
    .map(String)
    .filter((name) => !harmless.test(name))
  // As whole words anywhere, quoted or not; of the two that are also words of SQL or of this store, only the call.
  const calls = new Set(["checkpoint", "glob"])
  const words = names.filter((name) => !calls.has(name))
  return new RegExp(`\\b(?:(${words.join("|")})\\b|(${[...calls].join("|")})"?\\s*\\()`, "i")
}

/** DuckDB's message with the line and column it points at, in a person's words. */
export const explain = (cause: unknown): QueryError => {
  const message = (cause instanceof Error ? cause.message : String(cause)).replace(
    /^Failed to extract statements: /,
    "",
  )
  if (/interrupt/i.test(message)) return new QueryError({ message: "the query was interrupted" })
  if (/cannot access file|file system operations are disabled/i.test(message)) {
    return new QueryError({
      message: "queries read the sweep store only, no files; `sweep export` writes Parquet that other tools can join",
    })
  }
  return new QueryError({ message: message.trimEnd() })
}

const toJson = (client: Client, value: DuckDBValue, type?: DuckDBType): unknown => {
  if (value === null || typeof value === "boolean") return value
  if (typeof value === "string") {
    if (type?.alias !== "JSON") return value
    try {
      return JSON.parse(value)
    } catch {
      return value
    }
  }
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof client.DuckDBDecimalValue) return value.width <= 15 ? value.toDouble() : value.toString()
  if (value instanceof client.DuckDBListValue || value instanceof client.DuckDBArrayValue) {
    return value.items.map((item) => toJson(client, item))
  }
  if (value instanceof client.DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([key, item]) => [key, toJson(client, item)]))
  }
  if (value instanceof client.DuckDBMapValue) {
    return Object.fromEntries(
      value.entries.map(({ key, value: item }) => [String(toJson(client, key)), toJson(client, item)]),
    )
  }
  return String(value)
}

/** The prepared statement that answers; what a PIVOT needs before it is run on the way. */
const prepare = async (
  client: Client,
  connection: DuckDBConnection,
  sql: string,
  refused: RegExp,
): Promise<DuckDBPreparedStatement> => {
  const bare = withoutComments(sql)
  if (bare.trim() === "") throw new QueryError({ message: "the query is empty" })
  const called = refused.exec(sql)
  if (called !== null) {
    throw new QueryError({
      message: `\`${called[1] ?? called[2]}\` is not available here: queries read the sweep store only`,
    })
  }
  const statements = await connection.extractStatements(sql)
  if (!reading.test(bare)) {
    throw new QueryError({
      message: "queries only read: start with SELECT, WITH, FROM, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN or PIVOT",
    })
  }
  const { StatementType } = client
  const pivot = /\bpivot\b/i.test(bare)
  for (let i = 0; i < statements.count; i++) {
    const statement = await statements.prepare(i)
    const last = i === statements.count - 1
    // A PIVOT whose values are not listed first makes a temporary enum of them.
    if (!last && !(pivot && statement.statementType === StatementType.CREATE)) {
      throw new QueryError({ message: "one statement at a time: there is more after the first `;`" })
    }
    if (last) {
      if (statement.statementType === StatementType.SELECT || statement.statementType === StatementType.EXPLAIN) {
        if (statement.parameterCount > 0) {
          throw new QueryError({ message: "the query has a parameter (`?` or `$1`), but there is no value for it" })
        }
        return statement
      }
      throw new QueryError({ message: "queries only read: this statement does something else" })
    }
    await statement.run()
  }
  throw new QueryError({ message: "the query is empty" })
}

/** Rows and bytes of JSON that one answer may have. */
const mostRows = 1_000_000
export const mostBytes = 16 * 1024 * 1024

/** Throws `QueryError`. */
export const checkLimit = (limit: number): void => {
  if (!(Number.isInteger(limit) && limit >= 0 && limit <= mostRows)) {
    throw new QueryError({ message: `the limit of rows is ${limit}; it is a number from 0 to ${mostRows}` })
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Makes the table for as long as the connection lasts. Its rows travel as one JSON text. */
const give = async (connection: DuckDBConnection, { name, columns, rows }: GivenTable): Promise<void> => {
  const names = Object.keys(columns)
  const typed = names.map((column) => `("row"->>${quoted(`$."${column}"`)})::${columns[column]} AS "${column}"`)
  await connection.run(`CREATE OR REPLACE TEMP TABLE "${name}" AS
    SELECT ${typed.join(", ")} FROM (SELECT unnest(${quoted(JSON.stringify(rows))}::JSON[]) AS "row")`)
}

/** Runs `sql`; of its rows at most `limit`. Rejects with a `QueryError`, also when they take more than `bytes`. */
export const personQuery = async (
  client: Client,
  connection: DuckDBConnection,
  sql: string,
  limit: number,
  refused: RegExp,
  given: ReadonlyArray<GivenTable> = [],
  bytes: number = mostBytes,
): Promise<QueryResult> => {
  checkLimit(limit)
  for (const table of given) await give(connection, table)
  await connection.run("BEGIN TRANSACTION READ ONLY")
  const statement = await prepare(client, connection, sql, refused)
  const result = await statement.stream()
  const types = result.columnTypes()
  const rows: Array<ReadonlyArray<unknown>> = []
  let size = 0
  while (rows.length <= limit) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) break
    for (const row of chunk.getRows()) {
      const cells = row.map((value, column) => toJson(client, value, types[column]))
      size += JSON.stringify(cells).length
      if (size > bytes) {
        throw new QueryError({
          message: `the answer is larger than ${Math.round(bytes / 1024 / 1024)} MiB; ask for less, or export the sweep as Parquet`,
        })
      }
      rows.push(cells)
    }
  }
  return {
    columns: result.deduplicatedColumnNames().map((name, i) => ({ name, type: types[i]!.toString() })),
    rows: rows.slice(0, limit),
    truncated: rows.length > limit,
  }
}
