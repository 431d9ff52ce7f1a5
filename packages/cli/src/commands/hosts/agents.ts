import { mkdirSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { badInput, unavailable } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, print, printJson, printTable } from "../../output.ts"
import { explainApi, findCoordinator, withApi } from "../../serving/access.ts"
import { home } from "../../serving/home.ts"

const engineName = Flag.Literals("engine", ["slurm", "ray"]).pipe(
  Flag.withDescription("The engine that owns the machines"),
  Flag.optional,
)
const sets = Flag.String("set").pipe(
  Flag.withMetavar("KEY=VALUE"),
  Flag.withDescription("A setting of the engine, such as partition=gpu or gres=gpu:1 (may be given several times)"),
  Flag.between(0, 64),
)
const settings = Flag.String("settings").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("The settings as a YAML file, as 'sweep serve --agents FILE' takes it"),
  Flag.optional,
)
const count = Flag.Int("count").pipe(Flag.withDescription("How many agents"), Flag.withDefault(1))

/** The setting that `--settings` or `--engine` with `--set` gives. */
const settingOf = (options: {
  readonly engine: Option.Option<"slurm" | "ray">
  readonly set: ReadonlyArray<string>
  readonly settings: Option.Option<string>
}) =>
  Effect.gen(function* () {
    const read = yield* Effect.promise(() => import("../../serving/agentsSetting.ts"))
    if (Option.isSome(options.settings)) return yield* read.readAgentsFile(options.settings.value)
    if (Option.isSome(options.engine)) return yield* read.agentsOfFlags(options.engine.value, options.set)
    return yield* badInput("which engine? Give --engine slurm (or ray) with --set KEY=VALUE, or --settings FILE")
  })

const start = Command.make(
  "start",
  { engine: engineName, set: sets, settings, count, coordinator: flags.coordinator },
  (options) =>
    Effect.gen(function* () {
      if (options.count < 1) return yield* badInput(`--count ${options.count}: expected 1 or more`)
      const setting = yield* settingOf(options)
      const found = yield* findCoordinator(options.coordinator)
      if (found === undefined) {
        return yield* unavailable("no coordinator for the agents to join. Start one first: sweep serve")
      }
      const { engineFor } = yield* Effect.promise(() => import("@sweep/engines/engineFor"))
      const { agentJob } = yield* Effect.promise(() => import("../../serving/agentsSetting.ts"))
      const job = agentJob(setting, {
        home: (yield* home).directory,
        coordinator: found.client.address,
        access: Option.getOrUndefined(options.coordinator.access),
      })
      mkdirSync(job.directory, { recursive: true })
      const ids = yield* engineFor(setting)
        .start(options.count, job)
        .pipe(Effect.mapError(({ message }) => unavailable(message)))
      yield* note(`asked ${setting.engine} for ${options.count} agents: ${ids.join(", ")}; logs in ${job.directory}`)
    }),
).pipe(
  Command.withDescription(
    "Ask Slurm or Ray for agents that join the coordinator, and leave when nothing is left to do",
  ),
  Command.withExamples([
    {
      command: "sweep agents start --engine slurm --set partition=gpu --set gres=gpu:1 --set time=04:00:00 --count 4",
      description: "Four agents as one job array",
    },
    {
      command: "sweep agents start --engine ray --set address=http://127.0.0.1:8265 --set gpus=1",
      description: "One agent as a Ray job",
    },
  ]),
)

const cancel = Command.make("cancel", { engine: engineName, set: sets, settings }, (options) =>
  Effect.gen(function* () {
    const setting = yield* settingOf(options)
    const { engineFor } = yield* Effect.promise(() => import("@sweep/engines/engineFor"))
    const { jobName } = yield* Effect.promise(() => import("../../serving/agentsSetting.ts"))
    const engine = engineFor(setting)
    const explained = Effect.mapError(({ message }: { readonly message: string }) => unavailable(message))
    const jobs = yield* engine.list(jobName((yield* home).directory)).pipe(explained)
    const open = jobs.filter(({ state }) => state !== "ended").map(({ id }) => id)
    yield* engine.cancel(open).pipe(explained)
    yield* note(open.length === 0 ? "no job of this coordinator is queued or running" : `cancelled ${open.join(", ")}`)
  }),
).pipe(
  Command.withDescription(
    "Cancel the engine's jobs of this coordinator; running agents save and give their trials back",
  ),
  Command.withExamples([
    { command: "sweep agents cancel --engine slurm", description: "All of this state directory's" },
  ]),
)

export const agents = Command.make("agents", { coordinator: flags.coordinator, json: flags.json }, (options) =>
  withApi(
    options.coordinator,
    Effect.gen(function* () {
      const { agents: known } = yield* (yield* SweepApi).status
      if (options.json) return yield* printJson(known)
      if (known.length === 0) return yield* print("No agents. 'sweep serve' prints how they join.")
      yield* printTable(
        [{ title: "agent" }, { title: "state" }, { title: "host" }, { title: "devices" }, { title: "runs" }],
        known.map(({ agent, state, hostname, slots, running }) => [
          agent,
          state,
          hostname,
          Array.from(new Set(slots.flatMap(({ devices }) => devices.map(({ name }) => name)))).join(", "),
          running.length === 0
            ? `0/${slots.length}`
            : `${running.length}/${slots.length}: ${running.map(({ sweep, trial }) => `${sweep}/${trial}`).join(", ")}`,
        ]),
      )
    }),
  ).pipe(explainApi),
).pipe(
  Command.withDescription("The agents of a coordinator: their devices, and what runs where"),
  Command.withExamples([{ command: "sweep agents", description: "All that are connected or were lost" }]),
  Command.withSubcommands([start, cancel]),
)
