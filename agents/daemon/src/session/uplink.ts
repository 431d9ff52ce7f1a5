// Sends one attempt's spool and logs over one session, from what the coordinator has committed on, then its end. Owns
// the order (every line before the end) and the window of unacknowledged messages; a new session gets a new uplink.
import type { Acknowledged, AgentMessage } from "@sweep/protocol/AgentMessage"
import type { AgentSession, SessionBroken } from "@sweep/protocol/AgentConnection"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Attempt } from "../attempt/Attempt.ts"
import { sentLimit } from "../attempt/LogFile.ts"
import type { Position } from "../attempt/spool.ts"

/** Messages of one attempt under way without an acknowledgement: bounds what a slow coordinator has to hold. */
const windowMessages = 8
/** Log text is gathered this long, so that a chatty trainer does not cost a message a line. */
const logGatherMillis = 200
const saveMillis = 1_000

/** Failures to read the spool after which one whose attempt is over is given up, and the longest wait between two. */
const mostFailures = 6
const longestRetry = 15_000

export interface Uplink {
  /** Until the session ends. */
  readonly run: Effect.Effect<never, SessionBroken>
  readonly acknowledge: (ack: Acknowledged) => void
}

/** `committed`: what the coordinator said in its welcome that it has of this attempt. */
export const makeUplink = (
  attempt: Attempt,
  committed: Acknowledged | undefined,
  send: AgentSession["send"],
): Uplink => {
  let cursor = attempt.positionAfter(committed?.seq ?? 0)
  const sentLogs = { stdout: committed?.stdout ?? 0, stderr: committed?.stderr ?? 0 }
  /** Where each message under way ends in the spool, oldest first. */
  const underWay: Array<Position> = []

  const acknowledge = (ack: Acknowledged) => {
    let passed: Position | undefined
    while (underWay.length > 0 && underWay[0]!.seq <= ack.seq) passed = underWay.shift()
    attempt.acknowledge(ack, passed)
  }

  const nextEvents = (): Extract<AgentMessage, { readonly _tag: "Events" }> | undefined => {
    if (underWay.length >= windowMessages) return undefined
    for (let batch = attempt.spool.read(cursor); batch !== undefined; batch = attempt.spool.read(cursor)) {
      cursor = batch.next
      if (batch.lines === 0) continue
      underWay.push(cursor)
      const { firstSeq, points, events } = batch
      return { _tag: "Events", epoch: attempt.epoch, firstSeq, lastSeq: cursor.seq, points, events }
    }
    return undefined
  }

  let failures = 0
  let unreadable: string | undefined
  /**
   * Sends what there is to send. A spool or a log that cannot be read is looked at again, later and later, and costs the
   * other attempts of the session nothing; one that stays so after the attempt's end is given up, and the end says so.
   */
  const sendAll = <E>(work: Effect.Effect<void, E>): Effect.Effect<void, E> =>
    Effect.catchDefect(work, (defect) =>
      Effect.gen(function* () {
        const message = defect instanceof Error ? defect.message : String(defect)
        if (failures++ === 0) yield* Effect.logError(`${attempt.name}: its spool cannot be read: ${message}`)
        if (attempt.end !== undefined && failures >= mostFailures) unreadable = message
        else yield* Effect.sleep(Math.min(longestRetry, 250 * 2 ** failures))
        attempt.wake.openUnsafe()
      }),
    )

  const nextLog = (last: boolean): Extract<AgentMessage, { readonly _tag: "Log" }> | undefined => {
    for (const stream of ["stdout", "stderr"] as const) {
      const piece = attempt.logs[stream].read(sentLogs[stream], last)
      if (piece === undefined) continue
      sentLogs[stream] = piece.end
      return { _tag: "Log", epoch: attempt.epoch, stream, ...piece }
    }
    return undefined
  }

  const logsWait = () =>
    unreadable === undefined &&
    failures === 0 &&
    (["stdout", "stderr"] as const).some((stream) => {
      const log = attempt.logs[stream]
      return sentLogs[stream] < Math.min(log.size(), sentLimit)
    })

  const run = Effect.gen(function* () {
    let toldEnd = false
    let logsSentAt = Number.NEGATIVE_INFINITY
    let savedAt = Number.NEGATIVE_INFINITY
    let savedSeq = attempt.record.acknowledged.seq
    for (;;) {
      attempt.wake.closeUnsafe()
      // Read before the files: once the end is known, what is in them is all there will be.
      const { end } = attempt
      const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
      let everyLine = unreadable !== undefined
      if (unreadable === undefined) {
        yield* sendAll(
          Effect.gen(function* () {
            for (let events = nextEvents(); events !== undefined; events = nextEvents()) yield* send(events)
            const all = underWay.length < windowMessages
            if (end !== undefined || now - logsSentAt >= logGatherMillis) {
              for (let log = nextLog(end !== undefined); log !== undefined; log = nextLog(end !== undefined)) {
                logsSentAt = now
                yield* send(log)
              }
            }
            everyLine = all
            failures = 0
          }),
        )
      }
      if (end !== undefined && everyLine && !toldEnd) {
        toldEnd = true
        const skipped = attempt.skipped(unreadable)
        yield* send({ _tag: "Ended", epoch: attempt.epoch, lastSeq: cursor.seq, end, ...(skipped && { skipped }) })
      }
      // A restarted agent begins to read there; it is a saving, not a promise, so now and then is enough.
      if (attempt.record.acknowledged.seq > savedSeq && now - savedAt >= saveMillis) {
        savedAt = now
        savedSeq = attempt.record.acknowledged.seq
        yield* attempt.save
      }
      yield* logsWait() ? Effect.timeoutOption(attempt.wake.await, logGatherMillis) : attempt.wake.await
    }
  })
  return { run, acknowledge }
}
