import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as flags from "../../flags.ts"
import { printJson, printLines } from "../../output.ts"
import { explainApi, withApi } from "../../serving/access.ts"

const name = Flag.String("name").pipe(Flag.withDescription("The sweep's name; without it, the file's"), Flag.optional)
const metric = Flag.String("metric").pipe(
  Flag.withMetavar("NAME"),
  Flag.withDescription("Which value is the objective; without it eval/loss or what comes nearest to it"),
  Flag.optional,
)
const goal = Flag.Literals("goal", ["minimize", "maximize"]).pipe(
  Flag.withDescription("Whether it is minimized or maximized; without it, what an Optuna study says, else minimize"),
  Flag.optional,
)

export const importCommand = Command.make(
  "import",
  {
    path: Argument.String("PATH").pipe(Argument.withDescription("A folder or database of another tool")),
    name,
    metric,
    goal,
    coordinator: flags.coordinator,
    json: flags.json,
  },
  ({ path, coordinator, json, ...given }) =>
    Effect.gen(function* () {
      const { importHistory } = yield* Effect.promise(() => import("../../running/importHistory.ts"))
      const { programRoot } = yield* Effect.promise(() => import("../../programRoot.ts"))
      const { home } = yield* Effect.promise(() => import("../../serving/home.ts"))
      const { prepared } = yield* home
      const done = yield* importHistory({
        path,
        name: Option.getOrUndefined(given.name),
        metric: Option.getOrUndefined(given.metric),
        goal: Option.getOrUndefined(given.goal),
        sdk: join(programRoot, "agents/python/src"),
        workDirectory: prepared,
      })
      if (json) return yield* printJson(done)
      yield* printLines([
        `${done.sweep}: ${done.trials} trials from ${done.source}, compared by ${done.metric}`,
        `  sweep show ${done.sweep}`,
        `  sweep report ${done.sweep}`,
      ])
    }).pipe((effect) => withApi(coordinator, effect), explainApi),
).pipe(
  Command.withDescription("Make a sweep of what another tool recorded: transformers, TensorBoard, W&B, Optuna, MLflow"),
  Command.withExamples([
    { command: "sweep import saves/lora-sft", description: "A LLaMA-Factory output, by its trainer_state.json" },
    { command: "sweep import study.db", description: "An Optuna study or MLflow's runs in SQLite" },
    { command: "sweep import wandb --metric val/acc --goal maximize", description: "Offline runs of W&B" },
  ]),
)
