// An agent without trainers: a test says what it reports and when. It speaks the real messages over whatever
// AgentConnection it is given, so the coordinator cannot tell it from one with GPUs. It keeps no spool and resends
// nothing by itself: losing, repeating and reordering is for the test to do.
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Device, Slot } from "@sweep/domain/Device"
import { AgentId, type Epoch } from "@sweep/domain/Id"
import { pointColumns } from "@sweep/domain/PointColumns"
import type { TrialEvent } from "@sweep/domain/TrialEvent"
import { AgentConnection, type SessionBroken, type SessionRefused } from "../src/AgentConnection.ts"
import { protocolVersion } from "../src/versions.ts"
import type { Acknowledged, AgentMessage, AttemptEnd, CoordinatorMessage, HeldAttempt } from "../src/AgentMessage.ts"

export type Received<T extends CoordinatorMessage["_tag"]> = Extract<CoordinatorMessage, { readonly _tag: T }>

/** Slots with `devices` devices each. */
export const slotsOf = (count: number, devices = 1): ReadonlyArray<Slot> =>
  Array.from(
    { length: count },
    (_, index) =>
      new Slot({
        index,
        devices: Array.from(
          { length: devices },
          (_, device) =>
            new Device({ kind: "cuda", index: index * devices + device, name: "GPU", memoryBytes: 1e9, threads: 1 }),
        ) as [Device, ...Array<Device>],
      }),
  )

/** One line of metrics a step: `{ step: { metric: value } }`. */
export type Lines = ReadonlyArray<{ readonly step: number; readonly values: Readonly<Record<string, number>> }>

export const evalLosses = (...losses: ReadonlyArray<number>): Lines =>
  losses.map((value, i) => ({ step: (i + 1) * 10, values: { "eval/loss": value } }))

export interface ScriptedAgent {
  readonly id: AgentId
  readonly send: (message: AgentMessage) => Effect.Effect<void, SessionBroken>
  /** The next message of a kind, whatever else came before it. */
  readonly next: <T extends CoordinatorMessage["_tag"]>(tag: T) => Effect.Effect<Received<T>>
  /** The newest mark that was acknowledged of an attempt. */
  readonly mark: (epoch: Epoch) => Acknowledged | undefined
  /** Waits until the lines up to `seq` are acknowledged. */
  readonly acknowledged: (epoch: Epoch, seq: number) => Effect.Effect<void>
  /** Waits until the end of an attempt is confirmed. */
  readonly confirmed: (epoch: Epoch) => Effect.Effect<void>
  /** Messages of a kind that have come and were not taken. */
  readonly waiting: (tag: CoordinatorMessage["_tag"]) => number
  /** How the session ended. */
  readonly over: Effect.Effect<"ended" | SessionBroken | SessionRefused>
  /** Reports lines, numbered from `firstSeq` on. */
  readonly report: (
    epoch: Epoch,
    lines: Lines,
    firstSeq?: number,
    events?: ReadonlyArray<TrialEvent>,
  ) => Effect.Effect<void, SessionBroken>
  readonly log: (epoch: Epoch, offset: number, text: string) => Effect.Effect<void, SessionBroken>
  readonly ended: (epoch: Epoch, lastSeq: number, end: AttemptEnd) => Effect.Effect<void, SessionBroken>
  /** Reports the lines and that the attempt finished with them. */
  readonly complete: (epoch: Epoch, lines: Lines) => Effect.Effect<void, SessionBroken>
}

export const eventsMessage = (
  epoch: Epoch,
  lines: Lines,
  firstSeq = 1,
  events: ReadonlyArray<TrialEvent> = [],
): Extract<AgentMessage, { readonly _tag: "Events" }> => {
  const points = lines.flatMap(({ step, values }, i) => {
    const seq = firstSeq + i
    const at = 1_700_000_000_000 + seq * 1_000
    return Object.entries(values).map(([metric, value]) => ({ seq, metric, step, value, at }))
  })
  return {
    _tag: "Events",
    epoch,
    firstSeq,
    lastSeq: Math.max(firstSeq + lines.length - 1, ...events.map(({ seq }) => seq)),
    points: pointColumns(points),
    events,
  }
}

export const finished = (change: Partial<Extract<AttemptEnd, { readonly _tag: "Finished" }>> = {}): AttemptEnd => ({
  _tag: "Finished",
  interrupted: false,
  step: 100,
  values: {},
  ...change,
})

