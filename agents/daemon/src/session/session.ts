// Keeps a session with the coordinator: connect, greet, send what is spooled, carry out what comes, and after a break do
// it again, later and later. Owns reconnecting and the meaning of each message; the loops inside a session (heartbeat,
// one uplink per attempt) live in files of their own.
import { AgentConnection, type AgentSession, SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { Acknowledged, AgentTrainer, CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import { protocolVersion } from "@sweep/protocol/versions"
import type { AgentId, Epoch } from "@sweep/domain/Id"
import type { Reason } from "@sweep/domain/Reason"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { Redact } from "@sweep/domain/Secrets"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Attempt } from "../attempt/Attempt.ts"
import type { Assignment } from "../attempt/AttemptDirectory.ts"
import type { Attempts } from "../attempt/Attempts.ts"
import { heartbeat } from "./heartbeat.ts"
import { type Lease, monotonic } from "./Lease.ts"
import { forbiddenMetrics } from "./metricCode.ts"
import type { RecentLog } from "./RecentLog.ts"
import { redactMessage } from "./redaction.ts"
import type { Slots } from "../host/Slots.ts"
import type { KnownStore } from "./KnownStore.ts"
import { makeUplink, type Uplink } from "./uplink.ts"

/** Waits between tries: a quarter of a second, doubling to this. gRPC's own default of 120 s is too long for a restart. */
const maxBackoffMillis = 15_000
const firstBackoffMillis = 250
/** A coordinator of an older protocol ends the session on a message that it does not know. */
const notesSince = 2

export interface SessionContext {
  readonly agent: AgentId
  readonly version: string
  readonly hostname: string
  readonly host: string
  readonly boot: string
  readonly store: KnownStore
  readonly trainers: ReadonlyArray<AgentTrainer>
  /** Folders whose Python files trials may name as metrics. */
  readonly allowedMetrics: ReadonlyArray<string>
  /** Takes the secrets of this host out of what is sent. */
  readonly redact: Redact
  /** Sent for people to read, when it is given. */
  readonly log?: RecentLog | undefined
  readonly attempts: Attempts
  readonly slots: Slots
  readonly lease: Lease
  /** The coordinator wants this agent to leave. */
  readonly drain: (reason: string) => Effect.Effect<void>
  /** The agent's own scope, for what has to continue when a session ends. */
  readonly background: Scope.Scope
}

/** Takes an assignment up. One that cannot be run ends here, with the reason. The same one twice is one. */
const assign = Effect.fn("session.assign")(function* (context: SessionContext, assignment: Assignment) {
  const { attempts, slots } = context
  if (attempts.get(assignment.epoch) !== undefined) return undefined
  const slot = slots.get(assignment.slot)
  const { attempt, error } = yield* attempts.add(assignment, slot)
  // A program of the submitter's own runs what it likes anyway.
  const forbidden =
    assignment.trainer === "command" ? [] : forbiddenMetrics(assignment.trialJson, context.allowedMetrics)
  const released = (cause: Reason) => attempt.endedAs({ _tag: "Released", cause })
  const trainer = slot === undefined ? null : slots.trainer(slot, assignment.trainer)
  if (slots.draining) yield* released({ _tag: "AgentDrains" })
  else if (slot === undefined) yield* released({ _tag: "SlotMissing", slot: assignment.slot })
  else if (trainer === null) {
    const allowed = context.trainers
    const message: Reason = { _tag: "TrainerForbidden", agent: context.agent, trainer: assignment.trainer, allowed }
    yield* attempt.endedAs({ _tag: "Failed", class: "dependency", message, detail: null })
  } else if (forbidden.length > 0) {
    const allowed = context.allowedMetrics
    const message: Reason = { _tag: "MetricsForbidden", agent: context.agent, metrics: forbidden, allowed }
    yield* attempt.endedAs({ _tag: "Failed", class: "dependency", message, detail: null })
  } else if (error?.code === "ENOSPC" || error?.code === "EDQUOT") {
    yield* released({ _tag: "DiskFull", message: error.message })
  } else if (error !== undefined) {
    const message: Reason = { _tag: "CannotPrepare", problem: error.message }
    yield* attempt.endedAs({ _tag: "Failed", class: "bug", message, detail: null })
  } else slots.enqueue(slot.index, attempt, trainer)
  attempts.notify()
  return attempt
})

/** One session, from its greeting to its end. `greeted` is told when the coordinator has answered. */
const oneSession = (context: SessionContext, session: AgentSession, greeted: () => void) =>
  Effect.gen(function* () {
    const { attempts, slots, lease } = context
    const uplinks = new Map<Epoch, { readonly uplink: Uplink; readonly fiber: Fiber.Fiber<void> }>()

    const followUp = Effect.fnUntraced(function* (attempt: Attempt, committed: Acknowledged | undefined) {
      const uplink = makeUplink(attempt, committed, (message) => session.send(redactMessage(context.redact, message)))
      // Its failure is the session's, which the receiving side sees as well.
      const fiber = yield* uplink.run.pipe(
        Effect.ignore,
        // A spool that cannot be read is the uplink's to deal with; this is a bug, and costs its own attempt alone.
        Effect.catchDefect((defect) => Effect.logError(`${attempt.name}: its spool cannot be sent`, defect)),
        Effect.asVoid,
        Effect.forkScoped,
      )
      uplinks.set(attempt.epoch, { uplink, fiber })
    })

    const settle = Effect.fnUntraced(function* (epoch: Epoch) {
      const attempt = attempts.get(epoch)
      const sending = uplinks.get(epoch)
      uplinks.delete(epoch)
      if (sending !== undefined) yield* Fiber.interrupt(sending.fiber)
      if (attempt !== undefined) yield* attempts.settle(attempt)
    })

    /** Ends an attempt nobody wants any more and forgets it, without a word about it. */
    const discard = Effect.fnUntraced(function* (epoch: Epoch) {
      const attempt = attempts.get(epoch)
      if (attempt === undefined) return
      attempt.unwanted = true
      yield* attempt.requestStop({ mode: "kill", reason: { _tag: "GivenAway" } })
      // Not in the session's scope: the processes have to go whether or not it lasts.
      yield* Effect.forkIn(
        Effect.andThen(
          attempts.until(() => attempt.end !== undefined),
          attempts.settle(attempt),
        ),
        context.background,
      )
    })

    const receive = Effect.fnUntraced(function* (message: CoordinatorMessage) {
      yield* lease.check
      // It may have been on its way for long, and what it says of trials be true no more: a new greeting settles that.
      if (lease.lapsed && message._tag !== "Welcome") {
        return yield* new SessionBroken({ message: "the agent's lease ended while it was not answered" })
      }
      switch (message._tag) {
        case "Welcome": {
          greeted()
          context.store.welcomed(message.store)
          yield* lease.adopt(message.timings)
          yield* lease.touch(saidHello)
          yield* Effect.logInfo("connected to the coordinator")
          const committed = new Map(message.acknowledged.map((ack) => [ack.epoch, ack]))
          const discarded = new Set(message.discard)
          for (const epoch of discarded) yield* discard(epoch)
          for (const attempt of attempts.all()) {
            if (!discarded.has(attempt.epoch)) yield* followUp(attempt, committed.get(attempt.epoch))
          }
          yield* Effect.forkScoped(Effect.ignore(heartbeat(session.send, lease)))
          yield* Effect.forkScoped(Effect.ignore(announceSlots(session.send, slots)))
          const { log, redact } = context
          if (log !== undefined && message.protocol >= notesSince) {
            const sendNotes = (lines: ReadonlyArray<string>) =>
              session.send(redactMessage(redact, { _tag: "Notes", lines }))
            yield* Effect.forkScoped(Effect.ignore(log.follow(sendNotes)))
          }
          return
        }
        case "Assign": {
          context.store.assigned(message.epoch)
          const take = Effect.gen(function* () {
            const attempt = yield* assign(context, message)
            if (attempt !== undefined) yield* followUp(attempt, undefined)
          })
          const held = attempts.get(message.epoch)?.record
          if (held === undefined || (held.sweep === message.sweep && held.trial === message.trial)) return yield* take
          // Another trial's attempt of that number, of a store that was rolled back or copied: its coordinator is gone.
          yield* Effect.logWarning(`epoch ${message.epoch} is given a second time; what has it here is ended`)
          // Not a word of it goes out under a number that means another one now.
          const sending = uplinks.get(message.epoch)
          uplinks.delete(message.epoch)
          if (sending !== undefined) yield* Fiber.interrupt(sending.fiber)
          yield* discard(message.epoch)
          yield* Effect.forkScoped(
            Effect.andThen(
              attempts.until(() => attempts.get(message.epoch) === undefined),
              take,
            ),
          )
          return
        }
        case "Stop": {
          const attempt = attempts.get(message.epoch)
          if (attempt === undefined) return
          yield* attempt.requestStop({ mode: message.mode, reason: message.reason })
          attempts.notify()
          return
        }
        case "Ack": {
          for (const ack of message.acknowledged) uplinks.get(ack.epoch)?.uplink.acknowledge(ack)
          for (const epoch of message.ended) yield* settle(epoch)
          return
        }
        case "Heard":
          return yield* lease.touch(message.at)
        case "Drain":
          return yield* context.drain(reasonSentence(message.reason))
      }
    })

    const saidHello = yield* monotonic
    // Why a session is over is told by its incoming side, also to a sender that could not send.
    yield* Effect.ignore(
      session.send({
        _tag: "Hello",
        protocol: protocolVersion,
        agent: context.agent,
        version: context.version,
        hostname: context.hostname,
        host: context.host,
        boot: context.boot,
        store: context.store.greeting,
        slots: slots.offered(),
        trainers: context.trainers,
        held: attempts.held(),
      }),
    )
    if (slots.draining) slots.changed.openUnsafe()
    yield* Stream.runForEach(session.incoming, receive)
    return yield* new SessionBroken({ message: "the coordinator closed the session" })
  })

const announceSlots = (send: AgentSession["send"], slots: Slots) =>
  Effect.gen(function* () {
    for (;;) {
      yield* slots.changed.await
      slots.changed.closeUnsafe()
      const { draining } = slots
      yield* send({ _tag: "Slots", slots: slots.offered(), draining })
      if (draining) slots.toldDraining.openUnsafe()
    }
  })

/**
 * The loop. Fails with `SessionRefused` when the coordinator will not have this agent and nothing is lost by leaving;
 * with attempts still held it continues asking, until the lease has ended them.
 */
export const keepSession = (context: SessionContext): Effect.Effect<never, SessionRefused, AgentConnection> =>
  Effect.gen(function* () {
    const connection = yield* AgentConnection
    let backoff = firstBackoffMillis
    let told = ""
    for (;;) {
      let greeted = false
      const began = yield* monotonic
      const error = yield* connection.open.pipe(
        Effect.flatMap((session) =>
          oneSession(context, session, () => {
            greeted = true
          }),
        ),
        Effect.scoped,
        Effect.flip,
      )
      if (error._tag === "SessionRefused" && context.attempts.all().length === 0) return yield* error
      // A session shorter than the waits before it is no reason to hurry: two agents of one name throw each other out.
      if (greeted && (yield* monotonic) - began > 2 * backoff) backoff = firstBackoffMillis
      if (greeted) told = ""
      if (error.message !== told)
        yield* Effect.logWarning(`no session with the coordinator: ${error.message}; trying again`)
      told = error.message
      // Half of it by chance: a thousand agents must not come back in the same moment.
      yield* Effect.sleep(backoff * (0.5 + 0.5 * (yield* Random.next)))
      backoff = Math.min(maxBackoffMillis, backoff * 2)
    }
  })
