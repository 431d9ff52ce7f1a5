import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { badInput } from "../../exitCodes.ts"
import * as flags from "../../flags.ts"

const slots = Flag.Int("slots").pipe(
  Flag.withDescription(
    "Trials at once: per GPU, or on the CPU (without it: one per GPU; on a CPU as many as cores and memory allow, at most 4)",
  ),
  Flag.optional,
)
const id = Flag.String("id").pipe(
  Flag.withDescription("This agent's name; without it, one is made up and kept in the agent's directory"),
  Flag.optional,
)
const directory = Flag.String("directory").pipe(
  Flag.withDescription("Where attempts and their spools live; without it, 'agent' in the state directory"),
  Flag.optional,
)
const allowCommands = Flag.Boolean("allow-commands").pipe(
  Flag.withDescription(
    "Also run sweeps with 'trainer: command': who may submit to the coordinator can then start any program here",
  ),
  Flag.withDefault(false),
)
const llamafactory = Flag.Boolean("llamafactory").pipe(
  Flag.withDescription(
    "Prepare LLaMA-Factory first, for sweeps with 'trainer: llamafactory'; where it has been prepared, they run without this flag",
  ),
  Flag.withDefault(false),
)
const allowMetrics = Flag.String("allow-metrics").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription(
    "Also run Python functions of files in this folder that a sweep names under 'task_metrics' (may be given several times)",
  ),
  Flag.between(0, 64),
)
const withhold = Flag.String("withhold").pipe(
  Flag.withMetavar("NAME"),
  Flag.withDescription(
    "Give this variable of the environment to no trial, even if its sweep names it under 'secrets' (may be given several times)",
  ),
  Flag.between(0, 64),
)
const sharedDevices = Flag.Boolean("shared-devices").pipe(
  Flag.withDescription(
    "Also offer GPUs whose memory other programs use; without it, a slot waits until its GPU is free",
  ),
  Flag.withDefault(false),
)
const onTerm = Flag.Literals("on-term", ["drain", "release"]).pipe(
  Flag.withDescription(
    "What SIGTERM means: 'drain' finishes what runs; 'release' saves checkpoints, uploads them and gives the trials back. Without it: 'release' in a Slurm job, a Kubernetes pod or with SWEEP_SPOT=1, otherwise 'drain'",
  ),
  Flag.optional,
)
const notice = Flag.String("notice").pipe(
  Flag.withDescription("How long the host lasts after a SIGTERM that releases, such as 30s (the default) or 2m"),
  Flag.optional,
)
const idleExit = Flag.String("idle-exit").pipe(
  Flag.withDescription("Leave after this long without a trial, such as 5m; without it, the agent stays"),
  Flag.optional,
)
const join = Flag.String("join").pipe(
  Flag.withMetavar("LINE"),
  Flag.withDescription(
    "Join a coordinator with what 'sweep serve' or 'sweep agents invite' printed (or SWEEP_JOIN); done once, the host is known from then on",
  ),
  Flag.optional,
)
const service = Flag.Boolean("service").pipe(
  Flag.withDescription(
    "With --join: install the agent as a systemd service of this host, with these flags, and start it",
  ),
  Flag.withDefault(false),
)
const serviceUser = Flag.String("service-user").pipe(
  Flag.withMetavar("USER"),
  Flag.withDescription("With --service, as root: who the service runs as; the one who called sudo, else 'sweep'"),
  Flag.optional,
)
const whileStdin = Flag.Boolean("while-stdin").pipe(
  Flag.withDescription("End when standard input does, as 'sweep run' starts its own agent"),
  Flag.withDefault(false),
  Flag.withHidden,
)

export const agent = Command.make(
  "agent",
  {
    coordinator: flags.coordinator,
    join,
    service,
    serviceUser,
    slots,
    id,
    directory,
    allowCommands,
    llamafactory,
    allowMetrics,
    withhold,
    sharedDevices,
    onTerm,
    notice,
    idleExit,
    python: flags.python,
    whileStdin,
  },
  (options) =>
    Effect.gen(function* () {
      const line = Option.getOrUndefined(options.join) ?? process.env["SWEEP_JOIN"]
      const joined = line !== undefined && line !== ""
      if (!joined && (options.service || Option.isSome(options.serviceUser))) {
        return yield* badInput("--service goes with --join LINE, which 'sweep agents invite' at the coordinator prints")
      }
      if (joined) {
        const { joinHere } = yield* Effect.promise(() => import("../../joining/joinHere.ts"))
        const installed = yield* joinHere({ ...options, line })
        if (installed) return
      }
      const { usePython } = yield* Effect.promise(() => import("../../running/trainerPython.ts"))
      yield* usePython(options.python)
      const { startAgent } = yield* Effect.promise(() => import("../../running/startAgent.ts"))
      yield* startAgent({
        coordinator: options.coordinator,
        joined,
        slots: Option.getOrUndefined(options.slots),
        // Who joins is named by the coordinator.
        id: joined ? undefined : Option.getOrUndefined(options.id),
        directory: Option.getOrUndefined(options.directory),
        allowCommands: options.allowCommands,
        llamafactory: options.llamafactory,
        allowMetrics: options.allowMetrics,
        withheld: options.withhold,
        sharedDevices: options.sharedDevices,
        whileStdin: options.whileStdin,
        onTerm: Option.getOrUndefined(options.onTerm),
        notice: Option.getOrUndefined(options.notice),
        idleExit: Option.getOrUndefined(options.idleExit),
      })
    }),
).pipe(
  Command.withDescription(
    "Offer this machine's devices to a coordinator and run its trials. The first Ctrl-C finishes what runs, the second ends it",
  ),
  Command.withExamples([
    {
      command: "sweep agent --coordinator 127.0.0.1:7733",
      description: "Join the coordinator that 'sweep serve' started",
    },
    {
      command: "sweep agent --coordinator host:7733 --access gpu-hosts.json",
      description: "Join a coordinator on another host, with the access file of its owner",
    },
    {
      command: "sweep agent --join host:7733/join_…/… --service",
      description: "Join from a GPU host, and stay as a service",
    },
    { command: "sweep agent --slots 2", description: "Two trials at once, for the coordinator of the state directory" },
  ]),
)
