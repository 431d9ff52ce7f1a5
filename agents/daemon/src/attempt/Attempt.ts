// One attempt as the agent holds it: its directory, how far its life has come, how far the coordinator has followed.
// Owns that state and its copy in agent.json, from which a restarted agent takes it up. Running it, reading its spool
// and sending it are loops of their own (attemptRun, tail, uplink) that meet here.
import type { Epoch } from "@sweep/domain/Id"
import type { Reason } from "@sweep/domain/Reason"
import type { Acknowledged, AttemptEnd, HeldAttempt, SkippedLines, StopMode } from "@sweep/protocol/AgentMessage"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import { type AttemptDirectory, type AttemptRecord, decodeEnd, encodeEnd } from "./AttemptDirectory.ts"
import { LogFile } from "./LogFile.ts"
import type { ProcessTree } from "../process/ProcessTree.ts"
import { type Position, Spool, start } from "./spool.ts"
import { Tail } from "./tail.ts"

export interface StopRequest {
  readonly mode: StopMode
  /** The cause of the release where the stop leads to one. */
  readonly reason: Reason
  /** Follows from an earlier request that was not obeyed in time: that one decides what the end is called. */
  readonly escalated?: boolean
  /** The trainer gave cause for it: the end is a failure, not a release. */
  readonly fault?: boolean
  /** Milliseconds between SIGTERM and SIGKILL, where the coordinator's are not those that count. */
  readonly grace?: number
  /** What happens to the attempt's files once its processes are gone, before its end is told: until then it is this agent's. */
  readonly handOver?: (attempt: Attempt) => Effect.Effect<void>
}

export class Attempt {
  readonly directory: AttemptDirectory
  readonly epoch: Epoch
  readonly spool: Spool
  readonly tail: Tail
  readonly logs: { readonly stdout: LogFile; readonly stderr: LogFile }
  readonly stops: Queue.Queue<StopRequest>
  /** Open when there is something new for the uplink: lines, an acknowledgement, the end. */
  readonly wake = Latch.makeUnsafe()
  /** Its slot has taken it up; until then it waits in the slot's queue. */
  begun = false
  /** The stop that was asked for and decides what the end is called. */
  stop: StopRequest | undefined
  /** Its trainer was sent a signal: whatever the attempt comes to, the process will not take another. */
  signalled = false
  /** The coordinator wants to hear no more of it. */
  unwanted = false
  record: AttemptRecord

  private constructor(directory: AttemptDirectory, record: AttemptRecord, stops: Queue.Queue<StopRequest>) {
    this.directory = directory
    this.record = record
    this.epoch = record.epoch
    this.stops = stops
    this.spool = new Spool(directory.events)
    this.logs = { stdout: new LogFile(directory.log("stdout")), stderr: new LogFile(directory.log("stderr")) }
    this.tail = new Tail(directory, this.logs, () => this.wake.openUnsafe())
  }

  static readonly make = (directory: AttemptDirectory, record: AttemptRecord): Effect.Effect<Attempt> =>
    Effect.map(Queue.unbounded<StopRequest>(), (stops) => new Attempt(directory, record, stops))

  get name(): string {
    return `${this.record.sweep}/${this.record.trial} (epoch ${this.epoch})`
  }

  get end(): AttemptEnd | undefined {
    return this.record.end === null ? undefined : decodeEnd(this.record.end)
  }

  get held(): HeldAttempt {
    const { slot, end, sweep, trial } = this.record
    return { epoch: this.epoch, slot, running: end === null, sweep, trial }
  }

  /**
   * What of the spool cannot be sent; `undefined` when all of it can. `unreadable`: why the rest of it was given up.
   * Counted by reading it through, also for an attempt of an earlier life of the agent.
   */
  skipped(unreadable: string | undefined): SkippedLines | undefined {
    try {
      this.tail.catchUp()
    } catch {
      // Then `unreadable` says it.
    }
    const { invalid, missing, problem } = this.tail
    if (invalid === 0 && missing === 0 && unreadable === undefined) return undefined
    return { unreadable: invalid, missing, problem: unreadable ?? problem?.slice(0, 500) ?? null }
  }

  /** Writes agent.json. A full disk costs a restarted agent its memory of the attempt, and this one nothing. */
  readonly save: Effect.Effect<void> = Effect.suspend(() =>
    Effect.try({ try: () => this.directory.write(this.record), catch: (error) => error }),
  ).pipe(
    Effect.catch((error) =>
      Effect.logWarning(
        `cannot write ${this.directory.path}/agent.json: ${error instanceof Error ? error.message : error}`,
      ),
    ),
  )

  readonly startedAs = (tree: ProcessTree): Effect.Effect<void> => {
    this.record = { ...this.record, tree }
    return this.save
  }

  readonly endedAs = (end: AttemptEnd): Effect.Effect<void> => {
    this.record = { ...this.record, end: encodeEnd(end) }
    this.wake.openUnsafe()
    return this.save
  }

  /** Asks the running attempt to end; one that has not begun ends here and now. */
  readonly requestStop = (request: StopRequest): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (this.record.end !== null) return Effect.void
      if (this.begun) return Effect.asVoid(Queue.offer(this.stops, request))
      return this.endedAs(
        request.mode === "finish"
          ? { _tag: "Finished", interrupted: true, step: 0, values: {} }
          : { _tag: "Released", cause: request.reason },
      )
    })

  /** Takes an acknowledgement over. `at` is where in the spool the line after it begins, when that is known. */
  acknowledge(ack: Acknowledged, at: Position | undefined): void {
    const known = this.record.acknowledged
    this.record = {
      ...this.record,
      acknowledged: {
        seq: at === undefined ? known.seq : Math.max(known.seq, at.seq),
        offset: at === undefined ? known.offset : Math.max(known.offset, at.offset),
        stdout: Math.max(known.stdout, ack.stdout),
        stderr: Math.max(known.stderr, ack.stderr),
      },
    }
    this.wake.openUnsafe()
  }

  /** Where to read on from for a coordinator that has committed everything up to `seq`. */
  positionAfter(seq: number): Position {
    const known = this.record.acknowledged
    // Less than it once had: it was restored from a backup, and gets everything after that again.
    return seq >= known.seq ? { offset: known.offset, seq } : { ...start, seq }
  }

  close(): void {
    this.spool.close()
    this.tail.close()
    this.logs.stdout.close()
    this.logs.stderr.close()
  }
}
