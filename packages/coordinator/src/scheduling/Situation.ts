// What a dispatch decision rests on, and the questions about trials and hosts that it asks of that: whether a trial may run
// now, whether it had better wait for a shorter one, where it belongs. Pure: nothing is changed, and the time is given.
import type { AgentId } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { CurvesOf, Samplers } from "./ask.ts"
import type { PlannedLengths } from "./PlannedLengths.ts"
import { homeOf, isToCome, mostWaiting, waitsFor } from "./prefixes.ts"
import type { Results } from "./Results.ts"
import { isClone } from "../state/replicas.ts"
import type { Agent, Roster } from "../state/Roster.ts"
import { alike, type Run, type StateView } from "../state/StateView.ts"

export interface Situation {
  readonly state: StateView
  readonly hosts: Pick<Roster, "agents" | "freeSlots" | "isOccupying" | "others" | "takesWork">
  readonly samplers: Samplers
  readonly curves: CurvesOf
  /** What earlier sweeps have trained. */
  readonly results: Pick<Results, "find">
  readonly planned: Pick<PlannedLengths, "isKnown" | "of">
  /** Trials, as `sweep/number`, that were released, and until when (monotonic milliseconds) they rest. */
  readonly resting: ReadonlyMap<string, number>
  /** What facts are stamped with: milliseconds since the Unix epoch. */
  readonly at: number
  /** Monotonic milliseconds. */
  readonly now: number
}

/** Whether the trial can be dispatched: it has rested, and its attempt before is over and has saved what it had. */
const isReady = ({ hosts, resting, now }: Situation, trial: Trial): boolean =>
  trial.state === "pending" &&
  (resting.get(`${trial.sweep}/${trial.number}`) ?? 0) <= now &&
  !(trial.epoch !== null && hosts.isOccupying(trial.epoch))

export const hasBegun = ({ attempt }: Pick<Trial, "attempt">): boolean => attempt > 0

/** Whether a shorter one with the same prefix will be made, as long as the sweep makes more. */
export const isShorterToCome = ({ state, planned }: Situation, sweep: SweepState, run: Run): boolean => {
  const beginning = state.beginning(sweep, run)
  // What a person asks for is next.
  return (
    beginning !== null &&
    !isClone(sweep, run.number) &&
    isToCome(run, alike(state, sweep, run), planned.of(sweep, beginning))
  )
}

/** Whether the run is to wait for the end of a shorter one with the same prefix and is made already. */
export const waitsForMade = ({ state }: Situation, sweep: SweepState, run: Run): boolean =>
  waitsFor(run, alike(state, sweep, run)) !== undefined

/** Whether the run is to wait for a shorter one that is made or will be. */
export const waitsForShorter = (situation: Situation, sweep: SweepState, run: Run): boolean =>
  waitsForMade(situation, sweep, run) || isShorterToCome(situation, sweep, run)

/** The agent that has something of the trial to resume from: of its own, or of a shorter one with the same prefix. */
export const agentOf = ({ state }: Situation, sweep: SweepState, trial: Trial): AgentId | undefined =>
  state.lastAgent(trial) ?? homeOf(trial, alike(state, sweep, trial)) ?? undefined

/** Whether a trial that has not begun belongs on another agent, which takes work. */
export const isElsewhere = ({ state, hosts, now }: Situation, sweep: SweepState, run: Run, agent: Agent): boolean => {
  const home = homeOf(run, alike(state, sweep, run))
  if (home === null || home === agent.id) return false
  const other = hosts.agents.get(home)
  return other !== undefined && other.trainers.has(sweep.spec.trainer) && hosts.takesWork(other, now)
}

/** Whether the sweep may create one more trial only for it to wait. */
export const mayKeepWaiting = ({ state, planned }: Situation, sweep: SweepState): boolean => {
  let waiting = 0
  for (const trial of state.open(sweep.id).values()) if (trial.state === "pending" && !hasBegun(trial)) waiting++
  return waiting < (planned.isKnown(sweep) ? mostWaiting.known : mostWaiting.learning)
}

/** Not on a host that the trial was taken from, as long as one that it was not taken from takes work. */
export const mayTry = ({ hosts, now }: Situation, { spec }: SweepState, trial: Trial, agent: Agent): boolean => {
  const isReturned = ({ breaker }: Agent) => breaker.hasReturned(`${trial.sweep}/${trial.number}`)
  return !isReturned(agent) || hosts.others(agent.id, spec, now).every(isReturned)
}

/** The first trial of the sweep that was started or created before and only lacks a slot, such as `suits`. */
export const firstReady = (
  situation: Situation,
  sweep: SweepState,
  suits: (trial: Trial) => boolean = () => true,
  isWaiting = waitsForShorter,
): Trial | undefined => {
  let first: Trial | undefined
  for (const trial of situation.state.open(sweep.id).values()) {
    if (first !== undefined && trial.number > first.number) continue
    if (isReady(situation, trial) && (hasBegun(trial) || !isWaiting(situation, sweep, trial)) && suits(trial)) {
      first = trial
    }
  }
  return first
}
