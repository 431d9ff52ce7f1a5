// What a watcher knows of a running sweep, built up from watch events, and the numbers shown of it: how many trials
// are done, what is left, which are best. Pure; drawing it is board.ts, saying it in lines is plain.ts.
import { type Configuration, configurationsOf } from "@sweep/domain/configurations"
import { applyFact, type SweepState } from "@sweep/domain/SweepState"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { isTerminal, type Trial, type TrialState } from "@sweep/domain/Trial"
import type { VerdictKind } from "@sweep/domain/Verdict"
import type { TrialProgress, WatchEvent } from "@sweep/protocol/SweepApi"

export interface SweepView {
  readonly sweep: SweepState
  readonly progress: ReadonlyMap<TrialNumber, TrialProgress>
  /** How many trials there will be in all; `null` when nobody can say. */
  readonly planned: number | null
}

/** Folds one event in; `undefined` before the first snapshot. */
export const advance = (
  view: SweepView | undefined,
  event: WatchEvent,
  planned: (sweep: SweepState) => number | null,
): SweepView | undefined => {
  switch (event._tag) {
    case "Snapshot":
      return {
        sweep: event.sweep,
        progress: new Map(event.progress.map((p) => [p.trial, p])),
        planned: planned(event.sweep),
      }
    case "Recorded": {
      if (view === undefined) return undefined
      // The fold works in place; the watcher's own copy of the trials keeps the snapshot's holder unaffected.
      const sweep: SweepState = { ...view.sweep, trials: new Map(view.sweep.trials) }
      const sweeps = new Map<SweepId, SweepState>([[sweep.id, sweep]])
      applyFact(sweeps, event.fact)
      return { ...view, sweep, planned: event.fact._tag === "SweepExtended" ? planned(sweep) : view.planned }
    }
    case "Progress": {
      if (view === undefined) return undefined
      const progress = new Map(view.progress)
      for (const p of event.progress) progress.set(p.trial, p)
      return { ...view, progress }
    }
  }
}

export const trialsIn = (sweep: SweepState, ...states: ReadonlyArray<TrialState>): ReadonlyArray<Trial> =>
  Array.from(sweep.trials.values()).filter((trial) => states.includes(trial.state))

export const countByState = (sweep: SweepState): Readonly<Partial<Record<TrialState, number>>> => {
  const counts: Partial<Record<TrialState, number>> = {}
  for (const trial of sweep.trials.values()) counts[trial.state] = (counts[trial.state] ?? 0) + 1
  return counts
}

export const countByVerdict = (sweep: SweepState): Readonly<Partial<Record<VerdictKind, number>>> => {
  const counts: Partial<Record<VerdictKind, number>> = {}
  for (const trial of sweep.trials.values()) {
    if (trial.verdict !== null) counts[trial.verdict.kind] = (counts[trial.verdict.kind] ?? 0) + 1
  }
  return counts
}

/** Sets of parameters with a result, best first. */
export const leaders = ({ trials, spec }: SweepState): ReadonlyArray<Configuration> =>
  configurationsOf(trials.values(), spec)

/** Done share of a running trial, between 0 and 1; `null` before its trainer said how long it is. */
export const shareDone = (progress: TrialProgress | undefined): number | null =>
  progress === undefined || progress.totalSteps === null || progress.totalSteps === 0
    ? null
    : Math.min(1, progress.step / progress.totalSteps)

export interface Outlook {
  readonly done: number
  readonly planned: number | null
  /** Including the shares of the running trials; between 0 and 1. */
  readonly share: number | null
  /** Milliseconds; `null` before a trial has ended or when there is no end. */
  readonly left: number | null
}

/** Milliseconds until a running trial is done, as its progress tells; `null` before it is well on its way. */
export const timeLeftOf = (view: SweepView, trial: Trial, now: number): number | null => {
  const done = shareDone(view.progress.get(trial.number))
  return done === null || done <= 0.05 || trial.startedAt === null
    ? null
    : ((now - trial.startedAt) / done) * (1 - done)
}

/**
 * Time left: the running trials end as their own progress tells, and each place that becomes free takes one of those
 * that wait, which is as long as the others on average. Trials differ in length, so this is an estimate, and it is shown
 * as one ("about"); it is never less than what a running trial still needs.
 */
const untilAllEnd = (
  view: SweepView,
  running: ReadonlyArray<Trial>,
  waiting: number,
  mean: number | null,
  now: number,
): number | null => {
  const places: Array<number> = []
  for (const trial of running) {
    const left = timeLeftOf(view, trial, now)
    if (left === null && mean === null) return null
    places.push(left ?? Math.max(0, mean! - (trial.startedAt === null ? 0 : now - trial.startedAt)))
  }
  if (waiting <= 0) return Math.max(0, ...places)
  if (mean === null) return null
  if (places.length === 0) places.push(0)
  // In rounds of as many as there are places, so that a large sweep costs no more than a small one.
  const rounds = Math.floor(waiting / places.length)
  const loads = places.map((place) => place + rounds * mean).sort((a, b) => a - b)
  for (let i = 0; i < waiting % places.length; i++) loads[i]! += mean
  return Math.max(...loads)
}

export const outlook = (view: SweepView, now: number): Outlook => {
  const trials = Array.from(view.sweep.trials.values())
  const ended = trials.filter((trial) => isTerminal(trial.state))
  const running = trials.filter((trial) => trial.state === "running" || trial.state === "assigned")
  const shares = running.reduce((sum, trial) => sum + (shareDone(view.progress.get(trial.number)) ?? 0), 0)
  const share = view.planned === null || view.planned === 0 ? null : Math.min(1, (ended.length + shares) / view.planned)
  const timed = ended.filter((trial) => trial.startedAt !== null && trial.endedAt !== null)
  const spent = timed.map((trial) => trial.endedAt! - trial.startedAt!)
  // A running trial that is well on its way tells of its length too, before the first one has ended.
  for (const trial of running) {
    const done = shareDone(view.progress.get(trial.number))
    if (done !== null && done > 0.2 && trial.startedAt !== null) spent.push((now - trial.startedAt) / done)
  }
  const mean = spent.length === 0 ? null : spent.reduce((a, b) => a + b, 0) / spent.length
  const left =
    view.planned === null ? null : untilAllEnd(view, running, view.planned - ended.length - running.length, mean, now)
  return { done: ended.length, planned: view.planned, share, left }
}
