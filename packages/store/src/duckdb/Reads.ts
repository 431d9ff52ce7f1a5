// The questions the program asks of the journal, answered in SQL so that millions of points never pass through
// JavaScript. Each has the same answer as the layer in memory, which the contract suite checks.
import type { DuckDBListValue, DuckDBValue } from "@duckdb/node-api"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type CurveFeatures, evalLoss, evalSamples, lossNames } from "@sweep/domain/Curve"
import { Fact, isOlderFact } from "@sweep/domain/Fact"
import type { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { TrialDetails } from "@sweep/domain/SweepResults"
import type { TrialEvent, TrialEventOf } from "@sweep/domain/TrialEvent"
import { StoredReason } from "@sweep/domain/Reason"
import type { Database } from "./Database.ts"
import { runsOf } from "../downsample.ts"
import { logSlice } from "../logSlice.ts"
import { defaultMaxPoints, type Store, StoreError } from "../Store.ts"
import { storeFailure } from "./storeFailure.ts"

type Reads = Pick<
  Store["Service"],
  "facts" | "curves" | "times" | "lastValues" | "features" | "details" | "attempts" | "countPoints" | "log"
>

/** As SQL text: a sweep's id, a trial's number and an epoch need no escaping, other text does. */
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

const listed = (values: ReadonlyArray<string | number>): string =>
  `(${values.map((value) => (typeof value === "number" ? String(value) : text(value))).join(", ")})`

/** `column IN …`; true of everything when there is no list, of nothing when it is empty. */
const among = (column: string, values: ReadonlyArray<string | number> | undefined): string =>
  values === undefined ? "true" : values.length === 0 ? "false" : `${column} IN ${listed(values)}`

const numbers = (value: DuckDBValue | undefined): ReadonlyArray<number> =>
  value == null ? [] : (value as DuckDBListValue).items.map(Number)
const nullable = (value: DuckDBValue | undefined): number | null => (value == null ? null : Number(value))

/** Points of some trials and metrics, of every step the newest attempt's: what the view `curves` is, by numbers. */
const points = (sweep: SweepId, trials: ReadonlyArray<TrialNumber> | undefined, metrics: string): string => `
  SELECT a.trial, p.metric, p.step, arg_max(p.value, (p.epoch::BIGINT << 32) | p.seq) AS value
  FROM journal.points p JOIN journal.attempts a ON a.epoch = p.epoch
  WHERE a.sweep = ${text(sweep)} AND ${among("a.trial", trials)} AND ${metrics}
  GROUP BY a.trial, p.metric, p.step`

const metricIds = (names: ReadonlyArray<string> | undefined): string =>
  names === undefined ? "true" : `p.metric IN (SELECT id FROM journal.metric_names WHERE ${among("name", names)})`

/** NaN is greater than everything to DuckDB: these leave it out unless nothing else is there. */
const lowest = "coalesce(min(value) FILTER (WHERE NOT isnan(value)), 'nan'::DOUBLE)"
const highest = "coalesce(max(value) FILTER (WHERE NOT isnan(value)), 'nan'::DOUBLE)"

const curvesSql = (
  sweep: SweepId,
  trials: ReadonlyArray<TrialNumber> | undefined,
  metrics: ReadonlyArray<string> | undefined,
  maxPoints: number,
): string => `
  WITH points AS (${points(sweep, trials, metricIds(metrics))}),
  counted AS (
    SELECT *, row_number() OVER (PARTITION BY trial, metric ORDER BY step) - 1 AS i,
      count(*) OVER (PARTITION BY trial, metric) AS n
    FROM points
  ), runs AS (
    SELECT trial, metric, n, min(i) AS first, max(i) AS last,
      unnest(CASE WHEN n <= ${Math.max(4, maxPoints)}
        THEN list({'i': i, 'step': step, 'value': value})
        ELSE list_distinct([
          arg_min({'i': i, 'step': step, 'value': value}, i) FILTER (WHERE i = 0),
          arg_max({'i': i, 'step': step, 'value': value}, i) FILTER (WHERE i = n - 1),
          coalesce(arg_min({'i': i, 'step': step, 'value': value}, {'v': value, 'i': i}) FILTER (WHERE NOT isnan(value)),
            arg_min({'i': i, 'step': step, 'value': value}, i)),
          coalesce(arg_min({'i': i, 'step': step, 'value': value}, {'v': -value, 'i': i}) FILTER (WHERE NOT isnan(value)),
            arg_min({'i': i, 'step': step, 'value': value}, i))
        ]) END) AS point
    FROM counted
    GROUP BY trial, metric, n, CASE WHEN n <= ${Math.max(4, maxPoints)} THEN 0 ELSE i * ${runsOf(maxPoints)} // n END
  )
  SELECT r.trial, m.name AS metric, list(r.point.step ORDER BY r.point.i) AS steps, list(r.point.value ORDER BY r.point.i) AS values
  FROM runs r JOIN journal.metric_names m ON m.id = r.metric
  GROUP BY r.trial, m.name ORDER BY r.trial, m.name`

/** What `curveFeatures` computes, for all of a sweep's trials in one statement. */
const featuresSql = (sweep: SweepId, trials: ReadonlyArray<TrialNumber> | undefined, metric: string): string => {
  const { evals, train, isEvalLoss } = lossNames(metric)
  const rank = [...evals, ...train].map((name, i) => `WHEN ${text(name)} THEN ${i}`).join(" ")
  return `
  WITH points AS (
    SELECT c.trial, c.step, c.value,
      CASE WHEN ${among("m.name", evals)} THEN 'eval' WHEN ${among("m.name", train)} THEN 'train'
        WHEN m.name = ${text(evalSamples)} THEN 'samples' ELSE 'metric' END AS role
    FROM (${points(sweep, trials, metricIds([...evals, ...train, evalSamples, metric]))}) c
    JOIN journal.metric_names m ON m.id = c.metric
    -- Of the names that stand for a loss, the first that the trial reported.
    QUALIFY CASE m.name ${rank} ELSE 0 END = min(CASE m.name ${rank} ELSE 0 END) OVER (PARTITION BY c.trial, role)
  ), evals AS (
    SELECT trial, step, value FROM points WHERE role = 'eval' AND isfinite(value)
  ), trained AS (
    SELECT e.trial, e.step, avg(t.value) AS train
    FROM (SELECT * FROM points WHERE role = 'train' AND isfinite(value)) t
    ASOF JOIN evals e ON e.trial = t.trial AND t.step <= e.step
    GROUP BY e.trial, e.step
  ), joined AS (
    SELECT e.*, last_value(t.train IGNORE NULLS) OVER (PARTITION BY e.trial ORDER BY e.step) AS train
    FROM evals e LEFT JOIN trained t ON t.trial = e.trial AND t.step = e.step
  ), measured AS (
    SELECT trial, list(step ORDER BY step) AS steps, list(value ORDER BY step) AS evals, list(train ORDER BY step) AS train
    FROM joined GROUP BY trial
  ), ranked AS (
    SELECT trial,
      list(step ORDER BY step) FILTER (WHERE ${isEvalLoss ? "false" : "role = 'metric'"}) AS metric_steps,
      list(value ORDER BY step) FILTER (WHERE ${isEvalLoss ? "false" : "role = 'metric'"}) AS metric_values,
      arg_max(value, step) FILTER (WHERE role = 'samples') AS eval_samples
    FROM points WHERE isfinite(value) GROUP BY trial
  )
  SELECT p.trial, p.non_finite_step, m.* EXCLUDE (trial), r.* EXCLUDE (trial)
  FROM (
    SELECT trial, min(step) FILTER (WHERE NOT isfinite(value) AND role IN ('eval', 'train')) AS non_finite_step
    FROM points GROUP BY trial HAVING bool_or(role <> 'samples')
  ) p LEFT JOIN measured m ON m.trial = p.trial LEFT JOIN ranked r ON r.trial = p.trial ORDER BY p.trial`
}

/** Facts that hold instances of classes, and those of older versions; the others are what they are in JSON. */
const decodeFact = Schema.decodeUnknownSync(Fact)
const known: ReadonlySet<string> = new Set(Object.keys(Fact.cases))
const classes = new Set(["SweepSubmitted", "SweepExtended", "VerdictReached"])
const factOf = (body: string): Fact => {
  const fact = JSON.parse(body) as Fact
  return known.has(fact._tag) && !classes.has(fact._tag) && !isOlderFact(fact) ? fact : decodeFact(fact)
}

const storedReason = Schema.decodeUnknownSync(StoredReason)

const unreadableFact = (file: string, seq: unknown, body: string): StoreError =>
  new StoreError({
    reason: "version",
    message: `${file} holds a fact that this sweep cannot read (number ${String(seq)}, ${/"_tag":"(\w+)"/.exec(body)?.[1] ?? "of no kind"}): it was written by another version of sweep; update sweep.`,
  })

export const make = ({ file, reading, rows }: Database): Reads => ({
  facts: reading(
    async (connection) => {
      const facts: Array<Fact> = []
      const result = await connection.stream("SELECT body, seq FROM journal.facts ORDER BY seq")
      for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0;) {
        const seqs = chunk.getColumnValues(1)
        for (const [i, body] of chunk.getColumnValues(0).entries()) {
          try {
            facts.push(factOf(String(body)))
          } catch {
            throw unreadableFact(file, seqs[i], String(body))
          }
        }
        chunk = await result.fetchChunk()
      }
      return facts
    },
    (cause) => storeFailure(file, cause),
  ),

  curves: (sweep, { trials, metrics, maxPoints = defaultMaxPoints }) =>
    rows(curvesSql(sweep, trials, metrics, maxPoints)).pipe(
      Effect.map((found) =>
        found.map((row) => {
          const values = numbers(row["values"])
          return {
            trial: row["trial"] as TrialNumber,
            metric: String(row["metric"]),
            points: numbers(row["steps"]).map((step, i) => ({ step, value: values[i]! })),
          }
        }),
      ),
    ),

  times: (sweep, metric) =>
    rows(`
      SELECT trial, list(step ORDER BY step) AS steps, list(reported ORDER BY step) AS times FROM (
        SELECT a.trial, p.step, arg_max(p.at_ms, (p.epoch::BIGINT << 32) | p.seq) AS reported
        FROM journal.points p JOIN journal.attempts a ON a.epoch = p.epoch
        WHERE a.sweep = ${text(sweep)} AND ${metricIds([metric])}
        GROUP BY a.trial, p.step
      ) GROUP BY trial ORDER BY trial`).pipe(
      Effect.map((found) =>
        found.map((row) => {
          const times = numbers(row["times"])
          return {
            trial: row["trial"] as TrialNumber,
            steps: new Map(numbers(row["steps"]).map((step, i) => [step, times[i]!])),
          }
        }),
      ),
    ),

  lastValues: (sweep, trials) =>
    rows(`
      SELECT trial, m.name AS metric, max(step) AS step, arg_max(value, step) AS last, ${lowest} AS min, ${highest} AS max
      FROM (${points(sweep, trials, "true")}) c JOIN journal.metric_names m ON m.id = c.metric
      GROUP BY trial, m.name ORDER BY trial, m.name`).pipe(
      Effect.map((found) =>
        found.map((row) => ({
          trial: row["trial"] as TrialNumber,
          metric: String(row["metric"]),
          step: Number(row["step"]),
          last: Number(row["last"]),
          min: Number(row["min"]),
          max: Number(row["max"]),
        })),
      ),
    ),

  features: (sweep, trials, metric = evalLoss) =>
    rows(featuresSql(sweep, trials, metric)).pipe(
      Effect.map((found) =>
        found.map((row): CurveFeatures => ({
          sweep,
          trial: row["trial"] as TrialNumber,
          steps: numbers(row["steps"]),
          evals: numbers(row["evals"]),
          train: row["train"] == null ? [] : (row["train"] as DuckDBListValue).items.map(nullable),
          nonFiniteStep: nullable(row["non_finite_step"]),
          metricSteps: numbers(row["metric_steps"]),
          metricValues: numbers(row["metric_values"]),
          evalSamples: nullable(row["eval_samples"]),
        })),
      ),
    ),

  details: (sweep) =>
    rows(`
      SELECT a.trial, e.body FROM journal.events e JOIN journal.attempts a ON a.epoch = e.epoch
      WHERE a.sweep = ${text(sweep)} AND e.type IN ('started', 'memory', 'finished', 'post', 'sample')
      QUALIFY row_number() OVER (PARTITION BY a.trial, e.type, e.body->>'probe' ORDER BY e.epoch DESC, e.seq DESC) = 1
        AND (e.type <> 'sample' OR e.epoch = max(e.epoch) FILTER (WHERE e.type = 'sample') OVER (PARTITION BY a.trial))
      ORDER BY a.trial, (e.body->>'probe')::INTEGER`).pipe(
      Effect.map((found) => {
        const byTrial = Map.groupBy(found, (row) => row["trial"] as TrialNumber)
        return Array.from(byTrial, ([trial, ofTrial]): TrialDetails => {
          const events = ofTrial.map((row) => JSON.parse(String(row["body"])) as TrialEvent)
          const only = <T extends TrialEvent["type"]>(type: T) =>
            (events.find((event) => event.type === type) as TrialEventOf<T> | undefined) ?? null
          return {
            trial,
            started: only("started"),
            memory: only("memory"),
            finished: only("finished"),
            post: only("post"),
            samples: events.filter((event) => event.type === "sample"),
          }
        })
      }),
    ),

  attempts: (sweep) =>
    rows(`
      SELECT trial, attempt, agent, epoch_ms(assigned_at) AS assigned, epoch_ms(ended_at) AS ended, outcome, cause
      FROM attempts WHERE sweep = ${text(sweep)} ORDER BY trial, assigned_at, epoch`).pipe(
      Effect.map((found) =>
        found.map((row) => ({
          trial: row["trial"] as TrialNumber,
          attempt: Number(row["attempt"]),
          agent: row["agent"] as AgentId,
          assignedAt: Number(row["assigned"]),
          endedAt: nullable(row["ended"]),
          end: row["outcome"] == null ? null : row["cause"] == null ? String(row["outcome"]) : "released",
          cause: row["cause"] == null ? null : storedReason(JSON.parse(String(row["cause"]))),
        })),
      ),
    ),

  countPoints: (sweep) =>
    rows(`
      SELECT count(*) AS points FROM journal.points
      WHERE epoch IN (SELECT epoch FROM journal.attempts WHERE sweep = ${text(sweep)})`).pipe(
      Effect.map(([counted]) => Number(counted!["points"])),
    ),

  log: Effect.fnUntraced(function* (sweep, trial, stream, from, limit) {
    const [newest] = yield* rows(`
      SELECT max(epoch) AS epoch FROM journal.output
      WHERE epoch IN (SELECT epoch FROM journal.attempts WHERE sweep = ${text(sweep)} AND trial = ${trial})`)
    const epoch = newest?.["epoch"] as Epoch | null
    if (epoch === null) return { epoch, text: "", end: 0 }
    const offset = from.epoch === null || from.epoch === epoch ? from.offset : 0
    const chunks = yield* rows(`
      SELECT "offset", "end", text FROM journal.output
      WHERE epoch = ${epoch} AND stream = '${stream}' AND "end" > ${offset} AND "offset" < ${offset + Math.max(0, limit)}
      ORDER BY "offset"`)
    const parts = chunks.map((row) => ({
      offset: Number(row["offset"]),
      end: Number(row["end"]),
      text: String(row["text"]),
    }))
    return { epoch, ...logSlice(parts, offset, limit) }
  }),
})
