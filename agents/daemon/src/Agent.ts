// The agent as a whole: what it is made of and how it comes to its end. Owns wiring its loops together and the two
// stops, drain and kill; every loop lives in a file of its own. How the coordinator is reached is the AgentConnection
// it is given.
import { hostname } from "node:os"
import { AgentConnection, type SessionRefused } from "@sweep/rpc/AgentConnection"
import type { Slot } from "@sweep/domain/Device"
import type { AgentId } from "@sweep/domain/Id"
import { redactor } from "@sweep/domain/Secrets"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { claimHome, type HomeUnusable } from "./AgentHome.ts"
import { Attempts } from "./Attempts.ts"
import { commandTrainer } from "./commandTrainer.ts"
import { deviceProblem, findDevices } from "./devices.ts"
import { Lease } from "./Lease.ts"
import * as ProcessTree from "./ProcessTree.ts"
import { secretsOfBox } from "./redaction.ts"
import { recoverAttempts } from "./recovery.ts"
import { defaultKeptBytes, makeRetention } from "./retention.ts"
import { keepSession } from "./session.ts"
import { signalStops, type Stops } from "./signals.ts"
import { Slots, type SlotTrainers } from "./Slots.ts"
import { makeUploads } from "./uploads.ts"
import { makeWarmHost } from "./WarmHost.ts"

export interface AgentOptions {
  /** Where attempts, logs and the agent's id are kept. */
  readonly home: string
  /** When another agent works there: an error, or the next free `home-2`, `home-3` … */
  readonly homeTaken: "refuse" | "next"
  /** Instead of the id remembered in the home directory (host name and a random suffix). */
  readonly agent?: AgentId | undefined
  /** Sent to the coordinator. */
  readonly version: string
  /** Trials at a time on each device; 1 unless given. */
  readonly slotsPerDevice?: number | undefined
  /** The interpreter that has the trainer's requirements. */
  readonly python: string
  /** The directory that contains the package `sweep_trainer`, when it is not installed in `python`. */
  readonly pythonPath: string | null
  /** Trainers the owner of this machine lets a coordinator start. */
  readonly trainers: ReadonlyArray<"peft" | "command">
  /** Environment variables that trainers get beyond the ones training programs are known to need. */
  readonly passEnvironment?: ReadonlyArray<string> | undefined
  /** Disk space for attempts that are over, in bytes. */
  readonly keptBytes?: number | undefined
  /** Whether devices are offered whose memory other programs use, too. */
  readonly sharedDevices?: boolean | undefined
  /** Milliseconds in which a trainer has to write something; an hour unless given, `null`: it need not. */
  readonly silenceMillis?: number | null | undefined
  /**
   * `"signals"`: the first SIGINT or SIGTERM drains, the second kills; an interruption of the fiber waits until then.
   * Otherwise the effects that complete when the one and the other is wanted; an interruption kills.
   */
  readonly stops: "signals" | Stops
}

/** How long an agent that leaves waits for the coordinator to commit the ends. They are kept on disk in any case. */
const lastWordsMillis = { drain: 15_000, kill: 2_000, upload: 10_000 }

/** The largest models take long to load, but not in silence. */
const defaultSilence = 3_600_000

/** Several slots of one device: what is in its memory may be the other's. */
const isShared = (slot: Slot, slots: ReadonlyArray<Slot>): boolean =>
  slots.some(
    (other) =>
      other.index !== slot.index &&
      other.devices.some(({ kind, index }) => slot.devices.some((own) => own.kind === kind && own.index === index)),
  )

