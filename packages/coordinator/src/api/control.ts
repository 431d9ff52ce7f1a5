// Stop, pause and resume, of a sweep or of one trial, asked for by a person or by a rule. Owns what each means in each
// state. A running trial that is stopped keeps what it has learned: it saves, answers the probes and reports its end.
import * as Effect from "effect/Effect"
import type { Fact } from "@sweep/domain/Fact"
import { formatTrialRef, type SweepId, type TrialNumber } from "@sweep/domain/Id"
import type { Reason } from "@sweep/domain/Reason"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { SweepState } from "@sweep/domain/SweepState"
import { isTerminal, type Trial } from "@sweep/domain/Trial"
import type { StopMode } from "@sweep/protocol/AgentMessage"
import { Refused } from "@sweep/protocol/SweepApi"
import { Store, type StoreError } from "@sweep/store/Store"
import type { Journal } from "../state/Journal.ts"
import { lastValues, objectiveOf, type Reported } from "../attempts/objective.ts"
import { readReported } from "../attempts/reported.ts"
import type { Roster } from "../state/Roster.ts"

export interface Control {
  readonly stopSweep: (sweep: SweepState, reason: Reason) => Effect.Effect<void, Refused | StoreError>
  readonly pauseSweep: (sweep: SweepState, reason: Reason) => Effect.Effect<void, Refused | StoreError>
  readonly resumeSweep: (sweep: SweepState) => Effect.Effect<void, Refused | StoreError>
  readonly stopTrial: (sweep: SweepId, trial: TrialNumber, reason: Reason) => Effect.Effect<void, Refused | StoreError>
  /** `rule`: a stopping rule sets it aside, and may bring it back; nobody else has to. */
  readonly pauseTrial: (
    sweep: SweepId,
    trial: TrialNumber,
    reason: Reason,
    by: "person" | "rule",
  ) => Effect.Effect<void, Refused | StoreError>
  readonly resumeTrial: (sweep: SweepId, trial: TrialNumber) => Effect.Effect<void, Refused | StoreError>
}

const ended = (sweep: SweepState): boolean => sweep.status === "stopped" || sweep.status === "finished"

