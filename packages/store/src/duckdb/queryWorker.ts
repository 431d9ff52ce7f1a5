// The process in which users' SQL runs: a replica of the journal's tables in a database of its own, with little memory, few
// threads and a low priority. Whatever a query does here, the coordinator's own database, its memory and its writer are
// out of reach; at worst this process is ended and another one begun. Talks to queryProcess.ts over Node's channel.
import { rmSync } from "node:fs"
import * as client from "@duckdb/node-api"
import { migrations } from "./migrations.ts"
import { explain, personQuery, refusedFunctions } from "./personQuery.ts"
import { QueryError } from "../Store.ts"
import { views } from "./views.ts"
import type { WorkerAnswer, WorkerRequest, WorkerSettings } from "./queryProcess.ts"

const settings = JSON.parse(process.argv[2]!) as WorkerSettings
const answer = (message: WorkerAnswer) => void process.send!(message)
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

// The coordinator is gone, and whoever asked with it.
process.on("disconnect", () => process.exit(0))
process.on("SIGINT", () => {})

rmSync(settings.file, { force: true })
rmSync(`${settings.file}.wal`, { force: true })
const instance = await client.DuckDBInstance.create(settings.file, {
  threads: String(settings.threads),
  memory_limit: `${settings.memoryBytes}B`,
  max_temp_directory_size: `${settings.spillBytes}B`,
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
})
const writer = await instance.connect()
for (const { sql } of migrations) await writer.run(sql)
for (const [name, sql] of Object.entries(views)) await writer.run(`CREATE OR REPLACE VIEW ${name} AS ${sql}`)
const refused = await refusedFunctions(writer)
await writer.run(`SET GLOBAL temp_directory = ${quoted(`${settings.file}.spill`)}`)
await writer.run(`SET GLOBAL allowed_directories = [${quoted(settings.exports)}]`)
await writer.run("SET GLOBAL enable_external_access = false")
await writer.run("SET GLOBAL lock_configuration = true")

const running = new Map<number, client.DuckDBConnection>()

const apply = async ({ tables, reset }: Extract<WorkerRequest, { kind: "apply" }>): Promise<void> => {
  await writer.run("BEGIN")
  try {
    for (const { table, file } of tables) {
      if (reset) await writer.run(`DELETE FROM journal.${table}`)
      await writer.run(`INSERT INTO journal.${table} SELECT * FROM read_parquet(${quoted(file)})`)
    }
    await writer.run("COMMIT")
  } catch (error) {
    await writer.run("ROLLBACK").catch(() => undefined)
    throw error
  }
}

const query = async ({ id, sql, limit, given, bytes }: Extract<WorkerRequest, { kind: "query" }>) => {
  const connection = await instance.connect()
  running.set(id, connection)
  try {
    return await personQuery(client, connection, sql, limit, refused, given, bytes)
  } finally {
    running.delete(id)
    connection.closeSync()
  }
}

process.on("message", (request: WorkerRequest) => {
  if (request.kind === "interrupt") return running.get(request.of)?.interrupt()
  const work = request.kind === "apply" ? apply(request) : query(request)
  work.then(
    (value) => answer({ id: request.id, value }),
    (error: unknown) =>
      answer({ id: request.id, error: error instanceof QueryError ? error.message : explain(error).message }),
  )
})
answer({ id: 0 })
