// The tools of `sweep mcp`: names, parameters and the words by which a model chooses among them. Owns these contracts;
// what the tools do is handlers.ts'. What comes back is the JSON of the command of the same name with `--json`.
import * as Schema from "effect/Schema"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"

const Answer = Schema.Record(Schema.String, Schema.Unknown)
/** What a user would read; nothing was done then. */
export const Failed = Schema.Struct({ error: Schema.String })

const file = Schema.String.annotate({
  description: "Path of a sweep file (YAML), absolute or relative to the folder that the server was started in",
})
const sweep = Schema.String.annotate({ description: "The sweep's id, as `run` and `list` return it" })

const reading = <Name extends string, Fields extends Schema.Struct.Fields>(
  name: Name,
  description: string,
  fields: Fields,
) =>
  Tool.make(name, {
    description,
    parameters: Schema.Struct(fields),
    success: Answer,
    failure: Failed,
    failureMode: "return",
  })
    .annotate(Tool.Readonly, true)
    .annotate(Tool.Destructive, false)

const check = reading(
  "check",
  "Check a sweep file before it costs anything: what it means, how many trials, the first parameters, how much memory. Nothing is run. Call this before `run`.",
  { file },
)
const run = Tool.make("run", {
  description:
    "Start the sweep of a checked file and return its id at once; it needs a budget or a finite grid. Trials run on the agents of the coordinator, or on this machine where there is none. Then call `watch`.",
  parameters: Schema.Struct({ file }),
  success: Answer,
  failure: Failed,
  failureMode: "return",
}).annotate(Tool.Destructive, false)
const list = Tool.make("list", {
  description: "The sweeps so far, the newest first: id, status, trials by state.",
  parameters: Tool.EmptyParams,
  success: Answer,
  failure: Failed,
  failureMode: "return",
})
  .annotate(Tool.Readonly, true)
  .annotate(Tool.Destructive, false)
const watch = reading(
  "watch",
  "Wait until the sweep ends, or for wait_seconds, and return where it is: trials by state, verdicts, the best so far, budget used, progress of running trials. Call it again while status is 'running'.",
  {
    sweep,
    wait_seconds: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_600 })).annotate({
        description: "At most this long; 45 unless given. Many clients give a call 60 seconds",
      }),
    ),
  },
)
const best = reading(
  "best",
  "The answer: the best configuration, how sure it is the best, what to run next, and a sweep file of this one trial that runs as it is.",
  { sweep },
)
const report = reading(
  "report",
  "Write the report, one HTML file for people, and return its path with every trial's verdict, evidence and advice.",
  { sweep },
)
const query = reading(
  "query",
  "Ask the database with one SQL statement that reads (DuckDB). Views: sweeps, trials, metrics, verdicts, agents, attempts; `DESCRIBE trials` says the columns.",
  {
    sql: Schema.String,
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })).annotate({
        description: "Rows at most; 100 unless given",
      }),
    ),
  },
)
const stop = Tool.make("stop", {
  description: "End a sweep: running trials save what they have, no more are started.",
  parameters: Schema.Struct({
    sweep,
    reason: Schema.optionalKey(Schema.String.annotate({ description: "Why, for those who read it later" })),
  }),
  success: Answer,
  failure: Failed,
  failureMode: "return",
}).annotate(Tool.Destructive, true)

export const reads = Toolkit.make(check, list, watch, best, report, query)
export const everything = Toolkit.make(check, list, watch, best, report, query, run, stop)
