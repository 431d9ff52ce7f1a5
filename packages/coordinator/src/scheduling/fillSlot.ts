// What giving one free slot to one sweep comes to: a trial that waits or a new one; the result of an equal run instead of
// training it; a wait for a shorter trial; the end of what the budget no longer covers; or an assignment. Pure: it returns
// facts and what the agent is to be told, and acts on neither. Which slot and which sweep is decideDispatch.ts'.
import * as Result from "effect/Result"
import type { Fact } from "@sweep/domain/Fact"
import { type AgentId, Epoch } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { CoordinatorMessage } from "@sweep/protocol/AgentMessage"
import { ask } from "./ask.ts"
import { usedUp } from "./budget.ts"
import { reuse } from "./Results.ts"
import {
  firstReady,
  hasBegun,
  isElsewhere,
  isShorterToCome,
  mayKeepWaiting,
  mayTry,
  type Situation,
  waitsForMade,
  waitsForShorter,
} from "./Situation.ts"
import { trainingOf, trialDocument } from "./trialDocument.ts"
import { isClone } from "../state/replicas.ts"
import type { FreeSlot } from "../state/Roster.ts"
import { alike } from "../state/StateView.ts"

/** What an agent is told once the facts are committed. */
export interface Assignment {
  readonly agent: AgentId
  readonly message: Extract<CoordinatorMessage, { readonly _tag: "Assign" }>
}

export interface Decision {
  readonly facts: ReadonlyArray<Fact>
  readonly assignment?: Assignment
}

/** What of a trial an attempt of it rests on. */
type Dispatched = Parameters<typeof trialDocument>[1] & Pick<Trial, "attempt">

interface Chosen {
  readonly trial: Dispatched
  /** That the trial was created, when it was not before. */
  readonly created: ReadonlyArray<Fact>
}

/** The trial of the sweep for this slot, or what follows when there is none. */
const choose = (situation: Situation, sweep: SweepState, { agent }: FreeSlot): Chosen | Decision => {
  const { state, samplers, curves, at } = situation
  const suits = (ready: Trial) => mayTry(situation, sweep, ready, agent)
  const here = (ready: Trial) => suits(ready) && (hasBegun(ready) || !isElsewhere(situation, sweep, ready, agent))
  const waiting = firstReady(situation, sweep, here)
  if (waiting !== undefined) return { trial: waiting, created: [] }
  const next = ask(sweep, state, samplers, at, curves)
  if (next._tag === "Broken") {
    return { facts: [{ _tag: "SweepStopped", at, sweep: sweep.id, reason: next.reason }] }
  }
  if (next._tag === "Trial") {
    const { number, parameters, seed, origin } = next
    const of = { at, sweep: sweep.id, trial: number, parameters, seed, revision: sweep.revision, origin }
    return {
      trial: { number, parameters, seed, attempt: 0, rounds: 0, lineage: [] },
      created: [{ _tag: "TrialCreated", ...of }],
    }
  }
  // No shorter trial will come any more, and training from the start here beats an idle slot.
  const left = firstReady(situation, sweep, suits, waitsForMade)
  return left === undefined ? { facts: [] } : { trial: left, created: [] }
}

/** Why the chosen trial does not train now, as facts; `undefined` when it does. */
const settle = (
  situation: Situation,
  sweep: SweepState,
  { agent }: FreeSlot,
  { trial, created }: Chosen,
): ReadonlyArray<Fact> | undefined => {
  const { state, results, at } = situation
  const known = sweep.spec.reuse === true && trial.attempt === 0 ? results.find(sweep, trial) : undefined
  if (known !== undefined) return [...created, ...reuse(at, sweep.id, trial.number, known)]
  const isNew = created.length > 0
  if (isNew && mayKeepWaiting(situation, sweep)) {
    if (waitsForShorter(situation, sweep, trial) || isElsewhere(situation, sweep, trial, agent)) return created
  }
  const mayHaveWaited = alike(state, sweep, trial).length > 1 || isShorterToCome(situation, sweep, trial)
  if (!isNew && trial.attempt === 0 && mayHaveWaited && !isClone(sweep, trial.number)) {
    // A trial that was created only to wait is cancelled once the budget is spent, like one that was never created.
    const reason = usedUp(sweep, at)
    if (reason !== null) return [{ _tag: "TrialCancelled", at, sweep: sweep.id, trial: trial.number, reason }]
  }
  return undefined
}

/** What follows when the slot is given to the sweep: no facts when the sweep has no trial to run now. */
export const fillSlot = (situation: Situation, sweep: SweepState, free: FreeSlot): Decision => {
  const { state, at } = situation
  const { agent, slot } = free
  const { trainer, command } = sweep.spec
  if (trainer === "external") return { facts: [] }
  const chosen = choose(situation, sweep, free)
  if ("facts" in chosen) return chosen
  const settled = settle(situation, sweep, free, chosen)
  if (settled !== undefined) return { facts: settled }
  const { trial, created } = chosen
  const { number } = trial
  const training = trainingOf(sweep.spec, trial.parameters)
  if (Result.isFailure(training)) {
    const message = { _tag: "NoTrainingRun", problem: training.failure } as const
    const of = { at, sweep: sweep.id, trial: number, message, detail: null }
    return { facts: [...created, { _tag: "TrialFailed", class: "data", ...of }] }
  }
  const epoch = Epoch.make(state.lastEpoch + 1)
  const attempt = trial.attempt + 1
  const of = { sweep: sweep.id, trial: number, epoch, attempt }
  const trialJson = trialDocument(sweep, trial, { number: attempt, epoch }, training.success)
  const host = agent.host === "" ? {} : { host: agent.host }
  return {
    facts: [...created, { _tag: "TrialAssigned", at, ...of, agent: agent.id, slot: slot.index, ...host }],
    assignment: { agent: agent.id, message: { _tag: "Assign", ...of, slot: slot.index, trainer, command, trialJson } },
  }
}
