import { mkdirSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { AgentId } from "@sweep/domain/Id"
import { type AgentOrder, SweepApi } from "@sweep/protocol/SweepApi"
import { badInput, unavailable } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"
import { note, print, printJson, printLines, printTable } from "../../output.ts"
import { explainApi, findCoordinator, withApi } from "../../serving/access.ts"
import { home } from "../../serving/home.ts"

const engineName = Flag.Literals("engine", ["slurm", "ray", "ssh", "kubernetes"]).pipe(
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
  readonly engine: Option.Option<"slurm" | "ray" | "ssh" | "kubernetes">
  readonly set: ReadonlyArray<string>
  readonly settings: Option.Option<string>
}) =>
  Effect.gen(function* () {
    const read = yield* Effect.promise(() => import("../../serving/agentsSetting.ts"))
    if (Option.isSome(options.settings)) return yield* read.readAgentsFile(options.settings.value)
    if (Option.isSome(options.engine)) return yield* read.agentsOfFlags(options.engine.value, options.set)
    return yield* badInput(
      "which engine? Give --engine slurm (or ray, ssh, kubernetes) with --set KEY=VALUE, or --settings FILE",
    )
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
    "Ask Slurm, Ray, Kubernetes or hosts over SSH for agents that join the coordinator, and leave when nothing is left to do",
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

const host = Argument.String("AGENT").pipe(
  Argument.withDescription("The agent's name, as 'sweep agents' shows it, or its host's where one agent runs there"),
)
const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why, for the log of the coordinator"),
  Flag.withDefault(""),
)

/** The agent of that name, or the only one on the host of that name. */
const agentNamed = (text: string) =>
  Effect.gen(function* () {
    const { agents: known } = yield* (yield* SweepApi).status
    const onHost = known.filter(({ hostname }) => hostname === text)
    const id = known.some(({ agent }) => agent === text) || onHost.length !== 1 ? text : onHost[0]!.agent
    if (onHost.length > 1 && !known.some(({ agent }) => agent === text)) {
      return yield* badInput(
        `${onHost.length} agents run on ${text}; name one: ${onHost.map(({ agent }) => agent).join(", ")}`,
      )
    }
    return yield* Schema.is(AgentId)(id)
      ? Effect.succeed(id)
      : Effect.fail(badInput(`'${text}' is no name of an agent; 'sweep agents' lists them`))
  })

const ordering = (order: AgentOrder, said: (agent: string) => string) =>
  Command.make(order === "remove" ? "rm" : order, { host, reason, coordinator: flags.coordinator }, (options) =>
    withApi(
      options.coordinator,
      Effect.gen(function* () {
        const agent = yield* agentNamed(options.host)
        yield* (yield* SweepApi).orderAgent(agent, order, options.reason)
        yield* note(said(agent))
      }),
    ).pipe(explainApi),
  )

const drain = ordering(
  "drain",
  (agent) => `${agent} finishes what it runs and gets no more; 'sweep agents resume ${agent}' takes it back`,
).pipe(
  Command.withDescription("Give an agent no more trials; what runs there is finished"),
  Command.withExamples([{ command: "sweep agents drain gpu1", description: "Before its host is restarted, say" }]),
)
const resume = ordering("resume", (agent) => `${agent} gets trials again`).pipe(
  Command.withDescription("Give an agent trials again: a drained, a quarantined or a removed one"),
  Command.withExamples([{ command: "sweep agents resume gpu1", description: "Its host is well again" }]),
)
const rm = ordering(
  "remove",
  (agent) => `${agent} is removed: its token is revoked, and its trials continue elsewhere from their checkpoints`,
).pipe(
  Command.withDescription("Remove an agent: its trials go to others at once, and it is not served any more"),
  Command.withExamples([{ command: "sweep agents rm gpu1", description: "The host is gone, or not yours any more" }]),
)

const logs = Command.make("logs", { host, coordinator: flags.coordinator, json: flags.json }, (options) =>
  withApi(
    options.coordinator,
    Effect.gen(function* () {
      const lines = yield* (yield* SweepApi).agentLog(yield* agentNamed(options.host))
      if (options.json) return yield* printJson(lines)
      if (lines.length > 0) yield* printLines(lines)
    }),
  ).pipe(explainApi),
).pipe(
  Command.withDescription("The newest lines of an agent's own log, as the coordinator heard them"),
  Command.withExamples([{ command: "sweep agents logs gpu1", description: "Why does it take no trials?" }]),
)

const expires = Flag.String("expires").pipe(
  Flag.withDescription("How long the join token is good: 10m, 1h (the default), 1d at most"),
  Flag.withDefault("1h"),
)
const address = Flag.String("address").pipe(
  Flag.withMetavar("HOST:PORT"),
  Flag.withDescription("The coordinator as the hosts reach it; without it, as it listens"),
  Flag.optional,
)
const invitations = Flag.Int("count").pipe(
  Flag.withDescription("How many lines: one for each host"),
  Flag.withDefault(1),
)

const invite = Command.make("invite", { expires, address, count: invitations, json: flags.json }, (options) =>
  Effect.gen(function* () {
    if (options.count < 1 || options.count > 1_000) {
      return yield* badInput(`--count ${options.count}: expected 1 to 1000`)
    }
    const { invites } = yield* Effect.promise(() => import("../../joining/invites.ts"))
    const made = yield* invites({ ...options, address: Option.getOrUndefined(options.address) })
    if (options.json) return yield* printJson(made)
    yield* printLines(made.map(({ line }) => line))
    yield* note(
      `each line lets one host join, until ${new Date(made[0]!.expiresAt).toISOString().slice(0, 16)}Z; add --service to install the agent as a service`,
    )
  }),
).pipe(
  Command.withDescription(
    "Print what a GPU host types to join: install, a join token that expires, the coordinator's fingerprint",
  ),
  Command.withExamples([
    { command: "sweep agents invite", description: "At the coordinator, for one host" },
    { command: "sweep agents invite --count 8 --expires 1d", description: "For eight hosts" },
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
  Command.withSubcommands([invite, drain, resume, rm, logs, start, cancel]),
)
