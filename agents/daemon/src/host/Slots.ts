// The places for trials on this machine. Owns each slot's loop: take the next attempt, run it with the trainer it asks
// for, be free again at once. A slot whose processes cannot be ended is withdrawn.
import type { Slot } from "@sweep/domain/Device"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type { Attempt } from "../attempt/Attempt.ts"
import { type AttemptOutcome, runAttempt } from "../attempt/attemptRun.ts"
import type { SourceCache } from "../sources/SourceCache.ts"
import type { Disk } from "./disk.ts"
import { Processes } from "../process/Processes.ts"
import type { Attempts } from "../attempt/Attempts.ts"
import type { Lease } from "../session/Lease.ts"
import type { Trainer } from "../trainers/Trainer.ts"
import type { WarmHost } from "../trainers/WarmHost.ts"

export interface SlotTrainers {
  /** `null` when this agent's owner does not allow it. */
  readonly peft: WarmHost | null
  readonly llamafactory: WarmHost | null
  readonly command: Trainer | null
}

export interface SlotChecks {
  /** Why no trial can be put on the slot now; `undefined` when one can. `idle`: no process of this agent's is on it. */
  readonly problem: (slot: Slot, idle: boolean) => Effect.Effect<string | undefined>
  /** Milliseconds in which a trainer has to write something; `null`: it need not. */
  readonly silence: number | null
  readonly disk: Disk
  /** Where files of source snapshots are kept. */
  readonly sources?: SourceCache | undefined
}

/** Milliseconds between two looks at a device that is not free: doubled from the first to the last. */
const firstLook = 500
const lastLook = 10_000

interface Work {
  readonly attempt: Attempt
  readonly trainer: Trainer
}

export class Slots {
  /** Open when what is on offer has changed since the coordinator heard of it. */
  readonly changed = Latch.makeUnsafe()
  draining = false
  /** Open once the coordinator was told that this agent takes no more. */
  readonly toldDraining = Latch.makeUnsafe()
  private readonly slots: ReadonlyArray<Slot>
  private readonly withdrawn = new Set<number>()
  private readonly queues = new Map<number, Queue.Queue<Work>>()
  private readonly trainers: (slot: Slot) => SlotTrainers
  private readonly attempts: Attempts
  private readonly lease: Lease
  private readonly checks: SlotChecks

  private constructor(
    slots: ReadonlyArray<Slot>,
    trainers: (slot: Slot) => SlotTrainers,
    attempts: Attempts,
    lease: Lease,
    checks: SlotChecks,
  ) {
    this.checks = checks
    this.slots = slots
    this.trainers = trainers
    this.attempts = attempts
    this.lease = lease
  }

  static readonly make = Effect.fn("Slots.make")(function* (
    found: ReadonlyArray<Slot>,
    trainers: (slot: Slot) => SlotTrainers,
    attempts: Attempts,
    lease: Lease,
    checks: SlotChecks,
  ) {
    const slots = new Slots(found, trainers, attempts, lease, checks)
    for (const slot of found) slots.queues.set(slot.index, yield* Queue.unbounded<Work>())
    return slots
  })

  /** Free or not, what trials can be placed on. */
  offered(): ReadonlyArray<Slot> {
    return this.slots.filter((slot) => !this.withdrawn.has(slot.index))
  }
  get(index: number): Slot | undefined {
    return this.offered().find((slot) => slot.index === index)
  }

  /** The trainer of that name on the slot; `null` when it is not allowed. */
  trainer(slot: Slot, name: keyof SlotTrainers): Trainer | null {
    return this.trainers(slot)[name]
  }

  /** The attempt's turn comes when those before it on its slot are over: at once on a free slot. */
  readonly enqueue = (slot: number, attempt: Attempt, trainer: Trainer): void => {
    const queue = this.queues.get(slot)
    if (queue !== undefined) Queue.offerUnsafe(queue, { attempt, trainer })
  }

  /** Runs one attempt outside of any slot's turn: adopted from a slot that this agent no longer has. */
  readonly runNow = (attempt: Attempt, trainer: Trainer) =>
    Effect.gen({ self: this }, function* () {
      attempt.begun = true
      const outcome = yield* runAttempt(attempt, trainer, {
        grace: () => this.lease.timings.grace,
        silence: this.checks.silence,
        disk: this.checks.disk,
        sources: this.checks.sources,
      }).pipe(
        // A disk that fails under one attempt must not take the slot with it.
        Effect.catchDefect((defect) => abandon(attempt, defect)),
      )
      yield* Effect.logInfo(`${attempt.name}: ${describeEnd(attempt)}`)
      this.attempts.notify()
      return outcome
    })

