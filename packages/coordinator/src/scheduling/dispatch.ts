// The loop that fills free slots. Owns who gets one: released trials before new ones, sweeps in turn (the one with the
// fewest trials running, then the oldest), the smallest slot that fits; and the epoch, minted here and nowhere else.
// Which trial is next in a sweep is ask.ts', which of them waits for a shorter one prefixes.ts'.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import { type AgentId, Epoch } from "@sweep/domain/Id"
import type { Fact } from "@sweep/domain/Fact"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { StoreError } from "@sweep/store/Store"
import { ask, type CurvesOf, type Samplers } from "./ask.ts"
import { usedUp } from "./budget.ts"
import type { Journal } from "../state/Journal.ts"
import { monotonic } from "../state/monotonic.ts"
import { PlannedLengths } from "./PlannedLengths.ts"
import { homeOf, isToCome, mostWaiting, waitsFor } from "./prefixes.ts"
import { isClone } from "../state/replicas.ts"
import { Results, reuse } from "./Results.ts"
import { backoff } from "../state/retry.ts"
import type { Agent, FreeSlot, Roster } from "../state/Roster.ts"
import { canAssume, type Run } from "../state/State.ts"
import { trainingOf, trialDocument } from "./trialDocument.ts"

export interface Dispatch {
  /** Something has changed: slots, trials or sweeps. */
  readonly wake: () => void
  readonly run: Effect.Effect<never>
}

/** Milliseconds between two tries while the store refuses to write. */
const retryDelay = 1_000
/** Milliseconds after which what was decided is committed, and agents are heard again, before more is. */
const decidingTime = 20

/** What of a trial an attempt of it rests on. */
type Dispatched = Parameters<typeof trialDocument>[1] & Pick<Trial, "attempt">

/** What giving a slot to a sweep comes to. */
interface Filled {
  readonly facts: ReadonlyArray<Fact>
  /** The slot is taken once the facts are committed; `send` says so to the agent. */
  readonly assigned?: { readonly slot: FreeSlot; readonly send: () => void }
}

