import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { explainApi, withApi } from "../../serving/access.ts"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, printJson, printLines } from "../../output.ts"
import { parameterValue, printable } from "../../terminal/format.ts"
import { table } from "../../terminal/table.ts"

const mostRows = 1_000_000
const limit = Flag.Int("limit").pipe(Flag.withDescription("At most this many rows"), Flag.withDefault(1000))

const cell = (value: unknown): string =>
  value === null || value === undefined
    ? ""
    : typeof value === "number" || typeof value === "boolean"
      ? parameterValue(value)
      : printable(typeof value === "string" ? value : JSON.stringify(value))

export const query = Command.make(
  "query",
  {
    sql: Argument.String("SQL").pipe(
      Argument.withDescription("One statement that reads; the tables are in docs/schema.md"),
    ),
    limit,
    coordinator: flags.coordinator,
    json: flags.json,
  },
  ({ sql, limit, coordinator, json }) =>
    Effect.gen(function* () {
      if (limit < 0 || limit > mostRows) {
        return yield* badInput(`--limit ${limit}: expected a number of rows from 0 to ${mostRows}`)
      }
      const result = yield* (yield* SweepApi).query(sql, limit)
      if (json) {
        const names = result.columns.map((column) => column.name)
        return yield* printJson(result.rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]]))))
      }
      yield* printLines(
        table(
          result.columns.map((column) => ({
            title: column.name,
            align: /INT|DOUBLE|FLOAT|DECIMAL/i.test(column.type) ? ("right" as const) : ("left" as const),
          })),
          result.rows.map((row) => row.map(cell)),
        ),
      )
      if (result.truncated) yield* note(`The first ${limit} rows; --limit N shows more.`)
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Ask the database with SQL (reading only)"),
  Command.withExamples([
    {
      command: 'sweep query "SELECT trial, objective FROM trials ORDER BY objective LIMIT 5"',
      description: "The five best trials",
    },
    { command: 'sweep query "DESCRIBE metrics"', description: "The columns of a table" },
  ]),
)
