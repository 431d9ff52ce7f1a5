// The agent at work, once its home, its slots and their trainers are there: recovers what an earlier life left, starts
// the loops and sees to the stops (drain, release, kill); every loop lives in a file of its own. Owns their order. What the
// parts are made of is Agent.ts', or a simulation's.
import type { Slot } from "@sweep/domain/Device"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { Redact } from "@sweep/domain/Secrets"
import type { AgentConnection, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { AgentTrainer } from "@sweep/protocol/AgentMessage"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { AgentHome } from "./host/AgentHome.ts"
import type { Attempt } from "./attempt/Attempt.ts"
import { Attempts } from "./attempt/Attempts.ts"
import { Lease, monotonic } from "./session/Lease.ts"
import { Processes } from "./process/Processes.ts"
import { recoverAttempts } from "./attempt/recovery.ts"
import type { Retention } from "./attempt/retention.ts"
import { KnownStore } from "./session/KnownStore.ts"
import type { RecentLog } from "./session/RecentLog.ts"
import { keepSession } from "./session/session.ts"
import type { Stops } from "./host/signals.ts"
import { type SlotChecks, Slots, type SlotTrainers } from "./host/Slots.ts"
import type { Uploads } from "./session/uploads.ts"

/** How long an agent that leaves waits for the coordinator to commit the ends. They are kept on disk in any case. */
const lastWordsMillis = { drain: 15_000, kill: 2_000, upload: 10_000 }

export interface AgentParts {
  readonly home: AgentHome
  readonly version: string
  readonly hostname: string
  readonly slots: ReadonlyArray<Slot>
  /** Of each slot, by its index. */
  readonly trainers: ReadonlyMap<number, SlotTrainers>
  /** Trainers the owner of this machine lets a coordinator start. */
  readonly allowed: ReadonlyArray<AgentTrainer>
  /** Folders whose Python files trials may name as metrics. */
  readonly allowedMetrics: ReadonlyArray<string>
  readonly retention: Retention
  readonly uploads: Uploads
  readonly checks: SlotChecks
  readonly redact: Redact
  /** The newest lines of this process's log, for people who ask the coordinator for them. */
  readonly log?: RecentLog | undefined
  readonly stops: Stops
  /** Milliseconds from the stop `release` until the host is gone. */
  readonly notice: number
  /** Milliseconds without any attempt after which the agent leaves; `null`: it stays. */
  readonly idleExit: number | null
}

export const defaultNotice = 30_000
/** Of the notice, what trainers get to save a checkpoint, and what is left for telling the end and leaving. */
const savingShare = 0.5
const leavingShare = 0.1

/** Until it is drained or killed. An interruption ends the trials, too. */
export const runLoops: (parts: AgentParts) => Effect.Effect<void, SessionRefused, AgentConnection | Scope.Scope> =
  Effect.fnUntraced(function* (parts) {
    const { home, stops } = parts
    const attempts = new Attempts(home.directory, parts.retention, parts.uploads)
    const lease = yield* Lease.make(home.directory, (reason) =>
      // One that has just started, or holds nothing, gives nothing up: it has only not been in contact yet.
      attempts.all().every(({ end }) => end !== undefined)
        ? Effect.void
        : Effect.andThen(Effect.logWarning(reasonSentence(reason)), attempts.stopAll({ mode: "preempt", reason })),
    )
    yield* Effect.addFinalizer(() => leaveNothingRunning(attempts))

    const slots = yield* Slots.make(
      parts.slots,
      (slot) => parts.trainers.get(slot.index)!,
      attempts,
      lease,
      parts.checks,
    )
    yield* recoverAttempts(attempts, slots)
    for (const slot of parts.slots) yield* Effect.forkScoped(slots.run(slot))
    yield* Effect.forkScoped(lease.watch)

    const drain = (reason: string) =>
      Effect.gen(function* () {
        if (slots.draining) return
        slots.draining = true
        slots.changed.openUnsafe()
        yield* Effect.logInfo(`draining (${reason}): running trials are finished, no more are taken`)
        for (const attempt of attempts.all()) {
          if (!attempt.begun) yield* attempt.requestStop({ mode: "preempt", reason: { _tag: "AgentDrains" } })
        }
        attempts.notify()
      })
    yield* Effect.forkScoped(Effect.flatMap(stops.drain, drain))
    if (parts.idleExit !== null) {
      const seconds = Math.round(parts.idleExit / 1_000)
      yield* Effect.forkScoped(Effect.andThen(idleFor(attempts, parts.idleExit), drain(`no trial for ${seconds} s`)))
    }

    const left = (wait: number) =>
      Effect.andThen(
        attempts.until((all) => all.every((attempt) => attempt.end !== undefined)),
        Effect.timeoutOption(
          Effect.andThen(
            attempts.until((all) => all.length === 0),
            // That it takes no more: then the coordinator knows that it left, and waits for nothing of it.
            slots.toldDraining.await,
          ),
          wait,
        ),
      )
    const drained = Effect.andThen(
      attempts.until((all) => slots.draining && all.every((attempt) => attempt.end !== undefined)),
      left(lastWordsMillis.drain),
    ).pipe(Effect.andThen(parts.uploads.idle))
    const released = Effect.gen(function* () {
      const { notice } = parts
      const asked = yield* stops.release
      const until = (yield* monotonic) + notice * (1 - leavingShare)
      const reason = { _tag: "HostLeaves", seconds: Math.round(notice / 1_000), sign: asked } as const
      yield* drain(reasonSentence(reason))
      const handOver = (attempt: Attempt) =>
        Effect.gen(function* () {
          const remaining = Math.max(0, until - (yield* monotonic))
          const handed = yield* Effect.timeoutOption(attempts.handOverNow(attempt), remaining)
          if (Option.isNone(handed))
            yield* Effect.logWarning(`${attempt.name}: no time was left to hand its files over`)
        })
      yield* attempts.stopAll({ mode: "preempt", reason, grace: notice * savingShare, handOver })
      yield* Effect.timeoutOption(left(notice), notice)
    })
    const killed = Effect.gen(function* () {
      yield* stops.kill
      yield* drain("it is to stop at once")
      yield* attempts.stopAll({ mode: "kill", reason: { _tag: "AgentStopped" } })
      yield* left(lastWordsMillis.kill)
      // What is left is handed over by the next agent in this directory.
      yield* Effect.timeoutOption(parts.uploads.idle, lastWordsMillis.upload)
    })

    const session = keepSession({
      agent: home.agent,
      version: parts.version,
      hostname: parts.hostname,
      host: home.host,
      boot: home.boot,
      store: new KnownStore(home.directory),
      trainers: parts.allowed,
      allowedMetrics: parts.allowedMetrics,
      redact: parts.redact,
      log: parts.log,
      attempts,
      slots,
      lease,
      drain,
      background: yield* Effect.scope,
    })
    yield* Effect.logInfo(
      `agent ${home.agent} in ${home.directory}: ${parts.slots.length} slots on ${describe(parts.slots)}`,
    )
    yield* Effect.raceAllFirst([session, drained, released, killed])
  })

/** Completes when the agent has held no attempt for `millis`. */
const idleFor = (attempts: Attempts, millis: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (;;) {
      yield* attempts.until((all) => all.length === 0)
      const busy = yield* Effect.timeoutOption(
        attempts.until((all) => all.length > 0),
        millis,
      )
      if (Option.isNone(busy)) return
    }
  })

/** For an agent that is interrupted: its trainers go with it. */
const leaveNothingRunning = (attempts: Attempts) =>
  Effect.flatMap(Processes, ({ kill }) =>
    Effect.forEach(
      attempts.all(),
      ({ record }) => (record.tree === null || record.end !== null ? Effect.void : kill(record.tree)),
      { concurrency: "unbounded", discard: true },
    ),
  )

const describe = (slots: ReadonlyArray<Slot>): string =>
  Array.from(new Set(slots.flatMap(({ devices }) => devices.map(({ name }) => name)))).join(", ")
