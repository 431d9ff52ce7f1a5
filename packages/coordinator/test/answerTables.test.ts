// The answer in SQL: the same numbers as in JSON, from the same place, and up to date.
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { answerOf } from "@sweep/diagnosis/answer"
import { answerJson } from "@sweep/diagnosis/answerJson"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { layer as duckdb } from "@sweep/store/DuckdbStore"
import { coordinator } from "./harness.ts"

const loss = { name: "eval/loss", goal: "minimize", summary: "best", target: null } as const
const latency = { ...loss, name: "latency" } as const

const spec = exampleSpec({
  trainer: "external",
  method: "nsga2",
  metrics: [loss, latency],
  outcomes: [{ metric: "memory", comparison: "<=", limit: 20 }],
  space: {
    dimensions: [{ name: "x", distribution: { _tag: "Uniform", min: 0, max: 1 }, when: null, prior: null }],
    derived: [],
    constraints: [],
  },
})

it.live.each([true, false])("a query reads answers and fronts (in a process of its own: %s)", (queryProcess) =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const empty = yield* api.query("SELECT * FROM answers JOIN pareto_front USING (sweep)", 9)
    expect(empty.rows).toEqual([])
    const sweep = yield* api.submit(spec)
    const run = Effect.gen(function* () {
      const asked = yield* api.ask(sweep)
      if (asked._tag !== "Trial") throw new Error(asked._tag)
      const x = Number(asked.parameters["x"])
      const values = { "eval/loss": 1 + (x - 0.3) ** 2, latency: 1 - x, memory: 25 * x }
      yield* api.tell(sweep, asked.trial, { reports: [], end: { _tag: "Finished", values } })
    })
    for (let i = 0; i < 12; i++) yield* run
    const state = yield* api.get(sweep)
    const json = JSON.parse(JSON.stringify(answerJson(answerOf(state, 0)!)))
    const { columns, rows } = yield* api.query("SELECT * FROM answers", 9)
    const row = Object.fromEntries(columns.map(({ name }, i) => [name, rows[0]![i]]))
    expect(rows).toHaveLength(1)
    // What an hour holds depends on the time of asking.
    expect({ ...(row["answer"] as object), cost: null, more: null }).toEqual({ ...json, cost: null, more: null })
    expect(row).toMatchObject({
      sweep,
      trial: json.trial,
      objective: json.objective,
      behind: json.runner_up.behind,
      probability_best_of_all: json.certainty.probability_best_of_all,
      expected_low: json.certainty.expected.low,
      hypervolume: json.pareto.hypervolume,
      feasible: true,
    })
    const front = yield* api.query(
      "SELECT trial, (results->>'latency')::DOUBLE, compromise FROM pareto_front WHERE sweep = (SELECT any_value(sweep) FROM answers)",
      99,
    )
    expect(front.rows).toEqual(
      json.pareto.members.map((member: { trial: number; values: Record<string, number> }) => [
        member.trial,
        member.values["latency"],
        member.trial === json.pareto.compromise,
      ]),
    )
    expect(front.rows.length).toBeGreaterThan(2)
    yield* run
    const after = yield* api.query("SELECT (answer->'cost'->>'trials')::INT FROM answers", 9)
    expect(after.rows).toEqual([[13]])
    // A name of the user's own comes first, as SQL has it.
    expect((yield* api.query("WITH answers AS (SELECT 1 AS a) SELECT a FROM answers", 9)).rows).toEqual([[1]])
    const failed = yield* Effect.flip(api.query("DROP TABLE answers", 9))
    expect(failed.message).toMatch(/queries only read/)
  }).pipe(
    Effect.provide(
      coordinator().pipe(
        Layer.provideMerge(duckdb({ directory: mkdtempSync(join(tmpdir(), "sweep-answers-")), queryProcess })),
      ),
    ),
  ),
)
