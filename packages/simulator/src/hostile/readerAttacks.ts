// What an authorised reader tries: to write, to reach files, and to take time, memory and turns from the fleet.
import { said } from "@sweep/domain/Reason"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { apiOf, type Attack, type Call, refused, refusedCall } from "./attack.ts"

const attack = (what: string, run: Attack["run"]): Attack => ({ who: "reader", what, run })

const asks = (what: string, sql: string, limit = 10) =>
  attack(
    what,
    refusedCall("eve", (api) => api.query(sql, limit)),
  )

/** Many at once, for a few seconds. That it costs the fleet nothing is what its latency says. */
const burdens = (
  what: string,
  count: number,
  call: (
    api: Effect.Success<ReturnType<typeof apiOf>>,
    stage: Parameters<Attack["run"]>[0],
  ) => Effect.Effect<unknown, unknown>,
) =>
  attack(what, (stage) =>
    Effect.gen(function* () {
      const api = yield* apiOf(stage, "eve")
      yield* Effect.forEach(
        Array.from({ length: count }),
        () => Effect.ignore(Effect.timeoutOption(call(api, stage), "5 seconds")),
        { concurrency: "unbounded", discard: true },
      )
      const began = performance.now()
      yield* stage.owner.status
      const millis = performance.now() - began
      return millis < 5_000 ? null : `the coordinator answered after ${Math.round(millis)} ms`
    }),
  )

const writes = (what: string, call: Call) => attack(what, refusedCall("eve", call, /has the role read/))

const endless =
  "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c WHERE a.range + b.range + c.range < 0"

export const readerAttacks: ReadonlyArray<Attack> = [
  burdens("runs six cross joins without end", 6, (api) => api.query(endless, 1)),
  burdens("runs a recursion without end", 2, (api) =>
    api.query("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t", 1),
  ),
  asks("takes all memory with one list", "SELECT list(range) FROM range(2000000000)"),
  asks("takes all memory with an aggregate", "SELECT string_agg(repeat('x', 100000), '') FROM range(1000000)"),
  asks("asks for a gigabyte of rows", "SELECT repeat('x', 1000) FROM range(1000000)", 1_000_000),
  asks("asks for 2^32 - 1 rows", "SELECT 1", 4_294_967_295),
  asks("reads a file of the machine", "SELECT * FROM read_text('/etc/passwd')"),
  asks("reads a file by its name alone", "SELECT * FROM '/etc/passwd'"),
  asks("reads the tokens", "SELECT * FROM read_json_auto('tls/tokens.json')"),
  asks("lists folders", "SELECT * FROM glob('/*')"),
  asks("writes a file", "COPY (SELECT 1) TO '/tmp/evil.csv'"),
  asks("attaches another database", "ATTACH '/tmp/evil.duckdb' AS evil"),
  asks("installs an extension", "INSTALL httpfs"),
  asks("loads an extension", "LOAD httpfs"),
  asks("changes a setting", "SET memory_limit = '100GB'"),
  asks("writes with SQL", "DELETE FROM journal.facts"),
  asks("writes behind a query", "SELECT 1; DELETE FROM journal.facts"),
  asks("writes within a query", "WITH x AS (DELETE FROM journal.facts RETURNING *) SELECT * FROM x"),
  asks("checkpoints", "CHECKPOINT"),
  burdens("downloads the database ten times at once", 10, (api) => Stream.runDrain(api.backup)),
  burdens("asks for all results thirty times at once", 30, (api, { finished: { sweep } }) =>
    api.results(sweep, { maxPoints: 4_000_000_000 }),
  ),
  burdens("exports twenty times at once", 20, (api, { finished: { sweep } }) =>
    Stream.runDrain(api.exportParquet(sweep)),
  ),
  burdens("watches 60 times and does not read", 60, (api, { finished: { sweep } }) =>
    Stream.runForEach(api.watch(sweep), () => Effect.never),
  ),
  burdens("follows logs 60 times", 60, (api, { finished: { sweep, trial } }) =>
    Stream.runDrain(api.logs(sweep, trial, { stream: "stdout", follow: true })),
  ),
  writes("stops a sweep", (api, { finished: { sweep } }) => api.control(sweep, null, "stop", said("evil"))),
  writes("removes a sweep", (api, { finished: { sweep } }) => api.remove(sweep, { preview: false })),
  attack("fetches a file outside of what is kept", (stage) =>
    Effect.gen(function* () {
      const api = yield* apiOf(stage, "eve")
      const { sweep, trial, epoch } = stage.finished
      return yield* refused(
        Stream.runDrain(api.fetchArtifact(sweep, { trial, epoch, path: "../../../tls/tokens.json" as never }, 0)),
      )
    }),
  ),
]