const agent = (options: AgentOptions) =>
  Effect.scoped(
    Effect.gen(function* () {
      const stops = options.stops === "signals" ? yield* signalStops : options.stops
      const home = yield* claimHome({ directory: options.home, taken: options.homeTaken, agent: options.agent })
      const devices = yield* findDevices({ perDevice: options.slotsPerDevice })
      for (const warning of devices.warnings) yield* Effect.logWarning(warning)
      const retention = yield* makeRetention(home.directory, options.keptBytes ?? defaultKeptBytes)
      const uploads = yield* makeUploads
      const attempts = new Attempts(home.directory, retention, uploads)
      const lease = yield* Lease.make(home.directory, (reason) =>
        Effect.andThen(Effect.logWarning(reason), attempts.stopAll({ mode: "preempt", reason })),
      )
      yield* Effect.addFinalizer(() => leaveNothingRunning(attempts))

      const trainers = yield* makeTrainers(options, home.directory, devices.slots)
      const slots = yield* Slots.make(devices.slots, (slot) => trainers.get(slot.index)!, attempts, lease, {
        problem: (slot) =>
          options.sharedDevices === true || isShared(slot, devices.slots)
            ? Effect.succeed(undefined)
            : deviceProblem(slot),
        silence: options.silenceMillis === undefined ? defaultSilence : options.silenceMillis,
      })
      yield* recoverAttempts(attempts, slots)
      for (const slot of devices.slots) yield* Effect.forkScoped(slots.run(slot))
      yield* Effect.forkScoped(lease.watch)

      const drain = (reason: string) =>
        Effect.gen(function* () {
          if (slots.draining) return
          slots.draining = true
          slots.changed.openUnsafe()
          yield* Effect.logInfo(`draining (${reason}): running trials are finished, no more are taken`)
          for (const attempt of attempts.all()) {
            if (!attempt.begun) yield* attempt.requestStop({ mode: "preempt", reason: "the agent drains" })
          }
          attempts.notify()
        })
      yield* Effect.forkScoped(Effect.flatMap(stops.drain, drain))

      const left = (wait: number) =>
        Effect.andThen(
          attempts.until((all) => all.every((attempt) => attempt.end !== undefined)),
          Effect.timeoutOption(
            attempts.until((all) => all.length === 0),
            wait,
          ),
        )
      const drained = Effect.andThen(
        attempts.until((all) => slots.draining && all.every((attempt) => attempt.end !== undefined)),
        left(lastWordsMillis.drain),
      ).pipe(Effect.andThen(uploads.idle))
      const killed = Effect.gen(function* () {
        yield* stops.kill
        yield* drain("it is to stop at once")
        yield* attempts.stopAll({ mode: "kill", reason: "the agent was stopped" })
        yield* left(lastWordsMillis.kill)
        // What is left is handed over by the next agent in this directory.
        yield* Effect.timeoutOption(uploads.idle, lastWordsMillis.upload)
      })

      const session = keepSession({
        agent: home.agent,
        version: options.version,
        hostname: hostname(),
        trainers: options.trainers,
        redact: redactor(secretsOfBox()),
        attempts,
        slots,
        lease,
        drain,
        background: yield* Effect.scope,
      })
      yield* Effect.logInfo(
        `agent ${home.agent} in ${home.directory}: ${devices.slots.length} slots on ${describe(devices.slots)}`,
      )
      yield* Effect.raceAllFirst([session, drained, killed])
    }),
  )

const makeTrainers = Effect.fn("Agent.makeTrainers")(function* (
  options: AgentOptions,
  home: string,
  slots: ReadonlyArray<Slot>,
) {
  const { python, pythonPath } = options
  const passEnvironment = options.passEnvironment ?? []
  const result = new Map<number, SlotTrainers>()
  for (const slot of slots) {
    result.set(slot.index, {
      peft: options.trainers.includes("peft")
        ? yield* makeWarmHost({ slot, home, python, pythonPath, passEnvironment })
        : null,
      command: options.trainers.includes("command") ? commandTrainer({ slot, passEnvironment }) : null,
    })
  }
  return result
})

/** For an agent that is interrupted: its trainers go with it. */
const leaveNothingRunning = (attempts: Attempts) =>
  Effect.forEach(
    attempts.all(),
    ({ record }) => (record.tree === null || record.end !== null ? Effect.void : ProcessTree.kill(record.tree)),
    { concurrency: "unbounded", discard: true },
  )

const describe = (slots: ReadonlyArray<Slot>): string =>
  Array.from(new Set(slots.flatMap(({ devices }) => devices.map(({ name }) => name)))).join(", ")

/**
 * Runs the agent until it is drained or killed. Fails with `HomeUnusable` when another agent has its directory, and
 * with `SessionRefused` when the coordinator will not have it.
 */
export const runAgent = (options: AgentOptions): Effect.Effect<void, HomeUnusable | SessionRefused, AgentConnection> =>
  options.stops === "signals"
    ? // Its own fiber, because a main fiber is interrupted by the very signals that ask for the stops here.
      Effect.uninterruptibleMask((restore) => Effect.flatMap(Effect.forkDetach(restore(agent(options))), Fiber.join))
    : agent(options)
