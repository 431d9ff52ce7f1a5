// The `command` trainer: any program, started once per attempt with the argument vector the coordinator sent, never
// through a shell. Owns filling in its macros and its variables: SWEEP_* and, for scripts written for W&B sweeps, WANDB_*.
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { argumentsJson, expandCommand, usesArgumentsFile } from "@sweep/domain/Command"
import type { Slot } from "@sweep/domain/Device"
import { Parameters } from "@sweep/domain/Parameter"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Attempt } from "../attempt/Attempt.ts"
import { newMark, spawnTrainer } from "./spawnTrainer.ts"
import { CouldNotStart, type Trainer } from "./Trainer.ts"
import { namedSecrets, passedSecrets, trainerEnvironment } from "../process/trainerEnvironment.ts"

const TrialParameters = Schema.fromJsonString(
  Schema.Struct({
    parameters: Parameters,
    groups: Schema.optionalKey(Schema.Array(Schema.String)),
    stand_ins: Schema.optionalKey(Schema.Boolean),
    metrics_from: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
    working_directory: Schema.optionalKey(Schema.String),
  }),
)
const decodeTrial = Schema.decodeUnknownSync(TrialParameters)

const write = (attempt: Attempt, name: string, text: string): string => {
  const path = join(attempt.directory.path, name)
  writeFileSync(path, text)
  return path
}

/** The parameters in the form W&B's client reads from WANDB_SWEEP_PARAM_PATH. JSON is YAML. */
const wandbParameters = (parameters: Parameters): string =>
  JSON.stringify({
    wandb_version: 1,
    ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, { value }])),
  })

const variables = (attempt: Attempt, parameters: Parameters): Record<string, string> => {
  const { directory, record } = attempt
  return {
    SWEEP_ID: record.sweep,
    SWEEP_TRIAL: String(record.trial),
    SWEEP_ATTEMPT: String(record.attempt),
    SWEEP_EPOCH: String(record.epoch),
    SWEEP_DIRECTORY: directory.path,
    SWEEP_CONFIG: directory.trial,
    SWEEP_EVENTS: directory.events,
    SWEEP_CONTROL: directory.control,
    WANDB_SWEEP_ID: record.sweep,
    WANDB_RUN_ID: `${record.sweep}-${record.trial}`,
    WANDB_SWEEP_PARAM_PATH: write(attempt, "wandb-parameters.yaml", wandbParameters(parameters)),
  }
}

const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Where Python finds the SDK (`import sweep`), and before it what stands in for `wandb` and listens to other libraries. */
const sdkPath = (sdk: string, standIns: boolean): string => (standIns ? `${sdk}/sweep_sdk/standins:${sdk}` : sdk)

export const commandTrainer = (options: {
  /** The directory that contains the Python package `sweep_sdk`; `null`: scripts bring their own. */
  readonly sdk: string | null
  /** The interpreter that reads metrics of programs which report none themselves. */
  readonly python: string
  readonly slot: Slot
  readonly passEnvironment: ReadonlyArray<string>
  readonly withheld: ReadonlyArray<string>
}): Trainer => ({
  start: Effect.fn("commandTrainer.start")(function* (attempt, onTree) {
    const mark = newMark()
    yield* onTree({ pid: 0, startTime: 0, mark })
    const files = yield* Effect.try({
      try: () => {
        const trial = decodeTrial(readFileSync(attempt.directory.trial, "utf8"))
        const { parameters, groups = [], stand_ins: standIns = true, working_directory: wanted } = trial
        const allowed = trainerEnvironment({
          slot: options.slot,
          mark,
          extra: options.passEnvironment,
          secrets: passedSecrets(namedSecrets(attempt.directory.trial), options.withheld),
          pythonPath: options.sdk === null ? null : sdkPath(options.sdk, standIns),
        })
        const command = attempt.record.command ?? []
        const argumentsFile = usesArgumentsFile(command)
          ? write(attempt, "arguments.json", argumentsJson(parameters, groups))
          : ""
        const own = variables(attempt, parameters)
        // A program of the user's finds its data by relative paths.
        const cwd = wanted !== undefined && isFolder(wanted) ? wanted : attempt.directory.path
        const reader = trial.metrics_from === undefined ? [] : [options.python, "-m", "sweep_sdk.watch"]
        return {
          cwd,
          // `${envvar:NAME}` sees what the program itself will see: it cannot be used to carry the agent's secrets off.
          argv: [
            ...reader,
            ...expandCommand(command, {
              parameters,
              groups,
              program: null,
              argumentsFile,
              environment: { ...allowed, ...own },
            }),
          ],
          environment: { ...allowed, ...own },
          stdout: openSync(attempt.directory.log("stdout"), "a"),
          stderr: openSync(attempt.directory.log("stderr"), "a"),
        }
      },
      catch: (error) =>
        new CouldNotStart({ class: "bug", message: `Cannot prepare ${attempt.directory.path}: ${String(error)}` }),
    })
    const process = yield* spawnTrainer({
      argv: files.argv,
      cwd: files.cwd,
      environment: files.environment,
      stdio: ["ignore", files.stdout, files.stderr],
      mark,
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          closeSync(files.stdout)
          closeSync(files.stderr)
        }),
      ),
    )
    yield* onTree(process.tree)
    return { tree: process.tree, over: Deferred.await(process.exited) }
  }),
})
