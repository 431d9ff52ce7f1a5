// The loop that commits what agents send: whatever has come in while the last commit was under way goes into the next
// one, together, and is acknowledged after it. Owns acknowledging: nothing is acknowledged that is not committed. The
// queue before it is bounded, so that a store that cannot keep up slows the agents down.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type { Epoch } from "@sweep/domain/Id"
import { SessionBroken } from "@sweep/protocol/AgentConnection"
import type { AgentMessage, AttemptEnd, SkippedLines } from "@sweep/protocol/AgentMessage"
import type { EventBatch, HighWater, LogChunk } from "@sweep/store/EventBatch"
import { Store, type StoreError } from "@sweep/store/Store"
import type { Session } from "../state/Roster.ts"

type EndedMessage = Extract<AgentMessage, { readonly _tag: "Ended" }>

type Received = { readonly session: Session } & (
  | { readonly _tag: "Events"; readonly batch: EventBatch }
  | { readonly _tag: "Log"; readonly chunk: LogChunk }
  | ({ readonly _tag: "Ended" } & Pick<EndedMessage, "epoch" | "lastSeq" | "end" | "skipped">)
)

export interface Ingest {
  /** Waits while too much is under way. */
  readonly offer: (received: Received) => Effect.Effect<void>
  /** Up to where an attempt is committed. */
  readonly mark: (epoch: Epoch) => HighWater
  readonly run: Effect.Effect<never>
}

/** Messages that may wait for a commit, of all agents together. */
const capacity = 256

export const makeIngest = Effect.fnUntraced(function* (after: {
  /** Events of `batch` are committed. */
  readonly committed: (batch: EventBatch) => void
  /** An attempt is over, and every line of it committed. */
  readonly ended: (epoch: Epoch, end: AttemptEnd, session: Session, skipped?: SkippedLines) => void
  /** What an attempt sent cannot be stored, whatever else can. */
  readonly unstorable: (epoch: Epoch, reason: string, session: Session) => void
}) {
  const store = yield* Store
  const queue = yield* Queue.bounded<Received>(capacity)
  const marks = new Map((yield* store.highWater).map((mark) => [mark.epoch, mark]))
  const mark = (epoch: Epoch): HighWater => marks.get(epoch) ?? { epoch, seq: 0, stdout: 0, stderr: 0 }

  const commit = Effect.fnUntraced(function* (group: ReadonlyArray<Received>) {
    const batches: Array<EventBatch> = []
    const logs: Array<LogChunk> = []
    for (const received of group) {
      if (received._tag === "Events") batches.push(received.batch)
      if (received._tag === "Log") logs.push(received.chunk)
    }
    if (batches.length + logs.length > 0) {
      for (const committed of yield* store.ingest(batches, logs)) marks.set(committed.epoch, committed)
    }

    const acknowledged = new Map<Session, Set<Epoch>>()
    for (const received of group) {
      const { session } = received
      switch (received._tag) {
        case "Events": {
          const { epoch, lastSeq } = received.batch
          if (mark(epoch).seq < lastSeq) session.close(missing(`lines after ${mark(epoch).seq}`, epoch))
          else after.committed(received.batch)
          acknowledged.set(session, (acknowledged.get(session) ?? new Set()).add(epoch))
          break
        }
        case "Log": {
          const { epoch, stream, end } = received.chunk
          if (mark(epoch)[stream] < end) session.close(missing(`${stream} after ${mark(epoch)[stream]} bytes`, epoch))
          acknowledged.set(session, (acknowledged.get(session) ?? new Set()).add(epoch))
          break
        }
        case "Ended": {
          const { epoch, lastSeq, end, skipped } = received
          if (mark(epoch).seq < lastSeq) session.close(missing(`lines after ${mark(epoch).seq}`, epoch))
          else after.ended(epoch, end, session, skipped)
          break
        }
      }
    }
    for (const [session, epochs] of acknowledged) {
      session.post({ _tag: "Ack", acknowledged: Array.from(epochs, mark), ended: [] })
    }
  })

  /** What attempts have sent is committed, by how much; what was committed before does not count. */
  const committedBy = (group: ReadonlyArray<Received>): number =>
    group.reduce((sum, received) => {
      const { seq, stdout, stderr } = mark(epochOf(received))
      return sum + seq + stdout + stderr
    }, 0)

  /**
   * After a group that was refused: what every attempt of it sent, by itself. What is refused again right after something
   * of another attempt was written is at fault itself, not the store: that attempt ends, and the others continue. A disk
   * that is full is never an attempt's fault.
   */
  const commitApart = Effect.fnUntraced(function* (group: ReadonlyArray<Received>, cause: Cause.Cause<StoreError>) {
    const apart = Array.from(Map.groupBy(group, epochOf).values())
    if (apart.length === 1) return yield* refuse(group, cause)
    const refused: Array<ReadonlyArray<Received>> = []
    const before = committedBy(group)
    for (const part of apart) yield* Effect.catchCause(commit(part), () => Effect.sync(() => refused.push(part)))
    const storeWrites = committedBy(group) > before
    for (const part of refused) {
      yield* Effect.catchCause(commit(part), (again) => {
        const failure = Option.getOrUndefined(Cause.findErrorOption(again))
        if (!storeWrites || failure?.reason !== "io") return refuse(part, again)
        const epoch = epochOf(part[0]!)
        after.unstorable(epoch, failure.message, part[0]!.session)
        return Effect.logError(`attempt ${epoch} is ended, what it sent cannot be stored: ${failure.message}`)
      })
    }
  })

  const refuse = (group: ReadonlyArray<Received>, cause: Cause.Cause<StoreError>) => {
    const message = reasonOf(cause)
    return Effect.andThen(
      Effect.logError(
        "what agents sent was not committed and stays with them",
        Option.isSome(Cause.findErrorOption(cause)) ? message : cause,
      ),
      Effect.sync(() => {
        for (const { session } of group) session.close(new SessionBroken({ message }))
      }),
    )
  }

  return {
    offer: (received) => Effect.asVoid(Queue.offer(queue, received)),
    mark,
    run: Queue.takeAll(queue).pipe(
      Effect.flatMap((group) =>
        // What is being committed is also acknowledged, or at least told to the sessions.
        Effect.uninterruptible(Effect.catchCause(commit(group), (cause) => commitApart(group, cause))),
      ),
      Effect.forever,
    ),
  } satisfies Ingest
})

const epochOf = (received: Received): Epoch => {
  switch (received._tag) {
    case "Events":
      return received.batch.epoch
    case "Log":
      return received.chunk.epoch
    case "Ended":
      return received.epoch
  }
}

const reasonOf = (cause: Cause.Cause<StoreError>): string => {
  const failure = Cause.findErrorOption(cause)
  return Option.isSome(failure) ? failure.value.message : "the coordinator failed; its log says more"
}

/** The agent resumes from what is acknowledged once it has connected again. */
const missing = (what: string, epoch: Epoch) =>
  new SessionBroken({ message: `of attempt ${epoch} the ${what} did not arrive; send them again` })
