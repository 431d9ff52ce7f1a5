// The loop that looks at what a trial has just reported: reaches a verdict from its curves, and ends it early when the
// sweep's rule or its action on overfitting says so. Owns acting on these decisions; diagnosis and the stopping rules
// themselves are pure and live in their own rooms.
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import { diagnose } from "@sweep/diagnosis/diagnose"
import type { DiagnosisContext } from "@sweep/diagnosis/DiagnosisContext"
import { evidence } from "@sweep/diagnosis/evidence"
import { shouldStop } from "@sweep/diagnosis/shouldStop"
import { curveFeatures, type CurveFeatures, lossNames } from "@sweep/domain/Curve"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepState } from "@sweep/domain/SweepState"
import { answersMetric } from "@sweep/domain/measures"
import { isTerminal, type Trial } from "@sweep/domain/Trial"
import { Verdict } from "@sweep/domain/Verdict"
import type { Report, Stopper } from "@sweep/search/Stopper"
import { stopperFor } from "@sweep/search/stopperFor"
import type { EventBatch } from "@sweep/store/EventBatch"
import { Store, type StoreError } from "@sweep/store/Store"
import type { CurvesOf } from "../scheduling/ask.ts"
import type { Journal } from "../state/Journal.ts"
import type { Progress } from "../state/Progress.ts"
import { monotonic } from "../state/monotonic.ts"
import { curvesOfSets, firstOf, placeOf } from "../state/replicas.ts"
import { Reports } from "../state/Reports.ts"
import type { VerdictsDue } from "./VerdictsDue.ts"

interface Decide {
  /** Events of a trial were committed. */
  readonly reported: (batch: EventBatch) => void
  /** Reaches the verdicts that are due: no slot waits for the store now. */
  readonly judgeDue: () => void
  /** What the sweep's trials reported, where a stopping rule wants to know. */
  readonly curves: CurvesOf
  /** Waits until everything that was reported before has been looked at. */
  readonly lookedAt: Effect.Effect<void>
  readonly run: Effect.Effect<never>
}

/** Milliseconds between two tries while the store cannot be read or written. */
const retryDelay = 1_000
/** Milliseconds between two looks at most; mostly as many as leave three quarters of the time to others. */
const longestRest = 1_000

/** A defect in a stopping rule leaves the trial running. */
const defective = (sweep: SweepId) =>
  Effect.catchDefect((defect) => Effect.logError(`the early-stopping rule of ${sweep} failed`, defect))

/** A cancelled trial says nothing about its parameters; one whose result is another's has its verdict, too. */
const deservesVerdict = (trial: Trial): boolean =>
  isTerminal(trial.state) && trial.state !== "cancelled" && trial.reusedFrom === null

const says = ({ kind, sinceStep, certain }: Verdict): string => `${kind} since ${sinceStep} ${certain === true}`

/** A defect in a rule costs one verdict and not the sweep. */
const verdictOf = (features: CurveFeatures, context: DiagnosisContext): Verdict => {
  try {
    return diagnose(features, context)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const defect = evidence("defect", { message }, { value: 0, threshold: 0, holds: false })
    return new Verdict({ kind: "inconclusive", sinceStep: null, evidence: [defect], advice: [] })
  }
}