export const makeControl = Effect.fnUntraced(function* (
  journal: Journal,
  roster: Roster,
  /** A trial ended here, without an agent. */
  settled: (sweep: SweepId, trial: TrialNumber) => void,
) {
  const store = yield* Store
  const { state } = journal

  /** Asks the agent that has the trial, if it is connected; a later Hello repeats it. */
  const ask = (trial: Trial, mode: StopMode, reason: Reason) => {
    if (trial.epoch === null || trial.agent === null) return
    roster.agents.get(trial.agent)?.session?.post({ _tag: "Stop", epoch: trial.epoch, mode, reason })
  }

  /** An agent has the trial, and will say how it ended. */
  const isOnAgent = (trial: Trial): boolean =>
    (trial.state === "assigned" || trial.state === "running") &&
    state.sweeps.get(trial.sweep)?.spec.trainer !== "external"

  const refuse = (message: string) => Effect.fail(new Refused({ message }))

  const stopTrials = Effect.fnUntraced(function* (
    sweep: SweepId,
    choose: () => ReadonlyArray<Trial>,
    reason: Reason,
    first: (at: number) => ReadonlyArray<Fact>,
  ) {
    // A trial that was set aside has values, one that waits to continue, too.
    const known = choose().filter((trial) => !isOnAgent(trial) && trial.attempt > 0)
    const read = yield* readReported(
      store,
      state.sweeps.get(sweep)!,
      known.map(({ number }) => number),
    )
    const running: Array<Trial> = []
    const over: Array<TrialNumber> = []
    yield* journal.record((at) => {
      const facts = [...first(at)]
      for (const trial of choose()) {
        const of = { at, sweep, trial: trial.number, reason }
        if (isOnAgent(trial)) {
          running.push(trial)
          facts.push({ _tag: "TrialStopRequested", ...of })
        } else if (trial.attempt === 0) {
          facts.push({ _tag: "TrialCancelled", ...of })
        } else {
          const reported: Reported = { ...read(trial.number), finished: {} }
          const objective = objectiveOf(state.sweeps.get(sweep)!.spec.metric, reported)
          const known = objective._tag === "Known" ? objective.value : null
          over.push(trial.number)
          facts.push({ _tag: "TrialStopped", ...of, objective: known, values: lastValues(reported) })
        }
      }
      return facts
    })
    for (const trial of running) ask(trial, "finish", reason)
    for (const trial of over) settled(sweep, trial)
  })

  const trialOf = (sweep: SweepId, number: TrialNumber) => {
    const trial = state.trial(sweep, number)
    return trial === undefined || isTerminal(trial.state) ? undefined : trial
  }

  const refuseEnded = (sweep: SweepId, number: TrialNumber) => {
    const trial = state.trial(sweep, number)
    return refuse(`${formatTrialRef({ sweep, trial: number })} has already ended (${trial?.state ?? "unknown"})`)
  }

  return {
    stopSweep: (sweep, reason) =>
      ended(sweep)
        ? refuse(`${sweep.id} has already ended (${sweep.status})`)
        : stopTrials(
            sweep.id,
            () => Array.from(state.open(sweep.id).values()),
            reason,
            (at) => [{ _tag: "SweepStopped", at, sweep: sweep.id, reason }],
          ),

    pauseSweep: (sweep, reason) =>
      Effect.gen(function* () {
        if (ended(sweep)) return yield* refuse(`${sweep.id} has already ended (${sweep.status})`)
        yield* journal.record((at) =>
          sweep.status === "running" ? [{ _tag: "SweepPaused", at, sweep: sweep.id }] : [],
        )
        for (const trial of state.open(sweep.id).values()) if (isOnAgent(trial)) ask(trial, "preempt", reason)
      }),

    resumeSweep: (sweep) =>
      ended(sweep)
        ? refuse(`${sweep.id} has ended (${sweep.status}); submit its file again for a new sweep`)
        : Effect.asVoid(
            journal.record((at) => (sweep.status === "paused" ? [{ _tag: "SweepResumed", at, sweep: sweep.id }] : [])),
          ),

    stopTrial: (sweep, number, reason) =>
      trialOf(sweep, number) === undefined
        ? refuseEnded(sweep, number)
        : stopTrials(
            sweep,
            () => {
              const trial = trialOf(sweep, number)
              return trial === undefined ? [] : [trial]
            },
            reason,
            () => [],
          ),

    pauseTrial: (sweep, number, reason, by) =>
      Effect.gen(function* () {
        const trial = trialOf(sweep, number)
        if (trial === undefined) return yield* refuseEnded(sweep, number)
        // Set aside now, nothing would bring it to its end.
        if (trial.stopReason !== null || ended(state.sweeps.get(sweep)!)) {
          const why = trial.stopReason === null ? `${sweep} has ended` : reasonSentence(trial.stopReason)
          return yield* refuse(`${formatTrialRef({ sweep, trial: number })} is about to end (${why})`)
        }
        let before: Trial | undefined
        yield* journal.record((at) => {
          before = trialOf(sweep, number)
          return before === undefined || before.state === "paused" || before.stopReason !== null
            ? []
            : [{ _tag: "TrialPaused", at, sweep, trial: number, ...(by === "rule" ? { rule: reason } : {}) }]
        })
        if (before !== undefined && isOnAgent(before)) ask(before, "preempt", reason)
      }),

    resumeTrial: (sweep, number) =>
      Effect.gen(function* () {
        if (trialOf(sweep, number) === undefined) return yield* refuseEnded(sweep, number)
        const { status } = state.sweeps.get(sweep)!
        if (status === "stopped" || status === "finished") {
          return yield* refuse(`${sweep} has ended (${status}): its trials cannot continue`)
        }
        yield* journal.record((at) =>
          trialOf(sweep, number)?.state === "paused" ? [{ _tag: "TrialResumed", at, sweep, trial: number }] : [],
        )
      }),
  } satisfies Control
})
