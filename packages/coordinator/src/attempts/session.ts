// One agent's session, from its Hello to its end: the coordinator's side of AgentMessage.ts. Owns the handshake, what
// follows from an agent's word on what it holds, and the check that a message is of an attempt that still counts.
// Committing is ingest.ts', deciding is elsewhere.
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { Epoch } from "@sweep/domain/Id"
import { redispatchAfter, type Timings } from "@sweep/domain/Lease"
import { isTerminal } from "@sweep/domain/Trial"
import { SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { AgentMessage, CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import { oldestProtocol, protocolVersion, understands, versionProblem } from "@sweep/protocol/versions"
import type { GatewaySession } from "@sweep/protocol/AgentGateway"
import { Audit } from "@sweep/protocol/Audit"
import { Caller } from "@sweep/protocol/Caller"
import type { StoreError } from "@sweep/store/Store"
import type { Endings } from "./endings.ts"
import type { Ingest } from "./ingest.ts"
import type { Journal } from "../state/Journal.ts"
import { monotonic } from "../state/monotonic.ts"
import type { Agent, Roster, Session } from "../state/Roster.ts"
import { attempts } from "../state/StateView.ts"

type Hello = Extract<AgentMessage, { readonly _tag: "Hello" }>

/** Epochs by which an agent may know more than the store, and by which new ones then begin beyond. */
const mostRolledBack = 1_000_000

/** Messages that may wait for an agent to read them. */
const outboxCapacity = 1_024
/** Lines that are kept of an agent's own log. */
const mostLogLines = 500

/** What the older of two sessions is told: it may be the agent's own from before a break, or somebody else's. */
const replaced = ({ agent, hostname }: Hello): SessionBroken =>
  new SessionBroken({
    message: `a newer session of ${agent} took the place of this one; if two agents of that name run on ${hostname}, start one of them with another --id`,
  })

const checkVersion = (hello: Hello): Effect.Effect<void, SessionRefused> =>
  Option.match(Option.fromUndefinedOr(versionProblem({ kind: "agent", ...hello })), {
    onNone: () => Effect.void,
    onSome: (message) => Effect.fail(new SessionRefused({ message })),
  })

export const makeServe = (options: {
  readonly journal: Journal
  readonly storeId: Effect.Effect<string, StoreError>
  readonly roster: Roster
  readonly ingest: Ingest
  readonly endings: Endings
  readonly timings: Timings
  /** Slots may have become free. */
  readonly wake: () => void
}) => {
  const { journal, storeId, roster, ingest, endings, timings, wake } = options
  const { state } = journal

  /** A second agent that goes by the same name would take turns with the first in throwing each other out. */
  const checkName = (hello: Hello, agent: Agent | undefined, now: number): Effect.Effect<void, SessionRefused> =>
    agent !== undefined && agent.session !== null && !roster.isSuspect(agent, now) && agent.hostname !== hello.hostname
      ? Effect.fail(
          new SessionRefused({
            message: `an agent named ${hello.agent} is connected from ${agent.hostname}; give the one on ${hello.hostname} another name`,
          }),
        )
      : Effect.void

  /** An agent is who its token says: nobody takes another one's place by its name. */
  const checkIdentity = Effect.fnUntraced(function* (hello: Hello, peer: string) {
    const caller = yield* Caller
    const refused = caller.speaksFor(hello.agent)
      ? null
      : `the token '${caller.name}' is for ${caller.agents}, and this agent says that it is ${hello.agent}; start it without --id, or with an access file of its own: sweep tokens create ${hello.agent} --role agent`
    const { record } = yield* Audit
    record({ caller, what: "hello", peer, about: { agent: hello.agent, hostname: hello.hostname }, refused })
    if (refused !== null) return yield* new SessionRefused({ message: refused, denied: true })
  })

  /**
   * An agent of this name that works elsewhere does not know what became of the attempts which the other one has. Until
   * that one has ended them for want of contact, the trials are its.
   */
  const checkPlace = (hello: Hello, agent: Agent | undefined, now: number): Effect.Effect<void, SessionBroken> => {
    if (agent === undefined || agent.lost || hello.host === undefined) return Effect.void
    if (agent.host === "" || agent.host === hello.host) return Effect.void
    const held = new Set(hello.held.map(({ epoch }) => epoch))
    const others = Array.from(attempts(state)).some(
      (trial) => trial.agent === agent.id && !held.has(trial.epoch!) && (trial.host ?? agent.host) !== hello.host,
    )
    if (!others) return Effect.void
    const left = Math.ceil((redispatchAfter(timings) - (now - agent.lastHeard)) / 1_000)
    return Effect.fail(
      new SessionBroken({
        message: `trials of an agent named ${hello.agent} may still run on another host; its lease ends in ${Math.max(1, left)} s. Give the one on ${hello.hostname} another --id, or wait`,
      }),
    )
  }

  /** The agent was assigned more by this store than the store knows of: it was rolled back, and is another one from now on. */
  const recognise = Effect.fnUntraced(function* (hello: Hello) {
    const { store } = hello
    const known = yield* storeId
    if (store === undefined || store.id !== known || store.lastEpoch <= state.lastEpoch) return known
    if (store.lastEpoch > state.lastEpoch + mostRolledBack) {
      yield* Effect.logWarning(
        `agent ${hello.agent} claims epoch ${store.lastEpoch} of this store, which is not believed`,
      )
      return known
    }
    const epoch = Epoch.make(store.lastEpoch + mostRolledBack)
    yield* Effect.logWarning(
      `the store was rolled back: agent ${hello.agent} was assigned epoch ${store.lastEpoch} of it, its newest is ${state.lastEpoch}. What was acknowledged after that is lost here; new attempts begin beyond ${epoch}`,
    )
    yield* journal.record((at) =>
      store.lastEpoch > state.lastEpoch ? [{ _tag: "StoreRestored", at, epoch, from: "", agent: hello.agent }] : [],
    )
    return yield* storeId
  })

  const welcome = Effect.fnUntraced(function* (hello: Hello, session: Session, peer: string) {
    yield* checkVersion(hello)
    yield* checkIdentity(hello, peer)
    if (state.orders.get(hello.agent) === "remove") {
      return yield* new SessionRefused({
        message: `agent ${hello.agent} was removed from this coordinator; 'sweep agents resume ${hello.agent}' lets it in again`,
      })
    }
    const now = yield* monotonic
    yield* checkName(hello, roster.agents.get(hello.agent), now)
    yield* checkPlace(hello, roster.agents.get(hello.agent), now)
    const store = yield* Effect.mapError(recognise(hello), ({ message }) => new SessionBroken({ message }))
    const agent = roster.known(hello.agent, now)
    // The newest session is the true one: the agent was restarted, or the old connection is half-open.
    const older = agent.session
    const isNew = agent.version !== hello.version || agent.lost || agent.slots.length === 0

    const holds = new Set<Epoch>()
    const discard: Array<Epoch> = []
    const settled: Array<Epoch> = []
    agent.occupied.clear()
    for (const { epoch, slot, running, sweep, trial: number } of hello.held) {
      const trial = state.trialOf(epoch)
      if (sweep !== undefined && (trial?.sweep !== sweep || trial.number !== number)) {
        // Another store's attempt of that number.
        discard.push(epoch)
        continue
      }
      holds.add(epoch)
      if (state.inFlight(epoch)?.agent === agent.id) {
        if (running) agent.occupied.set(slot, epoch)
      } else if (!running && trial?.epoch === epoch && (isTerminal(trial.state) || state.isSetAside(trial))) {
        // Its end is recorded and only the confirmation was lost.
        settled.push(epoch)
      } else {
        discard.push(epoch)
      }
    }
    Object.assign(agent, {
      version: hello.version,
      hostname: hello.hostname,
      host: hello.host ?? "",
      slots: hello.slots,
      trainers: new Set(hello.trainers),
      draining: false,
      held: state.orders.get(hello.agent) === "drain",
      log: [],
      lost: false,
      lastHeard: now,
      session,
    })
    // Only now: in ending, it looks whether it is still the agent's.
    older?.close(replaced(hello))
    const wanted = new Set(discard)
    session.post({
      _tag: "Welcome",
      protocol: protocolVersion,
      timings,
      acknowledged: hello.held.flatMap(({ epoch }) => (wanted.has(epoch) ? [] : [ingest.mark(epoch)])),
      discard,
      store,
    })
    if (settled.length > 0) session.post({ _tag: "Ack", acknowledged: [], ended: settled })
    for (const trial of attempts(state)) {
      if (trial.agent !== agent.id) continue
      if (!holds.has(trial.epoch!)) {
        // The assignment never reached it, or it has forgotten: nobody runs this trial.
        const cause = { _tag: "AgentForgot" } as const
        endings.ended(trial.epoch!, { _tag: "Released", cause }, null)
      } else if (trial.stopReason !== null) {
        session.post({ _tag: "Stop", epoch: trial.epoch!, mode: "finish", reason: trial.stopReason })
      } else if (state.sweeps.get(trial.sweep)?.status === "paused") {
        session.post({ _tag: "Stop", epoch: trial.epoch!, mode: "preempt", reason: { _tag: "SweepIsPaused" } })
      }
    }
    if (isNew) {
      const devices = hello.slots.flatMap(({ devices }) => devices.map(({ name }) => name))
      // For people to read: an agent works as well without it.
      yield* Effect.ignore(
        journal.record((at) => [{ _tag: "AgentConnected", at, agent: agent.id, version: hello.version, devices }]),
      )
    }
    wake()
    return agent
  })

  /** Serves a session to its end. */
  return Effect.fnUntraced(function* ({ send, incoming, peer }: GatewaySession) {
    const outbox = yield* Queue.dropping<CoordinatorMessage>(outboxCapacity)
    const over = yield* Deferred.make<never, SessionBroken | SessionRefused>()
    const session: Session = {
      post: (message) => {
        if (!understands(protocol, message)) return
        if (!Queue.offerUnsafe(outbox, message))
          session.close(new SessionBroken({ message: "the agent does not read" }))
      },
      close: (error) => Deferred.doneUnsafe(over, Effect.fail(error)),
    }
    let agent: Agent | undefined
    /** What the agent speaks. */
    let protocol = oldestProtocol
    /** Attempts this session was told to end, once is enough. */
    const told = new Set<Epoch>()

    /** The trial whose newest attempt this is, if it is one of this agent's. */
    const ofNewest = (from: Agent, epoch: Epoch) => {
      const trial = state.current(epoch)
      // What was taken from it, paused say, is still its to complete; what it never had is not.
      return state.holderOf(epoch) === from.id ? trial : undefined
    }
    /** The trial that a message is about; an attempt that no longer counts is ended. */
    const counts = (from: Agent, epoch: Epoch) => {
      const trial = ofNewest(from, epoch)
      if (trial !== undefined) return trial
      if (!told.has(epoch)) {
        told.add(epoch)
        session.post({ _tag: "Stop", epoch, mode: "kill", reason: { _tag: "Superseded" } })
      }
      return undefined
    }

    const receive = (from: Agent, message: AgentMessage): Effect.Effect<void, SessionRefused> => {
      switch (message._tag) {
        case "Hello":
          return Effect.fail(new SessionRefused({ message: "a session has one Hello" }))
        case "Notes":
          from.log = [...from.log, ...message.lines].slice(-mostLogLines)
          return Effect.void
        case "Heartbeat":
          session.post({ _tag: "Heard", at: message.at })
          return Effect.void
        case "Slots":
          from.slots = message.slots
          from.draining = message.draining
          wake()
          return Effect.void
        case "Events": {
          const trial = counts(from, message.epoch)
          if (trial === undefined) return Effect.void
          const { epoch, firstSeq, lastSeq, points, events } = message
          const batch = { sweep: trial.sweep, trial: trial.number, epoch, firstSeq, lastSeq, points, events }
          return ingest.offer({ _tag: "Events", session, batch })
        }
        case "Log": {
          const trial = counts(from, message.epoch)
          if (trial === undefined) return Effect.void
          const { epoch, stream, offset, end, text } = message
          const chunk = { sweep: trial.sweep, trial: trial.number, epoch, stream, offset, end, text }
          return ingest.offer({ _tag: "Log", session, chunk })
        }
        case "Ended": {
          const { epoch, lastSeq, end, skipped } = message
          // Behind its lines, also of a trial that was paused meanwhile: the next attempt begins once they are committed.
          if (ofNewest(from, epoch) !== undefined) {
            return ingest.offer({ _tag: "Ended", session, epoch, lastSeq, end, skipped })
          }
          // Over, given to another agent since or never this one's: how it ended changes nothing, but its slot is free.
          for (const [slot, occupant] of from.occupied) if (occupant === epoch) from.occupied.delete(slot)
          session.post({ _tag: "Ack", acknowledged: [], ended: [epoch] })
          wake()
          return Effect.void
        }
      }
    }

    const listen = Stream.runForEach(incoming, (message) =>
      Effect.gen(function* () {
        if (agent === undefined) {
          if (message._tag !== "Hello") {
            return yield* new SessionRefused({ message: "a session begins with Hello" })
          }
          protocol = message.protocol
          agent = yield* welcome(message, session, peer)
          return
        }
        const now = yield* monotonic
        const wasSuspect = roster.isSuspect(agent, now)
        agent.lastHeard = now
        if (wasSuspect) wake()
        yield* receive(agent, message)
        // Waiting for the store is no silence of the agent's.
        agent.lastHeard = yield* monotonic
      }),
    )
    const transmit = Effect.forever(Effect.flatMap(Queue.take(outbox), send))

    return yield* Effect.raceAllFirst([listen, transmit, Deferred.await(over)]).pipe(
      Effect.ensuring(
        Effect.suspend(() => {
          if (agent === undefined || agent.session !== session) return Effect.void
          agent.session = null
          const { id } = agent
          // It finished what it had and said that it takes no more: nothing of it is waited for.
          const idle = !Array.from(attempts(state)).some((trial) => trial.agent === id)
          if (!agent.draining || !idle) return Effect.void
          roster.agents.delete(id)
          return Effect.ignore(journal.record((at) => [{ _tag: "AgentLeft", at, agent: id }]))
        }),
      ),
    )
  })
}