/** Connects and says Hello. The session lasts as long as the scope. */
export const connectAgent = Effect.fnUntraced(function* (
  options: {
    readonly id?: string
    readonly hostname?: string
    readonly host?: string
    readonly store?: { readonly id: string; readonly lastEpoch: number }
    readonly slots?: ReadonlyArray<Slot>
    readonly trainers?: ReadonlyArray<string>
    readonly held?: ReadonlyArray<HeldAttempt>
    readonly protocol?: number
    /** Says nothing of its own accord, not even Hello. */
    readonly silent?: boolean
  } = {},
): Effect.fn.Return<ScriptedAgent, SessionBroken | SessionRefused, AgentConnection | Scope.Scope> {
  const { id = "agent", hostname = "host", slots = slotsOf(1), trainers = ["peft", "command"], held = [] } = options
  const agent = AgentId.make(id)
  const session = yield* (yield* AgentConnection).open
  const queues = new Map<string, Queue.Queue<CoordinatorMessage>>()
  const queueOf = (tag: string) => {
    let queue = queues.get(tag)
    if (queue === undefined) queues.set(tag, (queue = Effect.runSync(Queue.unbounded<CoordinatorMessage>())))
    return queue
  }
  const over = yield* Queue.unbounded<"ended" | SessionBroken | SessionRefused>()
  const marks = new Map<Epoch, Acknowledged>()
  const confirmed = new Set<Epoch>()
  yield* Stream.runForEach(session.incoming, (message) => {
    if (message._tag === "Ack") {
      for (const mark of message.acknowledged) marks.set(mark.epoch, mark)
      for (const epoch of message.ended) confirmed.add(epoch)
    }
    return Queue.offer(queueOf(message._tag), message)
  }).pipe(
    Effect.matchEffect({
      onSuccess: () => Queue.offer(over, "ended" as const),
      onFailure: (error) => Queue.offer(over, error),
    }),
    Effect.forkScoped,
  )
  const send = session.send
  if (options.silent !== true) {
    yield* send({
      _tag: "Hello",
      protocol: options.protocol ?? protocolVersion,
      agent,
      version: "0.1.0",
      hostname,
      slots,
      trainers,
      held,
      ...(options.host !== undefined && { host: options.host, boot: "1" }),
      ...(options.store !== undefined && { store: options.store }),
    })
  }
  const report: ScriptedAgent["report"] = (epoch, lines, firstSeq, events) =>
    send(eventsMessage(epoch, lines, firstSeq, events))
  const ended: ScriptedAgent["ended"] = (epoch, lastSeq, end) => send({ _tag: "Ended", epoch, lastSeq, end })
  return {
    id: agent,
    send,
    next: <T extends CoordinatorMessage["_tag"]>(tag: T) =>
      Effect.map(Queue.take(queueOf(tag)), (message) => message as Received<T>),
    mark: (epoch) => marks.get(epoch),
    acknowledged: (epoch, seq) =>
      Effect.asVoid(
        eventually(
          `lines of ${epoch} up to ${seq} are acknowledged`,
          Effect.sync(() => (marks.get(epoch)?.seq ?? 0) >= seq),
        ),
      ),
    confirmed: (epoch) =>
      Effect.asVoid(
        eventually(
          `the end of ${epoch} is confirmed`,
          Effect.sync(() => confirmed.has(epoch)),
        ),
      ),
    waiting: (tag) => Queue.sizeUnsafe(queueOf(tag)),
    over: Queue.take(over),
    report,
    log: (epoch, offset, text) =>
      send({ _tag: "Log", epoch, stream: "stdout", offset, end: offset + Buffer.byteLength(text), text }),
    ended,
    complete: (epoch, lines) =>
      Effect.andThen(
        report(epoch, lines),
        ended(epoch, lines.length, finished({ step: lines.at(-1)?.step ?? 0, values: { ...lines.at(-1)?.values } })),
      ),
  }
})

/** Looks again until `check` gives a value. The test's own timeout is the only bound, and says then what was awaited. */
export const eventually = <A, E, R>(
  what: string,
  check: Effect.Effect<A | undefined | false, E, R>,
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    // Looked at on the real clock, which the test's own does not move.
    for (;;) {
      const found = yield* check
      if (found !== undefined && found !== false) return found
      yield* Effect.promise(() => new Promise<void>((done) => setTimeout(done, 2)))
    }
  }).pipe(Effect.onInterrupt(() => Effect.logError(`was still waiting: ${what}`)))
