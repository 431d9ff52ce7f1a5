// `sweep agent`: the daemon with what this machine gives it.
import { join } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AgentId } from "@sweep/domain/Id"
import * as Schema from "effect/Schema"
import * as Layer from "effect/Layer"
import * as grpcAgentConnection from "@sweep/grpc/grpcAgentConnection"
import * as grpcArtifactExchange from "@sweep/grpc/grpcArtifactExchange"
import { runAgent } from "@sweep/daemon/Agent"
import { type OnTerm, onTermHere } from "@sweep/daemon/signals"
import { findCoordinator, joinedCoordinator } from "../serving/access.ts"
import { badInput, deniedFailure, stateFailure, unavailable } from "../exitCodes.ts"
import { atLeast, type CoordinatorFlags } from "../flags.ts"
import { ensureHome, home } from "../serving/home.ts"
import { withLineLog } from "../logging.ts"
import { llamaFactoryHere, prepareLlamaFactory } from "./llamaFactory.ts"
import { version } from "../version.ts"
import { programRoot } from "../programRoot.ts"
import { prepareTrainerPython, trainerPython } from "./trainerPython.ts"

export interface StartAgent {
  readonly coordinator: CoordinatorFlags
  /** Whether the coordinator is the one that was joined, whatever else is named. */
  readonly joined: boolean
  readonly slots: number | undefined
  readonly id: string | undefined
  readonly directory: string | undefined
  /** Whether sweeps may start programs of their own here. */
  readonly allowCommands: boolean
  /** Whether LLaMA-Factory is prepared first; where it is there already, it is offered in any case. */
  readonly llamafactory: boolean
  /** Folders whose Python files sweeps may name as metrics. */
  readonly allowMetrics: ReadonlyArray<string>
  /** Secrets that no trial gets. */
  readonly withheld: ReadonlyArray<string>
  /** Whether GPUs are offered whose memory other programs use, too. */
  readonly sharedDevices: boolean
  readonly whileStdin: boolean
  /** What SIGTERM asks for; by where the agent runs unless given. */
  readonly onTerm: OnTerm | undefined
  /** How long the host lasts after a SIGTERM that releases, such as `30s`. */
  readonly notice: string | undefined
  /** How long without a trial before it leaves, such as `5m`; it stays unless given. */
  readonly idleExit: string | undefined
}

/** The agent of `sweep run` ends with the command that started it, however that one ended. */
const stdinStops = Effect.gen(function* () {
  const ended = yield* Deferred.make<string>()
  const end = () => Deferred.doneUnsafe(ended, Effect.succeed("its command has ended"))
  process.stdin.once("end", end).once("close", end).once("error", end).resume()
  // Ctrl-C in a terminal reaches the whole foreground group; what it means is for the command to say.
  process.on("SIGINT", () => {})
  process.on("SIGTERM", end)
  return { drain: Effect.never, release: Effect.never, kill: Deferred.await(ended) }
})

/** SWEEP_NO_PROGRESS, in seconds; 0: a trainer may be silent for ever. */
const silence = Effect.suspend(() => {
  const text = process.env["SWEEP_NO_PROGRESS"]
  if (text === undefined || text === "") return Effect.succeed(undefined)
  const seconds = Number(text)
  if (!(seconds >= 0)) return Effect.fail(badInput(`SWEEP_NO_PROGRESS=${text}: expected a number of seconds, or 0`))
  return Effect.succeed(seconds === 0 ? null : seconds * 1000)
})

/** SWEEP_SOURCES_CACHE, in GiB. */
const sourceBytes = Effect.suspend(() => {
  const text = process.env["SWEEP_SOURCES_CACHE"]
  if (text === undefined || text === "") return Effect.succeed(undefined)
  const count = Number(text)
  if (!(count > 0)) return Effect.fail(badInput(`SWEEP_SOURCES_CACHE=${text}: expected a number of GiB above 0`))
  return Effect.succeed(count * 2 ** 30)
})