export const makeDecide = Effect.fnUntraced(function* (options: {
  readonly journal: Journal
  readonly progress: Progress
  readonly due: VerdictsDue
  /** Ends a running trial, so that it keeps what it has. */
  readonly stop: (sweep: SweepId, trial: TrialNumber, reason: Reason) => Effect.Effect<void, StoreError>
  readonly pause: (sweep: SweepId, trial: TrialNumber, reason: Reason) => Effect.Effect<void, StoreError>
  readonly resume: (sweep: SweepId, trial: TrialNumber) => Effect.Effect<void, StoreError>
  /** The last verdict of a sweep may have fallen. */
  readonly wake: () => void
}) {
  const { journal, progress, due, stop, pause, resume, wake } = options
  const { state } = journal
  const store = yield* Store
  const signal = yield* Queue.sliding<void>(1)
  /** Those who want to know when everything has been looked at. */
  const waiting = new Set<Deferred.Deferred<void>>()
  const hurry = Latch.makeUnsafe()
  const reports = new Reports()
  const stoppers = new Map<string, Stopper | null>()

  /** Trials whose verdict may have changed. */
  const touched = new Map<SweepId, Set<TrialNumber>>()
  /** Reports that the sweep's rule has not been asked about, in the order in which they came. */
  const reported = new Map<SweepId, Array<Report>>()
  for (const sweep of state.sweeps.values()) {
    // Whatever a restart interrupted.
    for (const trial of sweep.trials.values()) {
      if (deservesVerdict(trial) && trial.verdict === null) due.add(sweep.id, trial.number)
    }
  }

  const stopperOf = (sweep: SweepState): Stopper | null => {
    const key = `${sweep.id}/${sweep.revision}`
    const known = stoppers.get(key)
    if (known !== undefined) return known
    const stopper = stopperFor(sweep.spec)
    stoppers.set(key, stopper)
    return stopper
  }
  for (const sweep of state.sweeps.values()) {
    if ((sweep.status === "running" || sweep.status === "paused") && stopperOf(sweep) !== null) {
      yield* reports.resume(sweep)
    }
  }

  /** Reaches the verdicts of these trials. */
  const judge = Effect.fnUntraced(function* (sweep: SweepId, touched: ReadonlySet<TrialNumber>) {
    const metric = answersMetric(state.sweeps.get(sweep)!.spec).name
    const found = yield* store.features(sweep, Array.from(touched), metric)
    const features = new Map(found.map((one) => [one.trial, one]))
    if (state.removed.has(sweep)) return
    yield* journal.record((at) =>
      Array.from(touched).flatMap((number) => {
        const trial = state.trial(sweep, number)
        if (trial === undefined) return []
        const none = curveFeatures(sweep, number, [], [])
        const verdict = verdictOf(features.get(number) ?? none, contextOf(trial))
        // While it runs the numbers move with every eval; the fact is that the verdict changed. The last one stands as
        // it is in the end.
        const same =
          trial.verdict !== null &&
          (isTerminal(trial.state)
            ? JSON.stringify(trial.verdict) === JSON.stringify(verdict)
            : says(trial.verdict) === says(verdict))
        return same ? [] : [{ _tag: "VerdictReached" as const, at, sweep, trial: number, verdict }]
      }),
    )
  })
  journal.listen((facts) => {
    for (const fact of facts) {
      if (fact._tag !== "SweepRemoved") continue
      for (const known of [touched, reported]) known.delete(fact.sweep)
      due.forget(fact.sweep)
      reports.forget(fact.sweep)
    }
  })

  const contextOf = (trial: Trial): DiagnosisContext => {
    const { spec } = state.sweeps.get(trial.sweep)!
    const { name, goal } = answersMetric(spec)
    return {
      finished: isTerminal(trial.state),
      parameters: trial.parameters,
      trainer: spec.trainer,
      totalSteps: progress.get(trial.sweep, trial.number)?.totalSteps ?? null,
      metric: name,
      goal,
      ...(name === spec.metric.name ? {} : { rankedBy: spec.metric.name }),
    }
  }

  /** Whether there is something to decide about the trial: it runs, and nobody has asked it to end. */
  const isGoingOn = (sweep: SweepState, number: TrialNumber): boolean => {
    const trial = sweep.trials.get(number)
    return trial?.stopReason === null && trial.epoch !== null && state.inFlight(trial.epoch) !== undefined
  }

  const actOnVerdict = Effect.fnUntraced(function* (sweep: SweepState, number: TrialNumber) {
    const verdict = isGoingOn(sweep, number) ? sweep.trials.get(number)!.verdict : null
    if (verdict === null || !shouldStop(verdict, sweep.spec.overfitting.action)) return
    yield* stop(sweep.id, number, { _tag: "Judged", verdict: verdict.kind, sinceStep: verdict.sinceStep })
  })

  /** Asks the rule about every report, with the curves as they were when it came. */
  const actOnReports = Effect.fnUntraced(function* (sweep: SweepState) {
    const queue = reported.get(sweep.id) ?? []
    for (let report = queue[0]; report !== undefined; report = queue[0]) {
      const number = report.trial as TrialNumber
      reports.add(sweep.id, report)
      const stopper = stopperOf(sweep)
      if (stopper !== null && isGoingOn(sweep, number)) {
        yield* actOnReport(sweep, stopper, report).pipe(defective(sweep.id))
      }
      // Until then it waits, also when the store refuses what follows from it.
      queue.shift()
    }
  })

  const actOnReport = Effect.fnUntraced(function* (sweep: SweepState, stopper: Stopper, report: Report) {
    const number = report.trial as TrialNumber
    const { replicas } = sweep.spec
    const curves = curvesOfSets(reports.of(sweep.id), replicas)
    const { set } = placeOf(number, replicas)
    const ofSet = replicas === 1 ? report : curves.get(set)!.find(({ step }) => step === report.step)!
    const decision = stopper.decide(state.sets(sweep.id), curves, ofSet)
    if (decision._tag === "Stop") yield* stop(sweep.id, number, decision.reason)
    if (decision._tag === "Pause") yield* pause(sweep.id, number, decision.reason)
  })

  const promote = Effect.fnUntraced(function* (sweep: SweepState) {
    const stopper = sweep.status === "running" ? stopperOf(sweep) : null
    if (stopper === null) return
    const { replicas } = sweep.spec
    for (const set of stopper.promote(state.sets(sweep.id), curvesOfSets(reports.of(sweep.id), replicas))) {
      for (let replica = 0; replica < replicas; replica++) {
        const trial = state.trial(sweep.id, (firstOf(set, replicas) + replica) as TrialNumber)
        // What a person has paused continues when a person says so.
        if (trial !== undefined && state.isSetAside(trial)) yield* resume(sweep.id, trial.number)
      }
    }
  })

  const look = Effect.gen(function* () {
    for (const id of new Set([...touched.keys(), ...reported.keys(), ...due.sweeps])) {
      const sweep = state.sweeps.get(id)
      const changed = touched.get(id) ?? new Set<TrialNumber>()
      // More may come due while these are judged.
      const ended = due.of(id)
      touched.delete(id)
      if (sweep === undefined) continue
      // A sweep may get its rule by an extension: what was reported before counts, too.
      if (!reports.has(id) && stopperOf(sweep) !== null) {
        yield* reports.resume(sweep).pipe(Effect.provideService(Store, store))
      }
      // Until it is judged a trial stays due, also when this fails.
      yield* judge(id, new Set([...changed, ...ended])).pipe(
        Effect.tapError(() => Effect.sync(() => changed.forEach((trial) => addTo(touched, id, trial)))),
      )
      for (const trial of ended) {
        due.remove(id, trial)
        progress.forget(id, trial)
      }
      for (const number of changed) yield* actOnVerdict(sweep, number).pipe(defective(id))
      yield* actOnReports(sweep)
      if (reported.get(id)?.length === 0) reported.delete(id)
      yield* promote(sweep).pipe(defective(id))
      wake()
    }
  })

  const failed = (error: StoreError) =>
    Effect.andThen(Effect.logError(`verdicts have to wait: ${error.message}`), Effect.sleep(retryDelay))

  return {
    reported: (batch) => {
      const sweep = state.sweeps.get(batch.sweep)
      if (sweep === undefined) return
      const metric = sweep.spec.metric.name
      if (stopperOf(sweep) !== null) {
        const fresh = reports.read(batch, metric, sweep.trials.get(batch.trial))
        const queue = reported.get(batch.sweep) ?? []
        queue.push(...fresh)
        if (queue.length > 0) reported.set(batch.sweep, queue)
      }
      const { metrics } = batch.points
      const { evals } = lossNames(metric)
      if (!metrics.some((name) => name === metric || evals.includes(name))) return
      addTo(touched, batch.sweep, batch.trial)
      Queue.offerUnsafe(signal, undefined)
    },
    judgeDue: () => {
      if (!due.isEmpty) Queue.offerUnsafe(signal, undefined)
    },
    curves: (sweep) => (reports.has(sweep) ? reports.with(sweep, reported.get(sweep) ?? []) : undefined),
    lookedAt: Effect.suspend(() => {
      const looked = Deferred.makeUnsafe<void>()
      waiting.add(looked)
      hurry.openUnsafe()
      Queue.offerUnsafe(signal, undefined)
      return Deferred.await(looked)
    }),
    run: Queue.take(signal).pipe(
      Effect.andThen(
        Effect.gen(function* () {
          const began = yield* monotonic
          hurry.closeUnsafe()
          const served = Array.from(waiting)
          yield* look
          for (const looked of served) {
            waiting.delete(looked)
            Deferred.doneUnsafe(looked, Effect.void)
          }
          // What comes meanwhile is looked at together: reports and slots do not wait for verdicts.
          const took = (yield* monotonic) - began
          yield* Effect.raceFirst(Effect.sleep(Math.min(longestRest, 3 * took)), hurry.await)
        }),
      ),
      Effect.catch((error) =>
        // What failed is still due: looked at again without being told to.
        Effect.andThen(
          failed(error),
          Effect.sync(() => void Queue.offerUnsafe(signal, undefined)),
        ),
      ),
      Effect.forever,
    ),
  } satisfies Decide
})

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([value]))
  else set.add(value)
}
