import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { assigned, batchOf, created, submitted, sweep } from "./storeFixtures.ts"
import { layer, type Options } from "../src/duckdb/DuckdbStore.ts"
import { type QueryError, Store, type StoreError } from "../src/Store.ts"
import { freshDirectory } from "./directory.ts"

const test = (
  what: string,
  body: (store: Store["Service"], directory: string) => Effect.Effect<void, unknown>,
  options: Omit<Options, "directory"> = {},
) =>
  it.live(what, () => {
    const directory = freshDirectory()
    return Effect.flatMap(Store, (store) => body(store, directory)).pipe(
      Effect.provide(layer({ directory, ...options })),
    )
  })

const filled = (store: Store["Service"]) =>
  Effect.gen(function* () {
    yield* store.append([submitted, created(1), created(2), assigned(1, 1), assigned(2, 2)])
    yield* store.ingest(
      [1, 2].map((trial) =>
        batchOf(trial, trial, [
          [1, "eval/loss", 0, 2],
          [2, "eval/loss", 10, Number.NaN],
        ]),
      ),
      [],
    )
  })

const refusal = (store: Store["Service"], sql: string) =>
  Effect.map(Effect.flip(store.query(sql, 10)), (error: QueryError | StoreError) => `${error._tag}: ${error.message}`)

