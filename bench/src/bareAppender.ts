// What DuckDB itself can take in: points through its appender, a commit for every batch, and nothing else in the way (no
// gRPC, no high-water marks, no group of waiting callers). The yardstick of the `ingest` benchmark, run in the same
// process and with the same number of points per commit as what it is compared with.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DOUBLE, DuckDBDataChunk, DuckDBInstance, INTEGER } from "@duckdb/node-api"

export interface BareAppenderResult {
  readonly points: number
  readonly seconds: number
  readonly pointsPerSecond: number
  readonly commits: number
}

const chunkRows = 2048
const types = [INTEGER, INTEGER, INTEGER, DOUBLE, DOUBLE, DOUBLE]

interface NumberVector {
  setItem(row: number, value: number): void
  flush(): void
}

/**
 * Appends points to a new database on disk for about `seconds`, `pointsPerCommit` in each transaction, in the columns
 * that the store keeps a point in. `directory` is where the database is made (the system's temporary folder unless
 * given): it should be on the disk that the comparison uses.
 */
export const bareAppender = async (options: {
  readonly pointsPerCommit: number
  readonly seconds: number
  readonly directory?: string
}): Promise<BareAppenderResult> => {
  const { pointsPerCommit, seconds } = options
  const directory = mkdtempSync(join(options.directory ?? tmpdir(), "bare-appender-"))
  const instance = await DuckDBInstance.create(join(directory, "bare.duckdb"))
  try {
    const connection = await instance.connect()
    await connection.run(
      "CREATE TABLE points (epoch INTEGER, seq INTEGER, metric INTEGER, step DOUBLE, value DOUBLE, at_ms DOUBLE)",
    )
    const appender = await connection.createAppender("points")
    const started = performance.now()
    let commits = 0
    while (performance.now() - started < seconds * 1000) {
      await connection.run("BEGIN")
      for (let from = 0; from < pointsPerCommit; from += chunkRows) {
        const rows = Math.min(chunkRows, pointsPerCommit - from)
        const chunk = DuckDBDataChunk.create(types, rows)
        const columns = types.map((_, column) => chunk.getColumnVector(column) as unknown as NumberVector)
        for (let row = 0; row < rows; row++) {
          const line = from + row
          columns[0]!.setItem(row, commits)
          columns[1]!.setItem(row, line)
          columns[2]!.setItem(row, line % 4)
          columns[3]!.setItem(row, line)
          columns[4]!.setItem(row, 1 / (1 + line))
          columns[5]!.setItem(row, 1_700_000_000_000 + line)
        }
        for (const column of columns) column.flush()
        appender.appendDataChunk(chunk)
      }
      appender.flushSync()
      await connection.run("COMMIT")
      commits++
    }
    const elapsed = (performance.now() - started) / 1000
    appender.closeSync()
    connection.closeSync()
    const points = commits * pointsPerCommit
    return { points, seconds: elapsed, pointsPerSecond: points / elapsed, commits }
  } finally {
    instance.closeSync()
    rmSync(directory, { recursive: true, force: true })
  }
}