export const makeDispatch = Effect.fnUntraced(function* (options: {
  readonly journal: Journal
  readonly roster: Roster
  readonly samplers: Samplers
  readonly curves: CurvesOf
  /** After all slots were looked at. */
  readonly afterRound: Effect.Effect<void, StoreError>
}) {
  const { journal, roster, samplers, curves, afterRound } = options
  const { state } = journal
  const signal = yield* Queue.sliding<void>(1)
  const results = new Results(journal)
  const planned = new PlannedLengths()
  const wake = () => void Queue.offerUnsafe(signal, undefined)

  /** Trials that were released, and from when on (monotonic milliseconds) they may be dispatched again. */
  const resting = new Map<string, number>()
  const released: Array<Trial> = []
  journal.listen((facts) => {
    for (const fact of facts) {
      if (fact._tag === "SweepFinished" || fact._tag === "SweepStopped") planned.forget(fact.sweep)
      if (fact._tag !== "TrialReleased") continue
      const trial = state.trial(fact.sweep, fact.trial)
      if (trial?.state === "pending") released.push(trial)
    }
    wake()
  })

  /** Whether the trial can go on: it has rested, and its attempt before is over and has saved what it had. */
  const isReady = (trial: Trial, now: number): boolean =>
    trial.state === "pending" &&
    (resting.get(`${trial.sweep}/${trial.number}`) ?? 0) <= now &&
    !(trial.epoch !== null && roster.isOccupying(trial.epoch))

  const hasBegun = (trial: Trial): boolean => trial.attempt > 0

  /** Whether a shorter one that begins alike will be made, as long as the sweep makes more. */
  const toCome = (run: Run, sweep: SweepState): boolean => {
    const beginning = state.beginning(sweep, run)
    // What a person asks for is next.
    return (
      beginning !== null &&
      !isClone(sweep, run.number) &&
      isToCome(run, state.alike(sweep, run), planned.of(sweep, beginning))
    )
  }

  /** Whether the run is to wait for the end of a shorter one that begins alike and is made already. */
  const waitsForMade = (run: Run, sweep: SweepState): boolean => waitsFor(run, state.alike(sweep, run)) !== undefined

  /** Or that will be made. */
  const waits = (run: Run, sweep: SweepState): boolean => waitsForMade(run, sweep) || toCome(run, sweep)

  /** The agent that has something of the trial to go on from: of its own, or of a shorter one that begins alike. */
  const agentOf = (trial: Trial, sweep: SweepState): AgentId | undefined =>
    state.lastAgent(trial) ?? homeOf(trial, state.alike(sweep, trial)) ?? undefined

  /** Whether a trial that has not begun belongs on another agent, which takes work. */
  const isElsewhere = (run: Run, sweep: SweepState, agent: Agent, now: number) => {
    const home = homeOf(run, state.alike(sweep, run))
    if (home === null || home === agent.id) return false
    const other = roster.agents.get(home)
    return other !== undefined && other.trainers.has(sweep.spec.trainer) && roster.takesWork(other, now)
  }

  /** Whether the sweep may make one more trial only for it to wait. */
  const mayKeepWaiting = (sweep: SweepState): boolean => {
    let waiting = 0
    for (const trial of state.open(sweep.id).values()) if (trial.state === "pending" && !hasBegun(trial)) waiting++
    return waiting < (planned.isKnown(sweep) ? mostWaiting.known : mostWaiting.learning)
  }

  /** Not on a box that the trial was taken from, as long as one that it was not taken from takes work. */
  const mayTry = (trial: Trial, { spec }: SweepState, agent: Agent, now: number): boolean => {
    const isReturned = ({ breaker }: Agent) => breaker.hasReturned(`${trial.sweep}/${trial.number}`)
    return !isReturned(agent) || roster.others(agent.id, spec, now).every(isReturned)
  }

  /** The first trial of the sweep that was started or created before and only lacks a slot, such as `suits`. */
  const firstReady = (
    sweep: SweepState,
    now: number,
    suits: (trial: Trial) => boolean = () => true,
    isWaiting = waits,
  ): Trial | undefined => {
    let first: Trial | undefined
    for (const trial of state.open(sweep.id).values()) {
      if (first !== undefined && trial.number > first.number) continue
      if (isReady(trial, now) && (hasBegun(trial) || !isWaiting(trial, sweep)) && suits(trial)) first = trial
    }
    return first
  }

  /** Running sweeps, the next in turn first. */
  const inTurn = (): ReadonlyArray<SweepState> => {
    const running = new Map<string, number>()
    for (const { sweep } of state.attempts()) running.set(sweep, (running.get(sweep) ?? 0) + 1)
    return Array.from(state.sweeps.values())
      .filter(({ status, spec }) => status === "running" && spec.trainer !== "external")
      .sort((a, b) => (running.get(a.id) ?? 0) - (running.get(b.id) ?? 0) || a.createdAt - b.createdAt)
  }

  /** The smallest slot that fits, of the agent that has the checkpoints to go on from if it has one free. */
  const slotFor = (
    { spec }: SweepState,
    free: ReadonlyArray<FreeSlot>,
    before: AgentId | undefined,
  ): FreeSlot | undefined => {
    const fitting = free.filter(
      ({ slot, agent }) => slot.devices.length >= spec.resources.gpus && agent.trainers.has(spec.trainer),
    )
    const known = fitting.filter(({ agent }) => agent.id === before)
    let best: FreeSlot | undefined
    for (const candidate of known.length > 0 ? known : fitting) {
      if (best === undefined || candidate.slot.devices.length < best.slot.devices.length) best = candidate
    }
    return best
  }

  /** What follows when the slot is given to the sweep: nothing when that has no trial to run now. */
  const fill = (sweep: SweepState, free: FreeSlot, at: number, now: number): Filled => {
    const { agent, slot } = free
    const { trainer, command } = sweep.spec
    if (trainer === "external") return { facts: [] }
    const recorded: Array<Fact> = []
    const suits = (ready: Trial) => mayTry(ready, sweep, agent, now)
    const here = (ready: Trial) => suits(ready) && (hasBegun(ready) || !isElsewhere(ready, sweep, agent, now))
    let trial: Dispatched | undefined = firstReady(sweep, now, here)
    if (trial === undefined) {
      const next = ask(sweep, state, samplers, at, curves)
      if (next._tag === "Broken") {
        return { facts: [{ _tag: "SweepStopped", at, sweep: sweep.id, reason: next.reason }] }
      }
      if (next._tag === "Trial") {
        const { number, parameters, seed, origin } = next
        trial = { number, parameters, seed, attempt: 0, rounds: 0, lineage: [] }
        const revision = sweep.revision
        recorded.push({
          _tag: "TrialCreated",
          at,
          sweep: sweep.id,
          trial: number,
          parameters,
          seed,
          revision,
          origin,
        })
      } else {
        // Better begun anew here than not at all; and what was to come does not.
        trial = firstReady(sweep, now, suits, waitsForMade)
        if (trial === undefined) return { facts: [] }
      }
    }
    const known = sweep.spec.reuse === true && trial.attempt === 0 ? results.find(sweep, trial) : undefined
    if (known !== undefined) return { facts: [...recorded, ...reuse(at, sweep.id, trial.number, known)] }
    const isNew = recorded.length > 0
    if (isNew && mayKeepWaiting(sweep)) {
      if (waits(trial, sweep) || isElsewhere(trial, sweep, agent, now)) return { facts: recorded }
    }
    const mayHaveWaited = state.alike(sweep, trial).length > 1 || toCome(trial, sweep)
    if (!isNew && trial.attempt === 0 && mayHaveWaited && !isClone(sweep, trial.number)) {
      // What was made only to wait is no more begun than what was not made.
      const reason = usedUp(sweep, at)
      if (reason !== null) {
        return { facts: [{ _tag: "TrialCancelled", at, sweep: sweep.id, trial: trial.number, reason }] }
      }
    }
    const training = trainingOf(sweep.spec, trial.parameters)
    if (Result.isFailure(training)) {
      const message = { _tag: "NoTrainingRun", problem: training.failure } as const
      recorded.push({
        _tag: "TrialFailed",
        at,
        sweep: sweep.id,
        trial: trial.number,
        class: "data",
        message,
        detail: null,
      })
      return { facts: recorded }
    }
    const epoch = Epoch.make(++state.lastEpoch)
    const attempt = trial.attempt + 1
    const trialJson = trialDocument(sweep, trial, { number: attempt, epoch }, training.success)
    const number = trial.number
    const send = () => {
      agent.occupied.set(slot.index, epoch)
      // To the newest session: it may have begun, without this attempt, while the commit was under way. Without any,
      // the next Hello says that the agent does not hold it.
      agent.session?.post({
        _tag: "Assign",
        sweep: sweep.id,
        trial: number,
        attempt,
        epoch,
        slot: slot.index,
        trainer,
        command,
        trialJson,
      })
    }
    const host = agent.host === "" ? {} : { host: agent.host }
    const assigned = { sweep: sweep.id, trial: number, epoch, attempt, agent: agent.id, slot: slot.index, ...host }
    recorded.push({ _tag: "TrialAssigned", at, ...assigned })
    return { facts: recorded, assigned: { slot: free, send } }
  }

  /** What follows next: mostly, that one of the free slots gets a trial. */
  const fillOne = (free: ReadonlyArray<FreeSlot>, at: number, now: number): Filled | undefined => {
    for (const sweep of inTurn()) {
      const waiting = firstReady(sweep, now)
      const before = waiting === undefined ? undefined : agentOf(waiting, sweep)
      const fitting = waiting === undefined ? free : free.filter(({ agent }) => mayTry(waiting, sweep, agent, now))
      // What waits may have been taken from every box that is free: they get what comes after it.
      const slot = slotFor(sweep, fitting, before) ?? slotFor(sweep, free, undefined)
      const filled = slot === undefined ? undefined : fill(sweep, slot, at, now)
      if (filled !== undefined && filled.facts.length > 0) return filled
    }
    return undefined
  }

  /** Fills slots, as many as one commit is to hold. False when nothing followed. */
  const fillSome = Effect.fnUntraced(function* () {
    const clock = yield* Clock.Clock
    const millis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const sends: Array<() => void> = []
    const facts = yield* journal.record((at) => {
      const now = millis()
      const recorded: Array<Fact> = []
      const takeBack: Array<() => void> = []
      let free = roster.freeSlots(now)
      try {
        while (free.length > 0 && millis() - now < decidingTime) {
          const filled = fillOne(free, at, now)
          if (filled === undefined) break
          recorded.push(...filled.facts)
          if (filled.assigned !== undefined) {
            const { slot, send } = filled.assigned
            sends.push(send)
            free = free.filter((one) => one !== slot)
          }
          // The next one is chosen as if these were committed; what follows from others is seen once they are.
          if (!filled.facts.every(canAssume)) break
          for (const fact of filled.facts) takeBack.push(state.assume(fact))
        }
      } finally {
        for (const undo of takeBack.reverse()) undo()
      }
      return recorded
    })
    // Sent once they are committed: an agent never runs what a restarted coordinator does not know of.
    for (const send of sends) send()
    return facts.length > 0
  })

  const rest = Effect.fnUntraced(function* () {
    const now = yield* monotonic
    for (const trial of released.splice(0)) {
      const delay = backoff(state.releases(trial))
      if (delay > 0) resting.set(`${trial.sweep}/${trial.number}`, now + delay)
    }
    let next = Number.POSITIVE_INFINITY
    for (const [trial, from] of resting) {
      if (from <= now) resting.delete(trial)
      else next = Math.min(next, from)
    }
    return next - now
  })

  const round = Effect.gen(function* () {
    yield* rest()
    while (yield* fillSome()) yield* rest()
    yield* afterRound
    // Until something changes, or a trial has rested.
    const wait = yield* rest()
    const woken = Queue.take(signal)
    yield* Number.isFinite(wait) ? Effect.timeoutOption(woken, wait) : Effect.map(woken, Option.some)
  })

  const refused = (error: StoreError) =>
    Effect.andThen(
      Effect.logError(`no trial is dispatched while the store refuses to write: ${error.message}`),
      Effect.sleep(retryDelay),
    )

  // The hours of a budget and the time since an agent was heard of pass without anybody saying so; a round a minute
  // sees them.
  const tick = Effect.forever(Effect.andThen(Effect.sleep("1 minute"), Effect.sync(wake)))
  return {
    wake,
    run: Effect.raceFirst(Effect.forever(Effect.catch(round, refused)), tick),
  } satisfies Dispatch
})