describe("a person's query", () => {
  test("answers in JSON, at most as many rows as asked for", (store) =>
    Effect.gen(function* () {
      yield* filled(store)
      const found = yield* store.query("SELECT trial, step, value FROM metrics ORDER BY trial, step", 3)
      expect(found).toEqual({
        columns: [
          { name: "trial", type: "INTEGER" },
          { name: "step", type: "DOUBLE" },
          { name: "value", type: "DOUBLE" },
        ],
        rows: [
          [1, 0, 2],
          [1, 10, "NaN"],
          [2, 0, 2],
        ],
        truncated: true,
      })
      const { rows } = yield* store.query(
        `SELECT count(*), 1.5, 9007199254740993::BIGINT, sum(1::BIGINT), DATE '2026-01-02', [1, NULL], {'a': 2::BIGINT},
          MAP {'k': 1.25}, true, NULL, 'infinity'::DOUBLE, '{"a": [1]}'::JSON, '\\x00'::BLOB, 12345678901234567.8`,
        10,
      )
      expect(rows).toEqual([
        [
          1,
          1.5,
          "9007199254740993",
          1,
          "2026-01-02",
          [1, null],
          { a: 2 },
          { k: 1.25 },
          true,
          null,
          "Infinity",
          { a: [1] },
          "\\x00",
          "12345678901234567.8",
        ],
      ])
      expect((yield* store.query("SELECT 1 AS a, 2 AS a", 0)).columns.map(({ name }) => name)).toEqual(["a", "a:1"])
    }))

  test("may be any statement that reads", (store) =>
    Effect.gen(function* () {
      yield* filled(store)
      for (const sql of [
        "select 1;",
        "-- why\n/* not */ WITH a AS (SELECT 1) FROM a",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "VALUES (1)",
        "TABLE trials",
        "DESCRIBE metrics",
        "SHOW TABLES",
        "SUMMARIZE trials",
        "EXPLAIN SELECT * FROM curves",
        "EXPLAIN ANALYZE SELECT * FROM curves",
        "PIVOT metrics ON step USING max(value) GROUP BY trial",
        "PIVOT metrics ON step IN (0, 10) USING max(value) GROUP BY trial",
        "FROM (PIVOT metrics ON step USING max(value) GROUP BY trial) SELECT trial",
        "UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b",
        "SELECT * FROM range(3), unnest([1, 2]), json_each('{\"a\": 1}')",
        "SELECT table_name FROM information_schema.tables UNION SELECT view_name FROM duckdb_views()",
        "SELECT * FROM events WHERE type = 'checkpoint' OR type GLOB 'chk*'",
      ]) {
        const result = yield* Effect.result(store.query(sql, 100))
        expect([sql, result._tag === "Failure" ? result.failure.message : ""]).toEqual([sql, ""])
      }
    }))

  test("can change nothing and read nothing else", (store, directory) =>
    Effect.gen(function* () {
      yield* filled(store)
      const file = join(directory, "sweep.duckdb")
      for (const sql of [
        "DELETE FROM journal.points",
        "INSERT INTO journal.marks VALUES (1, 1)",
        "UPDATE journal.facts SET seq = 0",
        "CREATE TABLE t (a INTEGER)",
        "CREATE TEMP TABLE t AS SELECT 1",
        "DROP VIEW metrics",
        "ALTER TABLE journal.points ADD COLUMN x INTEGER",
        "TRUNCATE journal.points",
        "EXPLAIN ANALYZE DELETE FROM journal.points",
        "EXPLAIN ANALYZE INSERT INTO journal.marks VALUES (1, 1)",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        `COPY (SELECT 1) TO '${directory}/exports/out.csv'`,
        "EXPORT DATABASE '/tmp/out'",
        "ATTACH '/tmp/other.duckdb'",
        "DETACH sweep",
        "USE memory",
        "SET threads = 1",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA disable_checkpoint_on_shutdown",
        "CALL pragma_version()",
        "CHECKPOINT",
        "FORCE CHECKPOINT",
        "SELECT * FROM checkpoint()",
        "SELECT * FROM force_checkpoint()",
        "SELECT * FROM enable_logging()",
        "VACUUM",
        "INSTALL httpfs",
        "LOAD httpfs",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "COMMIT; DELETE FROM journal.points",
        "SELECT 1; DELETE FROM journal.points",
        "SELECT 1; SELECT 2",
        "PREPARE p AS DELETE FROM journal.points",
        "EXECUTE p",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        `FROM '${file}'`,
        // Its own file: to read it would give up the lock.
        `SELECT * FROM read_blob('${file}')`,
        `SELECT * FROM "read_blob"('${file}')`,
        `SELECT * FROM system.main.READ_TEXT('${file}.wal')`,
        `SELECT * FROM query('SELECT * FROM read_' || 'blob(''${file}'')')`,
        `SELECT * FROM "query"('SELECT 1')`,
        `SELECT * FROM query/**/('SELECT 1')`,
        "SELECT * FROM glob('/etc/*')",
        "SELECT getenv('HOME')",
        "SELECT $1",
        "",
        "  -- only a comment",
        "DROP",
      ]) {
        expect([sql, yield* refusal(store, sql)]).toEqual([sql, expect.stringMatching(/^QueryError: .{10,}/)])
      }
      expect((yield* store.query("SELECT count(*) FROM metrics", 1)).rows).toEqual([[4]])
      expect((yield* store.query("SELECT count(*) FROM facts", 1)).rows).toEqual([[5]])
      yield* store.append([created(3)])
    }))

  test("says what is wrong and where", (store) =>
    Effect.gen(function* () {
      expect(yield* refusal(store, "SELECT *\nFROM trails")).toMatch(
        /trails does not exist[\s\S]*Did you mean "trials"[\s\S]*LINE 2/,
      )
      expect(yield* refusal(store, "SELEC 1")).toMatch(/SELECT, WITH|syntax error at or near "SELEC"/)
      expect(yield* refusal(store, "SELECT staet FROM trials")).toMatch(/staet[\s\S]*state/)
      expect(yield* refusal(store, "SELECT 1; SELECT 2")).toMatch(/one statement at a time/)
      expect(yield* refusal(store, "DELETE FROM journal.points")).toMatch(/only read/)
      expect(yield* refusal(store, "SELECT * FROM read_text('/etc/passwd')")).toMatch(/`read_text` is not available/)
      expect(yield* refusal(store, "SELECT * FROM '/etc/x.csv'")).toMatch(/no files/)
      expect(yield* refusal(store, "SELECT CAST('a' AS INTEGER)")).toMatch(/Could not convert string 'a'/)
    }))

  const endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE (a.range + b.range) % 7 = 1"
  test(
    "is stopped when it runs too long, and the store continues",
    (store) =>
      Effect.gen(function* () {
        expect(yield* refusal(store, endless)).toMatch(/ran longer than 3s/)
        yield* filled(store)
        expect((yield* store.query("SELECT count(*) FROM metrics", 1)).rows).toEqual([[4]])
      }),
    { queryTimeout: "3 seconds" },
  )

  test("is stopped when its caller goes away, and does not keep commits waiting", (store) =>
    Effect.gen(function* () {
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(store.query(endless, 1)))
      yield* Effect.sleep("100 millis")
      yield* filled(store)
      yield* Fiber.interruptAll(fibers)
      expect((yield* store.query("SELECT count(*) FROM metrics", 1)).rows).toEqual([[4]])
    }))

  test("of many rows reads no more than it shows", (store) =>
    Effect.gen(function* () {
      const found = yield* store.query("SELECT range FROM range(1000000000000)", 5)
      expect(found.rows).toEqual([[0], [1], [2], [3], [4]])
      expect(found.truncated).toBe(true)
    }))
})