  /** The loop of one slot: until interrupted, or the slot is withdrawn. */
  readonly run = (slot: Slot) =>
    Effect.gen({ self: this }, function* () {
      const queue = this.queues.get(slot.index)!
      const { peft, llamafactory } = this.trainers(slot)
      const hosts = [peft, llamafactory].filter((host) => host !== null)
      /** The one whose imports are worth having done: the last one used. */
      let likely = peft
      for (;;) {
        // The imports of the first attempt's trainer, or of the next one's after a failure, are done while it is awaited.
        if (Queue.sizeUnsafe(queue) === 0 && !this.draining) {
          if (likely !== null) yield* likely.prepare
          // A host that has the model loaded is what holds the memory.
          yield* this.untilFree(slot, queue, !hosts.some((host) => host.hasTrained()))
        }
        const { attempt, trainer } = yield* Queue.take(queue)
        // It was stopped while it waited.
        if (attempt.end !== undefined) continue
        // A host of another trainer would keep its model in the memory that this attempt needs.
        for (const host of hosts) if (host !== trainer && host.hasTrained()) yield* host.stop
        likely = hosts.find((host) => host === trainer) ?? likely
        yield* Effect.logInfo(`${attempt.name}: starts on slot ${slot.index}`)
        const { stuck } = yield* this.runNow(attempt, trainer)
        if (stuck.length > 0) return yield* this.withdraw(slot, queue, stuck)
      }
    })

  /** Not on offer until its device is free and there is room on the disk: what an earlier trainer left there, or another program, would cost a trial. */
  private readonly untilFree = (slot: Slot, queue: Queue.Queue<Work>, idle: boolean) =>
    Effect.gen({ self: this }, function* () {
      let told: string | undefined
      for (let wait = firstLook; ; wait = Math.min(lastLook, 2 * wait)) {
        const problem = yield* this.checks.problem(slot, idle)
        if (problem === undefined) break
        if (problem !== told) yield* Effect.logWarning(`slot ${slot.index} is not offered: ${problem}`)
        told = problem
        if (!this.withdrawn.has(slot.index)) {
          this.withdrawn.add(slot.index)
          this.changed.openUnsafe()
        }
        for (const { attempt } of yield* Queue.clear(queue)) {
          yield* attempt.requestStop({
            mode: "preempt",
            reason: { _tag: "SlotBusy", slot: slot.index, problem },
          })
        }
        this.attempts.notify()
        yield* Effect.sleep(wait)
      }
      if (told === undefined) return
      yield* Effect.logInfo(`slot ${slot.index} is offered again`)
      this.withdrawn.delete(slot.index)
      this.changed.openUnsafe()
    })

  private readonly withdraw = (slot: Slot, queue: Queue.Queue<Work>, stuck: ReadonlyArray<number>) =>
    Effect.gen({ self: this }, function* () {
      yield* Effect.logError(
        `slot ${slot.index} is withdrawn: processes ${stuck.join(", ")} cannot be ended; they wait in the kernel for a device`,
      )
      this.withdrawn.add(slot.index)
      this.changed.openUnsafe()
      for (;;) {
        const { attempt } = yield* Queue.take(queue)
        yield* attempt.requestStop({ mode: "preempt", reason: { _tag: "SlotWithdrawn", slot: slot.index } })
        this.attempts.notify()
      }
    })
}

const abandon = Effect.fnUntraced(function* (attempt: Attempt, defect: unknown) {
  yield* Effect.logError(`${attempt.name}: the agent could not continue with it`, defect)
  const { tree } = attempt.record
  const stuck = tree === null ? [] : yield* (yield* Processes).kill(tree)
  const message = defect instanceof Error ? defect.message : String(defect)
  yield* attempt.endedAs({ _tag: "Released", cause: { _tag: "AgentFailed", message } })
  return { stuck } satisfies AttemptOutcome
})

const describeEnd = (attempt: Attempt): string => {
  const { end } = attempt
  switch (end?._tag) {
    case "Finished":
      return end.interrupted ? `finished early at step ${end.step}` : `finished at step ${end.step}`
    case "Failed":
      return `failed (${end.class}): ${reasonSentence(end.message)}`
    case "Released":
      return `released: ${reasonSentence(end.cause)}`
    case undefined:
      return "not ended"
  }
}
