// What another tool has recorded becomes a sweep: its trials with their parameters and curves, told to a sweep with an
// external trainer. Owns that sweep's file; reading other tools' files is the SDK's (sweep_sdk.history).
import { spawnSync } from "node:child_process"
import { basename, join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { stringify } from "yaml"
import { ParameterValue, parameterNamePattern } from "@sweep/domain/Parameter"
import { nearestName } from "@sweep/domain/nearestName"
import { metricNumber, Values } from "@sweep/domain/TrialEvent"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { loadSweep } from "@sweep/sweepfile/loadSweep"
import { renderProblems } from "@sweep/sweepfile/renderProblems"
import { badInput } from "../exitCodes.ts"
import { trainerPython } from "./trainerPython.ts"

const History = Schema.Struct({
  source: Schema.String,
  goal: Schema.Literals(["minimize", "maximize"]),
  trials: Schema.Array(
    Schema.Struct({
      parameters: Schema.Record(Schema.String, ParameterValue),
      failed: Schema.Boolean,
      reports: Schema.Array(Schema.Struct({ step: Schema.Finite, values: Values })),
      values: Values,
    }),
  ),
})
type History = typeof History.Type
type Parameters = History["trials"][number]["parameters"]

const mostBytes = 512 * 1024 * 1024
/** Reports in one message. */
const reportsAtOnce = 2_000

const readHistory = Effect.fnUntraced(function* (path: string, sdk: string) {
  const done = spawnSync(trainerPython(), ["-m", "sweep_sdk.history", path], {
    encoding: "utf8",
    maxBuffer: mostBytes,
    env: { ...process.env, PYTHONPATH: sdk },
  })
  if (done.error !== undefined) return yield* badInput(`cannot start ${trainerPython()}: ${done.error.message}`)
  if (done.status !== 0) return yield* badInput(done.stderr.trim().split("\n").at(-1) ?? `${path} cannot be read`)
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(History))(done.stdout).pipe(
    Effect.mapError((error) => badInput(`${path}: ${error.message.replace(/\s+/g, " ").slice(0, 300)}`)),
  )
})

/** Names as a sweep allows them; a name that is a group of another gets a `_`. */
const named = (trials: History["trials"]): ReadonlyArray<Parameters> => {
  const clean = (name: string) =>
    parameterNamePattern.test(name) ? name.replace(/\.+$|\.(?=\.)/g, "") : `_${name}`.replace(/[^A-Za-z0-9_.-]/g, "_")
  const all = new Set(trials.flatMap(({ parameters }) => Object.keys(parameters).map(clean)))
  const isGroup = (name: string) => Array.from(all).some((other) => other.startsWith(`${name}.`))
  const final = new Map(Array.from(all, (name) => [name, isGroup(name) ? `${name}_` : name]))
  return trials.map(({ parameters }) =>
    Object.fromEntries(Object.entries(parameters).map(([name, value]) => [final.get(clean(name))!, value])),
  )
}

/** Constants stay constants; numbers become the range they lie in, everything else the list of what there was. */
const spaceOf = (sets: ReadonlyArray<Parameters>) => {
  const names = new Set(sets.flatMap((set) => Object.keys(set)))
  const space = Array.from(names, (name) => {
    const values = Array.from(new Set(sets.map((set) => (name in set ? set[name]! : null))))
    if (values.length === 1) return [name, { value: values[0] }] as const
    const numbers = values.filter((value) => typeof value === "number")
    if (numbers.length < values.length) return [name, { values }] as const
    const [min, max] = [Math.min(...numbers), Math.max(...numbers)]
    if (numbers.every(Number.isInteger)) return [name, { distribution: "int_uniform", min, max }] as const
    const distribution = min > 0 && max / min > 10 ? "log_uniform_values" : "uniform"
    return [name, { distribution, min, max }] as const
  })
  return Object.fromEntries(space.length > 0 ? space : [["imported", { value: true }]])
}

export const importHistory = Effect.fn("importHistory")(function* (options: {
  readonly path: string
  readonly name: string | undefined
  readonly metric: string | undefined
  readonly goal: "minimize" | "maximize" | undefined
  readonly sdk: string
  readonly workDirectory: string
}) {
  const { path, source, trials, goal } = {
    path: options.path,
    ...(yield* readHistory(resolve(options.path), options.sdk)),
  }
  const reported = trials.filter((trial) => !trial.failed)
  if (trials.length === 0) return yield* badInput(`${path}: it holds no trial that has ended (${source})`)
  const arrived = new Set(
    trials.flatMap(({ reports, values }) => [
      ...reports.flatMap((one) => Object.keys(one.values)),
      ...Object.keys(values),
    ]),
  )
  const metric =
    options.metric ??
    ["value", "eval/loss", "val_loss", "val/loss", "loss", "train/loss"].find((name) => arrived.has(name))
  if (metric === undefined || !arrived.has(metric)) {
    const near = metric === undefined ? undefined : nearestName(metric, arrived)
    return yield* badInput(
      `${path}: ${metric === undefined ? "say with --metric which value is the objective" : `no trial reported \`${metric}\``}; there are ${Array.from(arrived).sort().slice(0, 20).join(", ") || "none"}${near === undefined ? "" : `. Did you mean ${near}?`}`,
    )
  }
  const sets = named(trials)
  const space = spaceOf(sets)
  const searched = Object.entries(space).filter(([, one]) => !("value" in (one as object)))
  const text = stringify({
    name: options.name ?? basename(resolve(path)).replace(/\.\w+$/, ""),
    description: `Imported from ${source}: ${trials.length} trials`,
    trainer: "external",
    metric: { name: metric, goal: options.goal ?? goal },
    method: "random",
    parameters: space,
    budget: { trials: trials.length },
    ...(searched.length > 0
      ? { enqueue: sets.map((set) => Object.fromEntries(searched.map(([name]) => [name, set[name] ?? null]))) }
      : {}),
  })
  const file = join(options.workDirectory, "import.yaml")
  const { spec } = yield* loadSweep(text, {
    path: "import.yaml",
    absolutePath: file,
    workDirectory: options.workDirectory,
  }).pipe(Effect.catchTag("SpecErrors", (error) => Effect.fail(badInput(renderProblems(error.problems, error.text)))))
  const api = yield* SweepApi
  const id = yield* api.submit(spec)
  let left = 0
  for (const trial of trials) {
    const asked = yield* api.ask(id)
    if (asked._tag !== "Trial")
      return yield* badInput(`${id}: it gives no more trials after ${left} of ${trials.length}`)
    left++
    const numbers = (values: typeof Values.Type) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, metricNumber(value)]))
    const reports = trial.reports.map(({ step, values }) => ({ step, values: numbers(values) }))
    for (let at = 0; at < reports.length; at += reportsAtOnce) {
      yield* api.tell(id, asked.trial, { reports: reports.slice(at, at + reportsAtOnce), end: null })
    }
    const values = numbers(trial.values)
    const has = metric in values || reports.some((one) => metric in one.values)
    const end = trial.failed
      ? ({ _tag: "Failed", class: "bug", message: `it had failed in ${source}` } as const)
      : has
        ? ({ _tag: "Finished", values } as const)
        : ({ _tag: "Failed", class: "unreported", message: `it has no \`${metric}\` in ${source}` } as const)
    yield* api.tell(id, asked.trial, { reports: [], end })
  }
  return { sweep: id, source, trials: trials.length, failed: trials.length - reported.length, metric }
})