describe("docs/schema.md", () => {
  const text = readFileSync(new URL("../../../docs/schema.md", import.meta.url), "utf8")
  const examples = Array.from(text.matchAll(/```sql\n([\s\S]*?)```/g), ([, sql]) => sql!)

  test("has examples that run", (store) =>
    Effect.gen(function* () {
      yield* filled(store)
      expect(examples.length).toBeGreaterThanOrEqual(8)
      for (const sql of examples) {
        const result = yield* Effect.result(store.query(sql, 100))
        expect([sql, result._tag === "Failure" ? result.failure.message : ""]).toEqual([sql, ""])
      }
    }))

  test("names every view and every column, and no other", (store) =>
    Effect.gen(function* () {
      const { rows } = yield* store.query(
        "SELECT table_name, string_agg(column_name, ' ' ORDER BY column_index) FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal AND table_name <> 'schema_version' GROUP BY 1 ORDER BY 1",
        100,
      )
      const documented = Array.from(
        text.matchAll(/^## `(\w+)`\n([\s\S]*?)(?=^## |\n*$(?![\s\S]))/gm),
        ([, view, body]) => [
          view!,
          Array.from(body!.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm), ([, names]) =>
            names!.replaceAll("`", "").replaceAll(", ", " "),
          ).join(" "),
        ],
      )
      expect(documented.sort(([a], [b]) => (a! < b! ? -1 : 1))).toEqual(rows)
    }))
})

describe("exportParquet", () => {
  test("writes files that hold the sweep, readable by anyone", (store, directory) =>
    Effect.gen(function* () {
      yield* filled(store)
      const target = join(directory, "it's", "out")
      const paths = yield* store.exportParquet(sweep, target)
      expect(paths).toEqual(["sweeps", "trials", "metrics", "events"].map((name) => join(target, `${name}.parquet`)))
      // Again, over the files of the first time.
      yield* store.exportParquet(sweep, target)
      const { DuckDBInstance } = yield* Effect.promise(() => import("@duckdb/node-api"))
      const rows = yield* Effect.promise(async () => {
        const instance = await DuckDBInstance.create(":memory:")
        const connection = await instance.connect()
        const found = await connection.runAndReadAll(
          `SELECT trial, metric, step, isnan(value) FROM '${paths[2]!.replaceAll("'", "''")}' ORDER BY ALL`,
        )
        return found.getRows()
      })
      expect(rows).toEqual(
        [1, 2].flatMap((trial) => [
          [trial, "eval/loss", 0, false],
          [trial, "eval/loss", 10, true],
        ]),
      )
    }))

  test("says when the folder cannot be written", (store, directory) =>
    Effect.gen(function* () {
      yield* filled(store)
      const error = yield* Effect.flip(store.exportParquet(sweep, join(directory, "sweep.duckdb", "x")))
      expect(error.message).toMatch(/sweep\.duckdb/)
    }))
})

it.live("a closed store says so", () =>
  Effect.gen(function* () {
    const directory = freshDirectory()
    const store = yield* Effect.scoped(
      Effect.map(Layer.build(layer({ directory })), (context) => context.mapUnsafe.get(Store.key) as Store["Service"]),
    )
    const error = yield* Effect.flip(store.append([created(1)]))
    expect(error).toMatchObject({ _tag: "StoreError", reason: "io" })
  }),
)
