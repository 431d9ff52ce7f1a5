// The `command` trainer: any program, started once per attempt with the argument vector the coordinator sent, never
// through a shell. Owns its variables: SWEEP_* and, for scripts written for W&B sweeps, WANDB_*.
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Slot } from "@sweep/domain/Device"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Attempt } from "./Attempt.ts"
import { newMark, spawnTrainer } from "./spawnTrainer.ts"
import { CouldNotStart, type Trainer } from "./Trainer.ts"
import { trainerEnvironment } from "./trainerEnvironment.ts"

/** The parameters in the form W&B's client reads from WANDB_SWEEP_PARAM_PATH. JSON is YAML. */
const writeWandbParameters = (attempt: Attempt): string => {
  const { parameters = {} } = JSON.parse(readFileSync(attempt.directory.trial, "utf8")) as {
    readonly parameters?: Record<string, unknown>
  }
  const path = join(attempt.directory.path, "wandb-parameters.yaml")
  const entries = Object.entries(parameters).map(([name, value]) => [name, { value }] as const)
  writeFileSync(path, JSON.stringify({ wandb_version: 1, ...Object.fromEntries(entries) }))
  return path
}

const variables = (attempt: Attempt): Record<string, string> => {
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
    WANDB_SWEEP_PARAM_PATH: writeWandbParameters(attempt),
  }
}

export const commandTrainer = (options: {
  readonly slot: Slot
  readonly passEnvironment: ReadonlyArray<string>
}): Trainer => ({
  start: Effect.fn("commandTrainer.start")(function* (attempt, onTree) {
    const [program, ...rest] = attempt.record.command ?? []
    if (program === undefined) {
      return yield* new CouldNotStart({ class: "bug", message: "The sweep names no command to run." })
    }
    const mark = newMark()
    yield* onTree({ pid: 0, startTime: 0, mark })
    const files = yield* Effect.try({
      try: () => ({
        environment: {
          ...trainerEnvironment({ slot: options.slot, mark, extra: options.passEnvironment, pythonPath: null }),
          ...variables(attempt),
        },
        stdout: openSync(attempt.directory.log("stdout"), "a"),
        stderr: openSync(attempt.directory.log("stderr"), "a"),
      }),
      catch: (error) =>
        new CouldNotStart({ class: "bug", message: `Cannot prepare ${attempt.directory.path}: ${String(error)}` }),
    })
    const process = yield* spawnTrainer({
      argv: [program, ...rest],
      cwd: attempt.directory.path,
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
