// The loop that fills free slots. Owns acting on what decideDispatch.ts decides: it commits the facts, tells the agents, and
// looks again when it is woken or a released trial has rested. Epochs are minted for what it decides and nowhere else.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Fact } from "@sweep/domain/Fact"
import type { Trial } from "@sweep/domain/Trial"
import type { StoreError } from "@sweep/store/Store"
import type { CurvesOf, Samplers } from "./ask.ts"
import { decideDispatch } from "./decideDispatch.ts"
import type { Assignment } from "./fillSlot.ts"
import { PlannedLengths } from "./PlannedLengths.ts"
import { Results } from "./Results.ts"
import type { Journal } from "../state/Journal.ts"
import { monotonic } from "../state/monotonic.ts"
import { backoff } from "../state/retry.ts"
import type { Roster } from "../state/Roster.ts"
import type { WakeSignal } from "../state/WakeSignal.ts"

/** Milliseconds between two tries while the store refuses to write. */
const retryDelay = 1_000
/** Milliseconds after which what was decided is committed, and agents are heard again, before more is. */
const decidingTime = 20

export interface Dispatch {
  readonly run: Effect.Effect<never>
}

export const makeDispatch = (options: {
  readonly journal: Journal
  readonly roster: Roster
  readonly samplers: Samplers
  readonly curves: CurvesOf
  readonly signal: WakeSignal
  /** After all slots were looked at. */
  readonly afterRound: Effect.Effect<void, StoreError>
}): Dispatch => {
  const { journal, roster, samplers, curves, signal, afterRound } = options
  const { state } = journal
  const results = new Results(journal)
  const planned = new PlannedLengths()

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
    signal.wake()
  })

  /** Tells the agent, on its newest session: without any, its next Hello says that it does not hold the attempt. */
  const send = ({ agent: id, message }: Assignment) => {
    const agent = roster.agents.get(id)
    agent?.occupied.set(message.slot, message.epoch)
    agent?.session?.post(message)
  }

  /** Fills slots, as many as one commit is to hold. False when nothing followed. */
  const fillSome = Effect.fnUntraced(function* () {
    const clock = yield* Clock.Clock
    const millis = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const assignments: Array<Assignment> = []
    const facts = yield* journal.record((at) => {
      const now = millis()
      const recorded: Array<Fact> = []
      const situation = { state, hosts: roster, samplers, curves, results, planned, resting, at, now }
      for (const { facts: decided, assignment } of decideDispatch(situation)) {
        recorded.push(...decided)
        if (assignment !== undefined) assignments.push(assignment)
        if (millis() - now >= decidingTime) break
      }
      // An epoch that was minted is never minted again, also when the store refuses this commit: part of it may be written.
      const last = assignments.at(-1)
      if (last !== undefined) state.lastEpoch = Math.max(state.lastEpoch, last.message.epoch)
      return recorded
    })
    // Sent once they are committed: an agent never runs what a restarted coordinator does not know of.
    for (const assignment of assignments) send(assignment)
    return facts.length > 0
  })

  /** Milliseconds until the next released trial has rested. */
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
    yield* Number.isFinite(wait) ? Effect.asVoid(Effect.timeoutOption(signal.woken, wait)) : signal.woken
  })

  const refused = (error: StoreError) =>
    Effect.andThen(
      Effect.logError(`no trial is dispatched while the store refuses to write: ${error.message}`),
      Effect.sleep(retryDelay),
    )

  // The hours of a budget and the time since an agent was heard of pass without anybody saying so; a round a minute
  // sees them.
  const tick = Effect.forever(Effect.andThen(Effect.sleep("1 minute"), Effect.sync(signal.wake)))
  return { run: Effect.raceFirst(Effect.forever(Effect.catch(round, refused)), tick) }
}
