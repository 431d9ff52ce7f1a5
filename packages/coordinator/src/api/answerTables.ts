// What a query may read beside the store's views: the answer of each sweep and its Pareto front, which no SQL works out. Owns
// their columns and when they are made: only for a query that names them, and again only when the sweep has changed.
import * as Effect from "effect/Effect"
import { answerOf } from "@sweep/diagnosis/answer"
import { answerJson } from "@sweep/diagnosis/answerJson"
import type { SweepId } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { GivenTable } from "@sweep/store/Store"
import type { State } from "../state/State.ts"

type Row = Readonly<Record<string, unknown>>

const answerColumns = {
  sweep: "VARCHAR",
  metric: "VARCHAR",
  goal: "VARCHAR",
  trial: "BIGINT",
  trials: "JSON",
  objective: "DOUBLE",
  deviation: "DOUBLE",
  failed_runs: "BIGINT",
  parameters: "JSON",
  verdict: "VARCHAR",
  feasible: "BOOLEAN",
  next_parameters: "JSON",
  checkpoint_step: "DOUBLE",
  runner_up_trials: "JSON",
  runner_up_objective: "DOUBLE",
  behind: "DOUBLE",
  level: "VARCHAR",
  probability_best_of_all: "DOUBLE",
  expected_low: "DOUBLE",
  expected_median: "DOUBLE",
  expected_high: "DOUBLE",
  noise: "DOUBLE",
  noise_from: "VARCHAR",
  gain_by_repeating: "DOUBLE",
  hypervolume: "DOUBLE",
  constraints: "JSON",
  answer: "JSON",
} as const

const frontColumns = {
  sweep: "VARCHAR",
  trial: "BIGINT",
  trials: "JSON",
  parameters: "JSON",
  results: "JSON",
  verdict: "VARCHAR",
  compromise: "BOOLEAN",
} as const

interface Rows {
  readonly answers: ReadonlyArray<Row>
  readonly front: ReadonlyArray<Row>
}

const rowsOf = (sweep: SweepState, now: number): Rows => {
  const found = answerOf(sweep, now)
  if (found === null) return { answers: [], front: [] }
  const json = answerJson(found)
  const { certainty, runner_up: runnerUp, pareto } = json
  return {
    answers: [
      {
        sweep: sweep.id,
        metric: json.metric,
        goal: json.goal,
        trial: json.trial,
        trials: json.trials,
        objective: json.objective,
        deviation: json.deviation,
        failed_runs: json.failed_runs,
        parameters: json.parameters,
        verdict: json.verdict,
        feasible: json.feasible,
        next_parameters: json.next.parameters,
        checkpoint_step: json.next.checkpoint_step,
        runner_up_trials: runnerUp?.trials ?? null,
        runner_up_objective: runnerUp?.objective ?? null,
        behind: runnerUp?.behind ?? null,
        level: certainty?.level ?? null,
        probability_best_of_all: certainty?.probability_best_of_all ?? null,
        expected_low: certainty?.expected.low ?? null,
        expected_median: certainty?.expected.median ?? null,
        expected_high: certainty?.expected.high ?? null,
        noise: certainty?.noise.median ?? null,
        noise_from: certainty?.noise.from ?? null,
        gain_by_repeating: json.more?.gain_by_repeating ?? null,
        hypervolume: pareto?.hypervolume ?? null,
        constraints: json.constraints,
        answer: json,
      },
    ],
    front: (pareto?.members ?? []).map((member) => ({
      sweep: sweep.id,
      trial: member.trial,
      trials: member.trials,
      parameters: member.parameters,
      results: member.values,
      verdict: member.verdict,
      compromise: member.trial === pareto!.compromise,
    })),
  }
}

/** The tables that `sql` names, with their rows. */
export const answerTables = (state: State) => {
  const known = new Map<SweepId, { readonly key: string; readonly rows: Rows }>()
  return (sql: string, now: number): Effect.Effect<ReadonlyArray<GivenTable>> =>
    Effect.gen(function* () {
      const answers = /\banswers\b/i.test(sql)
      const front = /\bpareto_front\b/i.test(sql)
      if (!answers && !front) return []
      const all: Array<Rows> = []
      for (const sweep of Array.from(state.sweeps.values())) {
        // What runs costs more from minute to minute, and nothing else of an answer changes by itself.
        const minute = sweep.activeSince === null ? "" : Math.floor(now / 60_000)
        const key = `${sweep.revision}/${state.version(sweep.id)}/${sweep.status}/${minute}`
        let found = known.get(sweep.id)
        if (found?.key !== key) {
          found = { key, rows: rowsOf(sweep, now) }
          known.set(sweep.id, found)
          // An answer takes up to some tenths of a second; agents are heard in between.
          yield* Effect.yieldNow
        }
        all.push(found.rows)
      }
      for (const id of known.keys()) if (!state.sweeps.has(id)) known.delete(id)
      return [
        ...(answers ? [{ name: "answers", columns: answerColumns, rows: all.flatMap((rows) => rows.answers) }] : []),
        ...(front ? [{ name: "pareto_front", columns: frontColumns, rows: all.flatMap((rows) => rows.front) }] : []),
      ]
    })
}
