// The rounds of population-based training: once every member of a population waits at the same point, with its checkpoint
// kept, it is decided who resumes from whom, and all continue. Owns when a round is due, and recording it in one step; the
// rule itself is pure and the search package's. What it decides rests on the trials and their curves alone, so that a
// restarted coordinator decides the same.
import * as Effect from "effect/Effect"
import type { Fact } from "@sweep/domain/Fact"
import type { AgentId, Epoch, TrialNumber } from "@sweep/domain/Id"
import { populationOf, type PopulationOptions, populationOptions } from "@sweep/domain/population"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import { exploitations } from "@sweep/search/PopulationBased"
import type { StoreError } from "@sweep/store/Store"
import type { Artifacts } from "../attempts/artifacts.ts"
import { ask, type CurvesOf, type Samplers } from "./ask.ts"
import type { Journal } from "../state/Journal.ts"
import { monotonic } from "../state/monotonic.ts"
import type { Roster } from "../state/Roster.ts"

/** Milliseconds without a piece of a checkpoint after which a round continues without it. */
const patience = 15 * 60_000

export const makePopulations = (options: {
  readonly journal: Journal
  readonly roster: Roster
  readonly samplers: Samplers
  readonly curves: CurvesOf
  readonly artifacts: Pick<Artifacts, "hasCheckpoint" | "heardOf" | "tidy">
}): Effect.Effect<void, StoreError> => {
  const { journal, roster, samplers, curves, artifacts } = options
  const { state } = journal
  /** Since when (monotonic milliseconds) the checkpoints of attempts are waited for. */
  const awaited = new Map<Epoch, number>()

  const waits = (trial: Trial): boolean => state.isSetAside(trial) && trial.waitedAt !== null

  /** Of a population, the members whose round is over: empty while one of them is still on its way. */
  const due = (members: ReadonlyArray<Trial>): ReadonlyArray<Trial> => {
    // Whom a person has paused the others do not wait for.
    const present = members.filter((trial) => trial.state !== "paused" || waits(trial))
    // Who was left behind catches up first.
    const round = present.reduce((least, { rounds }) => Math.min(least, rounds), Number.POSITIVE_INFINITY)
    const last = present.filter(({ rounds }) => rounds === round)
    return last.every(waits) ? last : []
  }

  /** Whether the population has as many members as it will have. */
  const isWhole = (sweep: SweepState, rule: PopulationOptions, member: TrialNumber, at: number): boolean =>
    sweep.trials.size >= populationOf(rule, member) * rule.population ||
    ask(sweep, state, samplers, at, curves)._tag !== "Trial"

  /** Whether the agent may still hand over the checkpoint of the trial's attempt. */
  const mayCome = (trial: Trial, epoch: Epoch, now: number): boolean => {
    const agent = roster.agents.get(state.lastAgent(trial)!)
    if (agent === undefined || agent.lost) return false
    const since = awaited.get(epoch) ?? now
    awaited.set(epoch, since)
    return now - Math.max(since, artifacts.heardOf(epoch) ?? since) < patience
  }

  const finishRound = Effect.fnUntraced(function* (
    sweep: SweepState,
    rule: PopulationOptions,
    waiting: ReadonlyArray<Trial>,
  ) {
    const giving = new Set<TrialNumber>()
    const now = yield* monotonic
    for (const trial of waiting) {
      if (yield* artifacts.hasCheckpoint(trial, trial.waitedAt!)) giving.add(trial.number)
      else if (mayCome(trial, trial.epoch!, now)) return
    }
    for (const { epoch } of waiting) awaited.delete(epoch!)
    const reports = curves(sweep.id)
    const members = waiting.map(({ number, parameters }) => ({
      trial: number,
      parameters,
      value: reports?.get(number)?.at(-1)?.value ?? Number.NaN,
      mayGive: giving.has(number),
    }))
    const facts = yield* journal.record((at) => {
      const same = waiting.every((trial) => state.trial(sweep.id, trial.number) === trial)
      if (!same || sweep.status !== "running" || !isWhole(sweep, rule, waiting[0]!.number, at)) return []
      const exploiting = new Map(
        exploitations(sweep.spec, rule, members, waiting[0]!.rounds).map((one) => [one.trial, one]),
      )
      return waiting.map(({ number }): Fact => {
        const of = { at, sweep: sweep.id, trial: number }
        const exploit = exploiting.get(number)
        if (exploit === undefined) return { _tag: "TrialResumed", ...of }
        const parent = waiting.find((trial) => trial.number === exploit.from)!
        const from = { trial: parent.number, epoch: parent.epoch!, step: parent.waitedAt! }
        return { _tag: "TrialExploited", ...of, from, parameters: exploit.parameters, reason: exploit.reason }
      })
    })
    // Whose checkpoint has not come resumes from the one before.
    if (facts.length > 0) yield* Effect.forEach(giving, (number) => artifacts.tidy(sweep.id, number))
  })

  return Effect.gen(function* () {
    for (const sweep of state.sweeps.values()) {
      const rule = sweep.status === "running" ? populationOptions(sweep.spec) : null
      if (rule === null) continue
      const open = Array.from(state.open(sweep.id).values())
      for (const members of Map.groupBy(open, ({ number }) => populationOf(rule, number)).values()) {
        const waiting = due(members)
        if (waiting.length > 0) yield* finishRound(sweep, rule, waiting)
      }
    }
  })
}

/** Agents that may have the checkpoint of a member that waits: a coordinator that has just started waits for them. */
export const agentsAwaited = (state: Journal["state"]): ReadonlyArray<AgentId> =>
  Array.from(state.sweeps.values())
    .filter(({ spec }) => populationOptions(spec) !== null)
    .flatMap(({ id }) => Array.from(state.open(id).values()).filter(state.isSetAside))
    .flatMap((trial) => state.lastAgent(trial) ?? [])
