// The agent of a real machine: its options, and what it is made of there (directory, devices, trainers). What it does
// with them is agentLoops'; how the coordinator is reached is the AgentConnection it is given.
import { hostname } from "node:os"
import type { AgentConnection, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { Slot } from "@sweep/domain/Device"
import type { AgentId } from "@sweep/domain/Id"
import { redactor } from "@sweep/domain/Secrets"
import type { AgentTrainer } from "@sweep/protocol/AgentMessage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { claimHome, type HomeUnusable } from "./host/AgentHome.ts"
import { defaultNotice, runLoops } from "./agentLoops.ts"
import { commandTrainer } from "./trainers/commandTrainer.ts"
import { deviceProblem, findDevices } from "./host/devices.ts"
import { Disk } from "./host/disk.ts"
import { secretsOfBox } from "./session/redaction.ts"
import { defaultKeptBytes, makeRetention } from "./attempt/retention.ts"
import { type OnTerm, signalStops, type Stops } from "./host/signals.ts"
import type { SlotTrainers } from "./host/Slots.ts"
import { RecentLog } from "./session/RecentLog.ts"
import { SourceCache } from "./sources/SourceCache.ts"
import { makeUploads } from "./session/uploads.ts"
import { makeWarmHost } from "./trainers/WarmHost.ts"

export interface AgentOptions {
  /** Where attempts, logs and the agent's id are kept. */
  readonly home: string
  /** When another agent works there: an error, or the next free `home-2`, `home-3` … */
  readonly homeTaken: "refuse" | "next"
  /** Instead of the id remembered in the home directory (host name and a random suffix). */
  readonly agent?: AgentId | undefined
  /** How an id begins that is made up. */
  readonly idPrefix?: string | undefined
  /** Sent to the coordinator. */
  readonly version: string
  /** Trials at a time on each device; 1 unless given. */
  readonly slotsPerDevice?: number | undefined
  /** The interpreter that has the trainer's requirements. */
  readonly python: string
  /** The directory that contains the package `sweep_trainer`, when it is not installed in `python`. */
  readonly pythonPath: string | null
  /** The directory that contains the package `sweep_sdk`, for programs that sweeps start; `null`: none is put on their path. */
  readonly sdk?: string | null | undefined
  /** Python with LLaMA-Factory in it, and the directories of the packages that drive it; `null`: not prepared here. */
  readonly llamafactory?: { readonly python: string; readonly pythonPath: string } | null | undefined
  /** Trainers the owner of this machine lets a coordinator start. */
  readonly trainers: ReadonlyArray<AgentTrainer>
  /** Folders whose Python files trials may name as metrics: that code runs as this agent's user. None unless given. */
  readonly allowedMetrics?: ReadonlyArray<string> | undefined
  /** Environment variables that trainers get beyond the ones training programs are known to need. */
  readonly passEnvironment?: ReadonlyArray<string> | undefined
  /** Secrets of the environment that no trial gets, even one that names them. */
  readonly withheld?: ReadonlyArray<string> | undefined
  /** Disk space for attempts that are over, in bytes. */
  readonly keptBytes?: number | undefined
  /** Disk space for files of source snapshots, in bytes. */
  readonly sourceBytes?: number | undefined
  /** Whether devices are offered whose memory other programs use, too. */
  readonly sharedDevices?: boolean | undefined
  /** Milliseconds in which a trainer has to write something; an hour unless given, `null`: it need not. */
  readonly silenceMillis?: number | null | undefined
  /**
   * `"signals"`: the first SIGINT or SIGTERM drains (or SIGTERM releases, by `onTerm`), the second kills; an interruption
   * of the fiber waits until then. Otherwise the effects that complete when a stop is wanted; an interruption kills.
   */
  readonly stops: "signals" | Stops
  /** What SIGTERM asks for; `drain` unless given. */
  readonly onTerm?: OnTerm | undefined
  /** Milliseconds from the stop `release` until the host is gone. */
  readonly noticeMillis?: number | undefined
  /** Milliseconds without a trial after which the agent leaves; it stays unless given. */
  readonly idleExitMillis?: number | undefined
}

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
  Effect.suspend(() => {
    const recent = new RecentLog()
    return Effect.provide(working(options, recent), Logger.layer([recent.logger], { mergeWithExisting: true }))
  })

const working = (options: AgentOptions, recent: RecentLog) =>
  Effect.scoped(
    Effect.gen(function* () {
      const stops = options.stops === "signals" ? yield* signalStops(options.onTerm ?? "drain") : options.stops
      const home = yield* claimHome({
        directory: options.home,
        taken: options.homeTaken,
        agent: options.agent,
        idPrefix: options.idPrefix,
      })
      const lost = Effect.tap(home.lost, (reason) => Effect.logError(reason))
      const devices = yield* findDevices({ perDevice: options.slotsPerDevice })
      for (const warning of devices.warnings) yield* Effect.logWarning(warning)
      const disk = new Disk(home.directory)
      const retention = yield* makeRetention(home.directory, disk, options.keptBytes ?? defaultKeptBytes)
      yield* runLoops({
        home,
        version: options.version,
        hostname: hostname(),
        slots: devices.slots,
        trainers: yield* makeTrainers(options, home.directory, devices.slots),
        allowed: options.trainers,
        allowedMetrics: options.allowedMetrics ?? [],
        retention,
        uploads: yield* makeUploads,
        checks: {
          problem: (slot, idle) =>
            Effect.suspend(() => {
              const full = disk.problem()
              if (full !== undefined) return Effect.as(retention.relieve, full)
              const shared = options.sharedDevices === true || isShared(slot, devices.slots)
              return idle && !shared ? deviceProblem(slot) : Effect.succeed(undefined)
            }),
          silence: options.silenceMillis === undefined ? defaultSilence : options.silenceMillis,
          disk,
          sources: new SourceCache(home.directory, options.sourceBytes),
        },
        redact: redactor(secretsOfBox()),
        log: recent,
        stops: { ...stops, kill: Effect.raceFirst(stops.kill, lost) },
        notice: options.noticeMillis ?? defaultNotice,
        idleExit: options.idleExitMillis ?? null,
      })
    }),
  )

const makeTrainers = Effect.fn("Agent.makeTrainers")(function* (
  options: AgentOptions,
  home: string,
  slots: ReadonlyArray<Slot>,
) {
  const { python, pythonPath, llamafactory } = options
  const passEnvironment = options.passEnvironment ?? []
  const withheld = options.withheld ?? []
  const result = new Map<number, SlotTrainers>()
  for (const slot of slots) {
    result.set(slot.index, {
      peft: options.trainers.includes("peft")
        ? yield* makeWarmHost({ slot, home, python, pythonPath, passEnvironment, withheld, module: "sweep_trainer" })
        : null,
      llamafactory:
        options.trainers.includes("llamafactory") && llamafactory != null
          ? yield* makeWarmHost({
              slot,
              home,
              ...llamafactory,
              passEnvironment,
              withheld,
              module: "sweep_llamafactory",
            })
          : null,
      command: options.trainers.includes("command")
        ? commandTrainer({ slot, passEnvironment, withheld, sdk: options.sdk ?? null, python })
        : null,
    })
  }
  return result
})

/**
 * Runs the agent until it is drained or killed. Fails with `HomeUnusable` when another agent has its directory, and
 * with `SessionRefused` when the coordinator will not have it.
 */
export const runAgent = (options: AgentOptions): Effect.Effect<void, HomeUnusable | SessionRefused, AgentConnection> =>
  options.stops === "signals"
    ? // Its own fiber, because a main fiber is interrupted by the very signals that ask for the stops here.
      Effect.uninterruptibleMask((restore) => Effect.flatMap(Effect.forkDetach(restore(agent(options))), Fiber.join))
    : agent(options)
