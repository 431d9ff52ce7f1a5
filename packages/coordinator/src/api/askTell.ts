// Ask and tell: a sweep whose trials are run by whoever asks for them. Owns giving a trial out and taking what is said of
// it; the way of its values is that of an agent's: committed first, then looked at by the sweep's rules, whose decision is
// in the answer. Such a trial has no lease: it stays with who asked until it is told, stopped or paused.
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, formatTrialRef, type SweepId, type TrialNumber } from "@sweep/domain/Id"
import { pointColumns } from "@sweep/domain/PointColumns"
import { type Reason, said } from "@sweep/domain/Reason"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { SweepState } from "@sweep/domain/SweepState"
import { hasFailed, isTerminal, type Trial } from "@sweep/domain/Trial"
import type { SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import { type Asked, type Heard, Refused, type Told, Unavailable } from "@sweep/protocol/SweepApi"
import type { EventBatch } from "@sweep/store/EventBatch"
import { Store, type StoreError } from "@sweep/store/Store"
import { ask as nextOf, type CurvesOf, type Samplers } from "../scheduling/ask.ts"
import { factOfEnd } from "../attempts/attemptEnd.ts"
import type { Ingest } from "../attempts/ingest.ts"
import type { Journal } from "../state/Journal.ts"
import { objectiveOf } from "../attempts/objective.ts"
import { readReported } from "../attempts/reported.ts"
import type { Session } from "../state/Roster.ts"

export interface AskTell {
  readonly ask: (sweep: SweepState) => Effect.Effect<Asked, Refused | StoreError>
  readonly tell: (
    sweep: SweepState,
    trial: TrialNumber,
    told: Told,
  ) => Effect.Effect<Heard, Refused | Unavailable | StoreError>
}

/** Stands in the records for whoever asked. */
const asker = AgentId.make("external")

const refuse = (message: string) => Effect.fail(new Refused({ message }))

const sentenceOf = (reason: Reason | null): string | null => (reason === null ? null : reasonSentence(reason))

const heard = ({ state, objective, stopReason }: Trial): Heard => ({
  state,
  objective,
  stop: state === "paused" ? "it is set aside; ask again for it once it continues" : sentenceOf(stopReason),
})

/** The lines of a report, after those that are committed. */
const batchOf = (
  trial: Trial,
  reports: Told["reports"],
  options: { readonly after: number; readonly at: number },
): EventBatch => {
  const { after, at } = options
  const points = reports.flatMap(({ step, values }, i) =>
    Object.entries(values).map(([metric, value]) => ({ seq: after + i + 1, metric, step, value, at })),
  )
  return {
    sweep: trial.sweep,
    trial: trial.number,
    epoch: trial.epoch!,
    firstSeq: after + 1,
    lastSeq: after + reports.length,
    points: pointColumns(points),
    events: [],
  }
}

const misreported = ({ reports, end }: Told): string | undefined => {
  for (const { step, values } of reports) {
    if (!Number.isFinite(step) || step < 0) return `a report's step is a number of at least 0, and this one is ${step}`
    if (Object.keys(values).length === 0) return `the report at step ${step} has no value`
  }
  return reports.length === 0 && end === null ? "nothing was told: neither a report nor how the trial ended" : undefined
}

export const makeAskTell = Effect.fnUntraced(function* (options: {
  readonly journal: Journal
  readonly samplers: Samplers
  readonly curves: CurvesOf
  readonly ingest: Ingest
  /** Waits until the sweep's rules have seen what is committed. */
  readonly lookedAt: Effect.Effect<void>
  /** A trial has ended. */
  readonly settled: (sweep: SweepId, trial: TrialNumber) => void
  /** Finishes sweeps that have nothing more to do. */
  readonly finish: Effect.Effect<void, StoreError>
}) {
  const { journal, samplers, curves, ingest, lookedAt, settled } = options
  const { state } = journal
  const store = yield* Store
  // Lines of one trial are numbered one after the other.
  const reporting = Semaphore.makeUnsafe(1)

  /**
   * Whatever follows from an end: verdicts, the end of trials that nothing brings back, that of the sweep. It is waited
   * for, because a command that runs with no coordinator around takes everything with it.
   */
  const conclude = Effect.gen(function* () {
    yield* lookedAt
    yield* options.finish
    yield* lookedAt
    yield* options.finish
  })

  const firstPending = (sweep: SweepId): Trial | undefined => {
    let first: Trial | undefined
    for (const trial of state.open(sweep).values()) {
      if (trial.state === "pending" && (first === undefined || trial.number < first.number)) first = trial
    }
    return first
  }

  const ask = Effect.fnUntraced(function* (sweep: SweepState) {
    if (sweep.spec.trainer !== "external") {
      return yield* refuse(
        `the trials of ${sweep.id} are run by agents; a sweep whose file says \`trainer: external\` gives them to whoever asks`,
      )
    }
    let answer = { _tag: "Wait" } as Asked | Refused
    yield* journal.record((at) => {
      const { id, status, reason } = sweep
      if (status === "paused") {
        answer = new Refused({ message: `${id} is paused; resume it: sweep resume ${id}` })
        return []
      }
      if (status !== "running") {
        answer = {
          _tag: "Ended",
          reason: `${id} has ended (${status}${reason === null ? "" : `: ${reasonSentence(reason)}`})`,
        }
        return []
      }
      const facts: Array<Fact> = []
      let trial: Pick<Trial, "number" | "parameters" | "seed" | "attempt"> | undefined = firstPending(id)
      if (trial === undefined) {
        const suggested = nextOf(sweep, state, samplers, at, curves)
        if (suggested._tag !== "Trial") {
          if (suggested._tag === "None") answer = { _tag: "Ended", reason: reasonSentence(suggested.reason) }
          if (suggested._tag === "Broken") answer = new Refused({ message: reasonSentence(suggested.reason) })
          return []
        }
        const { number, parameters, seed, origin } = suggested
        trial = { number, parameters, seed, attempt: 0 }
        const created = { at, sweep: id, trial: number, parameters, seed, revision: sweep.revision, origin }
        facts.push({ _tag: "TrialCreated", ...created })
      }
      const { number, parameters, seed } = trial
      const attempt = trial.attempt + 1
      const of = { at, sweep: id, trial: number, epoch: Epoch.make(++state.lastEpoch) }
      answer = { _tag: "Trial", trial: number, parameters, seed, attempt }
      facts.push({ _tag: "TrialAssigned", ...of, attempt, agent: asker, slot: 0 }, { _tag: "TrialStarted", ...of })
      return facts
    })
    if (answer._tag === "Ended" && sweep.status === "running") yield* conclude
    return answer._tag === "Refused" ? yield* answer : answer
  })

  /** Commits the reports the way an agent's are. */
  const report = (trial: Trial, reports: Told["reports"]) =>
    reporting.withPermit(
      Effect.gen(function* () {
        const over = yield* Deferred.make<void, SessionBroken | SessionRefused>()
        const session: Session = {
          post: () => void Deferred.doneUnsafe(over, Effect.void),
          close: (error) => void Deferred.doneUnsafe(over, Effect.fail(error)),
        }
        const at = yield* Clock.currentTimeMillis
        const batch = batchOf(trial, reports, { after: ingest.mark(trial.epoch!).seq, at })
        yield* ingest.offer({ _tag: "Events", session, batch })
        yield* Effect.mapError(
          Deferred.await(over),
          ({ message }) => new Unavailable({ reason: "unreachable", message }),
        )
      }),
    )

  const finish = Effect.fnUntraced(function* (sweep: SweepState, trial: Trial, end: NonNullable<Told["end"]>) {
    const { metric } = sweep.spec
    const stored = (yield* readReported(store, sweep, [trial.number]))(trial.number)
    // A value that is told stands, whatever was reported on the way.
    const last = end._tag === "Finished" ? end.values : {}
    const reported = {
      summaries: stored.summaries.filter((summary) => !Object.hasOwn(last, summary.metric)),
      points: Object.hasOwn(last, metric.name) ? [] : stored.points,
    }
    if (end._tag === "Finished") {
      const objective = objectiveOf(metric, { ...reported, finished: end.values })
      if (objective._tag === "NeverArrived") return yield* refuse(`${reasonSentence(objective.why)}; tell its value`)
    }
    const facts = yield* journal.record((at) => {
      const now = trial.epoch === null ? undefined : state.inFlight(trial.epoch)
      if (now === undefined) return []
      if (end._tag === "Failed") {
        const { class: of, message } = end
        return [
          {
            _tag: "TrialFailed",
            at,
            sweep: sweep.id,
            trial: trial.number,
            class: of,
            message: said(message),
            detail: null,
          },
        ]
      }
      const step = stored.points.at(-1)?.step ?? 0
      const finished = { _tag: "Finished", interrupted: false, step, values: end.values } as const
      return [factOfEnd({ at, sweep, trial: now, end: finished, reported, releases: state.releases(now) })]
    })
    if (facts.length === 0) return
    settled(sweep.id, trial.number)
    yield* conclude
  })

  /** Told again what it was told before, which happens when an answer was lost. */
  const isRepeated = (sweep: SweepState, trial: Trial, { reports, end }: Told): boolean =>
    reports.length === 0 &&
    ((end?._tag === "Failed" && hasFailed(trial.state)) ||
      (end?._tag === "Finished" &&
        trial.state === "completed" &&
        (end.values[sweep.spec.metric.name] ?? trial.objective) === trial.objective))

  const tell = Effect.fnUntraced(function* (sweep: SweepState, number: TrialNumber, told: Told) {
    const of = formatTrialRef({ sweep: sweep.id, trial: number })
    if (sweep.spec.trainer !== "external") {
      return yield* refuse(`${of} is run by an agent, and only what its trainer reports counts`)
    }
    const wrong = misreported(told)
    if (wrong !== undefined) return yield* refuse(`${of}: ${wrong}`)
    const trial = sweep.trials.get(number)!
    if (isRepeated(sweep, trial, told)) return heard(trial)
    if (trial.state !== "running") {
      const why = sentenceOf(trial.stopReason ?? trial.failure?.message ?? null)
      return yield* refuse(
        isTerminal(trial.state)
          ? `${of} has already ended (${trial.state}${why === null ? "" : `: ${why}`})`
          : trial.state === "paused"
            ? `${of} is set aside; ask again for it once it continues`
            : `${of} was not given to anybody yet: sweep ask ${sweep.id}`,
      )
    }
    if (told.reports.length > 0) {
      yield* report(trial, told.reports)
      yield* lookedAt
    }
    // A rule may have ended it with these reports.
    if (told.end !== null && sweep.trials.get(number)!.state === "running") yield* finish(sweep, trial, told.end)
    return heard(sweep.trials.get(number)!)
  })

  return { ask, tell } satisfies AskTell
})
