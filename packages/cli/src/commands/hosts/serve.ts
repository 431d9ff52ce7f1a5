import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as flags from "../../flags.ts"

const host = Flag.String("host").pipe(
  Flag.withDescription(
    "The address to listen on; any but loopback needs 'sweep certs' and 'sweep tokens create' first",
  ),
  Flag.withDefault("127.0.0.1"),
)
const port = Flag.Int("port").pipe(Flag.withDescription("0 takes a free one"), Flag.withDefault(7733))
const tls = Flag.Boolean("tls").pipe(
  Flag.withDescription("Ask for certificates and tokens on loopback, too: for a machine others use, or a tunnel"),
  Flag.withDefault(false),
)
const metricsPort = Flag.Int("metrics-port").pipe(
  Flag.withDescription("Also answer Prometheus on http://127.0.0.1:PORT/metrics; 0 takes a free port"),
  Flag.optional,
)

const backupTo = Flag.String("backup-to").pipe(
  Flag.withDescription(
    "Take a backup into this folder in every interval, each read back whole before it gets its name",
  ),
  Flag.optional,
)
const every = Flag.String("every").pipe(
  Flag.withDescription("The interval of backups, such as 30m, 1h (the default) or 1d"),
  Flag.optional,
)
const keep = Flag.Int("keep").pipe(
  Flag.withDescription("How many of these backups are kept; 24 unless given"),
  Flag.optional,
)

const agentsFile = Flag.String("agents").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription(
    "Ask the engine that this YAML file names (Slurm, Ray, Kubernetes, SSH) for as many agents as there is work; see docs/engines.md",
  ),
  Flag.optional,
)

const serveFlags = {
  agents: agentsFile,
  host,
  port,
  tls,
  webPort: flags.webPort,
  noWeb: flags.noWeb,
  metricsPort,
  backupTo,
  every,
  keep,
}

export const serve = Command.make(
  "serve",
  serveFlags,
  ({ agents, webPort, metricsPort, backupTo, every, keep, ...options }) =>
    Effect.gen(function* () {
      yield* flags.portNumber("port", options.port)
      yield* flags.portNumber("web-port", Option.getOrUndefined(webPort))
      yield* flags.portNumber("metrics-port", Option.getOrUndefined(metricsPort))
      const { readSchedule } = yield* Effect.promise(() => import("../../serving/scheduledBackups.ts"))
      const backups = yield* readSchedule({
        backupTo: Option.getOrUndefined(backupTo),
        every: Option.getOrUndefined(every),
        keep: Option.getOrUndefined(keep),
      })
      const setting = Option.isNone(agents)
        ? undefined
        : yield* (yield* Effect.promise(() => import("../../serving/agentsSetting.ts"))).readAgentsFile(agents.value)
      const { serveCoordinator } = yield* Effect.promise(() => import("../../serving/serveCoordinator.ts"))
      yield* serveCoordinator({
        ...options,
        webPort: Option.getOrUndefined(webPort),
        metricsPort: Option.getOrUndefined(metricsPort),
        backups,
        agents: setting,
      })
    }),
).pipe(
  Command.withDescription("Run the coordinator for agents on this or other hosts; it prints how they join"),
  Command.withExamples([
    { command: "sweep serve", description: "On 127.0.0.1:7733, state in .sweep (or SWEEP_HOME)" },
    {
      command: "sweep serve --backup-to /mnt/backups --every 1h --keep 24",
      description: "With a verified backup every hour, the last 24 kept",
    },
    { command: "sweep serve --host 0.0.0.0", description: "For other hosts, with TLS and tokens" },
  ]),
)
