// What is true in a simulated world, whoever believes what: every line a trainer wrote, every process that runs, every
// fact and mark that was committed. Owns the invariants, and looks at them at the moment at which each could break.
import type { Fact } from "@sweep/domain/Fact"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { applyFact, type SweepState } from "@sweep/domain/SweepState"
import { hasFailed, isTerminal, type Trial } from "@sweep/domain/Trial"
import type { CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import type { EventBatch, HighWater } from "@sweep/store/EventBatch"
import type { Received } from "@sweep/store/Store"
import type { World } from "./World.ts"

export interface Violation {
  readonly invariant:
    | "acknowledged is durable"
    | "one accepted epoch"
    | "nothing runs twice"
    | "budget"
    | "first end wins"
    | "every trial ends"
    | "a round is one step"
    | "nothing lost, nothing twice"
    | "no orphan"
    | "a restart knows the same"
  readonly at: number
  readonly what: string
}

export interface Running {
  readonly trial: string
  readonly epoch: Epoch
  readonly host: string
  /** Since when the agent of the host has been able to end it, without a break; `undefined`: it is not. */
  readonly watchedSince: () => number | undefined
}

/** Metric, step and value. */
type Points = ReadonlyArray<readonly [metric: string, step: number, value: number]>

export class Ledger {
  readonly violations: Array<Violation> = []
  /** By epoch, the points of every line that a trainer wrote whole. */
  readonly written = new Map<Epoch, Array<Points>>()
  readonly received: Map<Epoch, Received>
  readonly sweeps = new Map<SweepId, SweepState>()
  /** Which trial an epoch is an attempt of. */
  readonly assigned = new Map<Epoch, { readonly sweep: SweepId; readonly trial: TrialNumber }>()
  /** Members of a population that wait for the others. */
  readonly waiting = new Set<TrialNumber>()
  facts = 0
  private readonly running = new Set<Running>()
  private readonly world: World
  private readonly patience: number
  private lastEpoch = 0

  /** `patience`: milliseconds that an agent which comes to itself has for ending what it may no longer run. */
  constructor(world: World, received: Map<Epoch, Received>, patience: number) {
    this.world = world
    this.received = received
    this.patience = patience
  }

  broken(invariant: Violation["invariant"], what: string): void {
    this.world.note(() => `!!! ${invariant}: ${what}`)
    this.violations.push({ invariant, at: this.world.now, what })
  }

  wrote(epoch: Epoch, points: Points): void {
    const lines = this.written.get(epoch)
    if (lines === undefined) this.written.set(epoch, [points])
    else lines.push(points)
  }

  began(process: Running): void {
    this.running.add(process)
    this.lookForTwins()
  }
  ended(process: Running): void {
    this.running.delete(process)
  }
  processes(): ReadonlyArray<Running> {
    return Array.from(this.running)
  }

  /** Two of a trial at once, although the agent of the older one was there and could have ended it. */
  lookForTwins(): void {
    for (const one of this.running) {
      for (const other of this.running) {
        if (one.trial !== other.trial || one.epoch >= other.epoch) continue
        const since = one.watchedSince()
        if (since !== undefined && this.world.now - since > this.patience) {
          this.running.delete(one)
          this.broken(
            "nothing runs twice",
            `${one.trial} runs on ${one.host} (epoch ${one.epoch}) and on ${other.host} (epoch ${other.epoch})`,
          )
        }
      }
    }
  }

  committed(facts: ReadonlyArray<Fact>): void {
    for (const fact of facts) {
      this.facts++
      this.world.note(
        () => `committed ${JSON.stringify(fact, (key, value) => (key === "spec" || key === "verdict" ? "…" : value))}`,
      )
      const sweep = "sweep" in fact ? this.sweeps.get(fact.sweep) : undefined
      const before = sweep !== undefined && "trial" in fact ? sweep.trials.get(fact.trial) : undefined
      this.check(fact, sweep, before)
      applyFact(this.sweeps, fact)
    }
  }

  private check(fact: Fact, sweep: SweepState | undefined, before: Trial | undefined): void {
    switch (fact._tag) {
      case "TrialCreated": {
        const { trials } = sweep!.spec.budget
        if (trials !== null && sweep!.trials.size >= trials) {
          this.broken("budget", `trial ${fact.trial} is beyond the budget of ${trials}`)
        }
        if (sweep!.status !== "running")
          this.broken("budget", `trial ${fact.trial} of a sweep that is ${sweep!.status}`)
        if (fact.trial !== sweep!.trials.size + 1) this.broken("budget", `trial ${fact.trial} is not the next`)
        return
      }
      case "TrialAssigned":
        if (fact.epoch <= this.lastEpoch) this.broken("one accepted epoch", `epoch ${fact.epoch} is minted twice`)
        this.lastEpoch = Math.max(this.lastEpoch, fact.epoch)
        this.assigned.set(fact.epoch, { sweep: fact.sweep, trial: fact.trial })
        if (before!.state !== "pending") {
          this.broken("one accepted epoch", `trial ${fact.trial} is dispatched while it is ${before!.state}`)
        }
        return
      case "TrialPaused":
        if (fact.step === undefined) this.waiting.delete(fact.trial)
        else this.waiting.add(fact.trial)
        return
      case "TrialResumed":
        this.waiting.delete(fact.trial)
        return
      case "TrialExploited": {
        const parent = sweep!.trials.get(fact.from.trial)
        const isGiven = this.assigned.get(fact.from.epoch)?.trial === fact.from.trial
        if (!this.waiting.delete(fact.trial) || before!.state !== "paused" || !isGiven || parent === undefined) {
          this.broken("a round is one step", `trial ${fact.trial} resumes from ${fact.from.trial} without waiting`)
        }
        if (before!.lineage.length >= before!.rounds || parent?.waitedAt !== fact.from.step) {
          this.broken("a round is one step", `trial ${fact.trial} resumes from ${fact.from.trial} at another point`)
        }
        return
      }
      case "TrialCompleted":
      case "TrialReleased":
        if (before!.epoch !== fact.epoch) {
          this.broken("one accepted epoch", `trial ${fact.trial}: ${fact._tag} of epoch ${fact.epoch}, not the newest`)
        }
        if (isTerminal(before!.state)) this.broken("first end wins", `trial ${fact.trial}: ${fact._tag} after its end`)
        if (fact._tag === "TrialCompleted") {
          const mark = this.received.get(fact.epoch)?.mark.seq ?? 0
          const lines = this.written.get(fact.epoch)?.length ?? 0
          if (mark !== lines) {
            this.broken("nothing lost, nothing twice", `epoch ${fact.epoch} ends with ${mark} of ${lines} lines`)
          }
        }
        return
      case "TrialStopped":
      case "TrialFailed":
      case "TrialCancelled":
        if (isTerminal(before!.state)) this.broken("first end wins", `trial ${fact.trial}: ${fact._tag} after its end`)
        return
      case "SweepFinished":
        for (const trial of sweep!.trials.values()) {
          if (!isTerminal(trial.state)) this.broken("every trial ends", `the sweep finishes with trial ${trial.number}`)
        }
        return
      default:
        return
    }
  }

  /** `before`: the marks as they were. */
  ingested(batches: ReadonlyArray<EventBatch>, before: ReadonlyMap<Epoch, number>): void {
    for (const { epoch, sweep, trial } of batches) {
      const mark = this.received.get(epoch)?.mark.seq ?? 0
      if (mark === (before.get(epoch) ?? 0)) continue
      this.world.note(() => `committed lines of epoch ${epoch} up to ${mark}`)
      if (mark > (this.written.get(epoch)?.length ?? 0)) {
        this.broken("nothing lost, nothing twice", `epoch ${epoch} has ${mark} lines, of which not all were written`)
      }
      const newest = this.sweeps.get(sweep)?.trials.get(trial)?.epoch
      if (newest !== epoch) {
        this.broken(
          "one accepted epoch",
          `lines of epoch ${epoch} are taken, the newest of trial ${trial} is ${newest}`,
        )
      }
    }
  }

  /** The coordinator says this to an agent. */
  said(message: CoordinatorMessage): void {
    if (message._tag !== "Ack" && message._tag !== "Welcome") return
    for (const { epoch, seq, stdout, stderr } of message.acknowledged) {
      const mark: Omit<HighWater, "epoch"> = this.received.get(epoch)?.mark ?? { seq: 0, stdout: 0, stderr: 0 }
      if (seq > mark.seq || stdout > mark.stdout || stderr > mark.stderr) {
        this.broken(
          "acknowledged is durable",
          `line ${seq} of epoch ${epoch} is acknowledged, ${mark.seq} is committed`,
        )
      }
    }
    if (message._tag !== "Ack") return
    for (const epoch of message.ended) {
      for (const trial of this.trials()) {
        if (trial.epoch === epoch && (trial.state === "assigned" || trial.state === "running")) {
          this.broken("acknowledged is durable", `the end of epoch ${epoch} is confirmed and not committed`)
        }
      }
    }
  }

  *trials(): Generator<Trial> {
    for (const { trials } of this.sweeps.values()) yield* trials.values()
  }

  /** What is stored of each attempt is what its trainer wrote, line by line, up to the mark. */
  audit(): { readonly lost: number; readonly twice: number } {
    let lost = 0
    let twice = 0
    for (const [epoch, { mark, points, logs }] of this.received) {
      const expected = (this.written.get(epoch) ?? []).slice(0, mark.seq).flat()
      const same =
        points.length === expected.length &&
        points.every((point, i) => point.slice(0, 3).join() === expected[i]!.join())
      if (!same) {
        lost += Math.max(0, expected.length - points.length)
        twice += Math.max(0, points.length - expected.length)
        this.broken(
          "nothing lost, nothing twice",
          `epoch ${epoch}: stored ${points.length} points, written ${expected.length}`,
        )
      }
      let end = 0
      for (const chunk of logs.filter(({ stream }) => stream === "stdout")) {
        if (chunk.offset !== end)
          this.broken("nothing lost, nothing twice", `the log of epoch ${epoch} has a hole at ${end}`)
        end = chunk.end
      }
    }
    for (const trial of this.trials()) {
      if (!isTerminal(trial.state)) this.broken("every trial ends", `trial ${trial.number} is ${trial.state}`)
      // Every line of the attempt that counts, also of one that failed; one that was given up may never have come back.
      const reported = hasFailed(trial.state) && trial.failure!.message._tag !== "GaveUp"
      if (trial.epoch === null || !(trial.state === "completed" || reported)) continue
      const mark = this.received.get(trial.epoch)?.mark.seq ?? 0
      const lines = this.written.get(trial.epoch)?.length ?? 0
      if (mark !== lines) {
        lost += lines - mark
        this.broken(
          "nothing lost, nothing twice",
          `trial ${trial.number} has ${mark} of ${lines} lines of epoch ${trial.epoch}`,
        )
      }
    }
    return { lost, twice }
  }
}