const units = { s: 1_000, m: 60_000, h: 3_600_000 }

/** Milliseconds of `90s`, `2m` or `1h`; `null` for anything else. */
const timeIn = (text: string): number | null => {
  const parts = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text)
  const millis = parts === null ? 0 : Number(parts[1]) * units[parts[2] as keyof typeof units]
  return millis >= 5_000 && millis <= 24 * 3_600_000 ? millis : null
}

/** Its name: the one that is given, else the one that its access file is for; for many, a made-up one that begins so. */
const agentOf = (given: AgentId | undefined, bound: string | undefined) => {
  if (given !== undefined || bound === undefined) return { agent: given }
  return bound.endsWith("*") ? { idPrefix: bound.slice(0, -1) } : { agent: AgentId.make(bound) }
}

export const startAgent = Effect.fn("startAgent")(function* (options: StartAgent) {
  yield* atLeast("slots", 1, options.slots)
  const id = options.id === undefined ? undefined : Schema.decodeUnknownOption(AgentId)(options.id)
  if (id !== undefined && Option.isNone(id)) {
    return yield* badInput(
      `--id ${options.id}: expected letters, digits, '.', '_' and '-', beginning with a letter or digit`,
    )
  }
  const notice = options.notice === undefined ? undefined : timeIn(options.notice)
  if (notice === null)
    return yield* badInput(`--notice ${options.notice}: expected a time from 5s to 24h, such as 30s, 2m or 1h`)
  const idleExit = options.idleExit === undefined ? undefined : timeIn(options.idleExit)
  if (idleExit === null)
    return yield* badInput(`--idle-exit ${options.idleExit}: expected a time from 5s to 24h, such as 30s, 5m or 1h`)
  // A coordinator that is named, or runs here, comes before one that was joined once.
  const found = options.joined
    ? yield* joinedCoordinator()
    : ((yield* findCoordinator(options.coordinator)) ?? (yield* joinedCoordinator()))
  if (found === undefined) {
    return yield* unavailable(
      "no coordinator to join. Start one with 'sweep serve', then: sweep agent --coordinator HOST:PORT (it prints the command).",
    )
  }
  const at = yield* home
  yield* ensureHome(at)
  // The command that starts its own agent has seen to it.
  if (!options.whileStdin) yield* prepareTrainerPython
  if (options.llamafactory) yield* prepareLlamaFactory
  const llamafactory = llamaFactoryHere()
  yield* runAgent({
    home: options.directory ?? at.agent,
    homeTaken: options.directory === undefined ? "next" : "refuse",
    ...agentOf(id === undefined ? undefined : Option.getOrUndefined(id), found.agent),
    version,
    slotsPerDevice: options.slots,
    python: trainerPython(),
    pythonPath: join(programRoot, "agents/trainer/src"),
    sdk: join(programRoot, "agents/python/src"),
    llamafactory,
    trainers: [
      "peft",
      ...(llamafactory === null ? [] : ["llamafactory" as const]),
      ...(options.allowCommands ? ["command" as const] : []),
    ],
    allowedMetrics: options.allowMetrics,
    withheld: options.withheld,
    sharedDevices: options.sharedDevices,
    silenceMillis: yield* silence,
    sourceBytes: yield* sourceBytes,
    onTerm: options.onTerm ?? onTermHere(process.env),
    noticeMillis: notice,
    idleExitMillis: idleExit,
    stops: options.whileStdin ? yield* stdinStops : "signals",
  }).pipe(
    Effect.provide(Layer.merge(grpcAgentConnection.layer(found.client), grpcArtifactExchange.layer(found.client))),
    Effect.catchTags({
      HomeUnusable: (error) => Effect.fail(stateFailure(error.message)),
      SessionRefused: (error) =>
        Effect.fail(error.denied === true ? deniedFailure(error.message) : unavailable(error.message)),
    }),
    withLineLog,
  )
})
