// The loop that records how attempts begin and end, in the order in which it is told; what comes while one commit is under
// way goes into the next one together. Owns turning an end into a fact and confirming it to the agent once it is
// committed. Which fact is attemptEnd.ts'.
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Fact } from "@sweep/domain/Fact"
import { lastOf } from "@sweep/domain/Reason"
import { SessionBroken } from "@sweep/protocol/AgentConnection"
import type { Trial } from "@sweep/domain/Trial"
import { canonicalJson } from "@sweep/domain/canonicalJson"
import type { TrialWarning } from "@sweep/domain/TrialWarning"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import type { AttemptEnd, SkippedLines } from "@sweep/protocol/AgentMessage"
import { Store, type StoreError } from "@sweep/store/Store"
import { isHostSuspect } from "../state/Breaker.ts"
import { factOfEnd } from "./attemptEnd.ts"
import type { Journal } from "../state/Journal.ts"
import { type Read, readReported } from "./reported.ts"
import { monotonic } from "../state/monotonic.ts"
import type { Roster, Session } from "../state/Roster.ts"

interface Ended {
  readonly _tag: "Ended"
  readonly epoch: Epoch
  readonly end: AttemptEnd
  /** Of the agent which reported it, `null` when the coordinator itself gives the attempt up. */
  readonly session: Session | null
  /** Lines of its spool that the agent could not send. */
  readonly skipped: SkippedLines | undefined
}
/** Something that a user has to know of a running attempt. */
interface Warned {
  readonly _tag: "Warned"
  readonly epoch: Epoch
  readonly warning: TrialWarning
}
type Step = { readonly _tag: "Started"; readonly epoch: Epoch } | Warned | Ended

export interface Endings {
  readonly started: (epoch: Epoch) => void
  readonly warned: (epoch: Epoch, warning: TrialWarning) => void
  readonly ended: (epoch: Epoch, end: AttemptEnd, session: Session | null, skipped?: SkippedLines) => void
  readonly run: Effect.Effect<never>
}

/** After these the trial has no result yet. */
const goesOn: ReadonlySet<Fact["_tag"]> = new Set(["TrialStarted", "TrialWarned", "TrialReleased", "TrialPaused"])
/** Milliseconds between two tries to record what only the coordinator knows, while the store refuses to write. */
const retryDelay = 1_000
/** Steps that one commit holds at most. */
const mostTogether = 64

/** What the failure says of the host: the trial is taken from it, when it is the host that seems at fault. */
const judgeBox = Effect.fnUntraced(function* (journal: Journal, roster: Roster, trial: Trial, end: AttemptEnd) {
  const agent = trial.agent === null ? undefined : roster.agents.get(trial.agent)
  if (agent === undefined || trial.stopReason !== null) return end
  if (end._tag === "Finished") {
    agent.breaker.trained()
    roster.trained(trial.sweep)
  }
  if (end._tag !== "Failed") return end
  const key = `${trial.sweep}/${trial.number}`
  const now = yield* monotonic
  if (!isHostSuspect(end.class)) roster.trained(trial.sweep)
  const { spec } = journal.state.sweeps.get(trial.sweep)!
  const { returned, quarantine } = agent.breaker.failed({
    now,
    trial: key,
    sweep: trial.sweep,
    alike: isHostSuspect(end.class) && roster.failsAlike(trial.sweep, agent),
    class: end.class,
    others: roster.others(agent.id, spec, now).some(() => true),
    returns: roster.returns(key),
  })
  if (quarantine !== null) {
    yield* Effect.logWarning(
      `agent ${agent.id} fails everything, the last with: ${reasonSentence(end.message)} It gets no more work for ${Math.round(quarantine / 60_000)} min, and its trials go to others`,
    )
  }
  if (!returned) return end
  return {
    _tag: "Released",
    cause: { _tag: "TakenFromAgent", agent: agent.id, last: lastOf(end.message) },
  } satisfies AttemptEnd
})

export const makeEndings = Effect.fnUntraced(function* (
  journal: Journal,
  roster: Roster,
  after: {
    /** Whatever the attempt occupied is free. */
    readonly vacated: (epoch: Epoch) => void
    /** The trial has a result, or has failed. */
    readonly settled: (sweep: SweepId, trial: TrialNumber) => void
  },
) {
  const store = yield* Store
  const queue = yield* Queue.unbounded<Step>()

  /** The end with what it says of the host; nothing when the attempt is over already. */
  const judge = Effect.fnUntraced(function* ({ epoch, end, skipped }: Ended) {
    const trial = journal.state.inFlight(epoch)
    if (trial === undefined) return []
    return [{ epoch, trial, skipped, end: yield* judgeBox(journal, roster, trial, end) }]
  })

  /** What follows from steps that came together, of each attempt once. */
  const take = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>) {
    const started = new Set<Epoch>()
    const ended = new Map<Epoch, Ended>()
    const warned: Array<Warned> = []
    for (const step of steps) {
      if (step._tag === "Started") started.add(step.epoch)
      else if (step._tag === "Warned") warned.push(step)
      else if (!ended.has(step.epoch)) ended.set(step.epoch, step)
    }
    const judged = (yield* Effect.forEach(ended.values(), judge)).flat()
    const values = new Map<SweepId, (trial: TrialNumber) => Read>()
    for (const [sweep, ends] of Map.groupBy(judged, ({ trial }) => trial.sweep)) {
      const state = journal.state.sweeps.get(sweep)
      if (state === undefined) continue
      const trials = ends.map(({ trial }) => trial.number)
      values.set(sweep, yield* readReported(store, state, trials))
    }
    const facts = yield* journal.record((at) => {
      const recorded: Array<Fact> = []
      for (const epoch of started) {
        const trial = journal.state.inFlight(epoch)
        if (trial?.state === "assigned") {
          recorded.push({ _tag: "TrialStarted", at, sweep: trial.sweep, trial: trial.number, epoch })
        }
      }
      const told = new Set<string>()
      for (const { epoch, warning } of warned) {
        const trial = journal.state.inFlight(epoch)
        // Lines that are sent again say the same again.
        const text = canonicalJson({ ...warning, epoch })
        if (trial === undefined || told.has(text)) continue
        if (trial.warnings.some((other) => canonicalJson(other) === text)) continue
        told.add(text)
        recorded.push({ _tag: "TrialWarned", at, sweep: trial.sweep, trial: trial.number, epoch, warning })
      }
      for (const { epoch, end, skipped } of judged) {
        // Somebody may have cancelled it while its values were read.
        const trial = journal.state.inFlight(epoch)
        const sweep = trial === undefined ? undefined : journal.state.sweeps.get(trial.sweep)
        if (trial === undefined || sweep === undefined) continue
        if (skipped !== undefined) {
          const warning = { _tag: "LinesSkipped", ...skipped } as const
          recorded.push({ _tag: "TrialWarned", at, sweep: trial.sweep, trial: trial.number, epoch, warning })
        }
        const releases = journal.state.releases(trial)
        const reported = values.get(trial.sweep)!(trial.number)
        recorded.push(factOfEnd({ at, sweep, trial, end, reported, releases }))
      }
      return recorded
    })
    for (const fact of facts) {
      if ("trial" in fact && !goesOn.has(fact._tag)) after.settled(fact.sweep, fact.trial)
    }
    for (const step of steps) {
      if (step._tag !== "Ended") continue
      step.session?.post({ _tag: "Ack", acknowledged: [], ended: [step.epoch] })
      after.vacated(step.epoch)
    }
  })

  const refused = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>, error: StoreError) {
    yield* Effect.logError(`how ${steps.length} attempts began or ended was not recorded: ${error.message}`)
    const own: Array<Warned | Ended> = []
    for (const step of steps) {
      // An agent keeps the end and reports it again; a start follows from the next report.
      if (step._tag === "Warned" || (step._tag === "Ended" && step.session === null)) own.push(step)
      else if (step._tag === "Ended") step.session?.close(new SessionBroken({ message: error.message }))
    }
    if (own.length === 0) return
    yield* Effect.sleep(retryDelay)
    yield* attempt(own)
  })
  const attempt = (steps: ReadonlyArray<Step>): Effect.Effect<void> =>
    Effect.catch(take(steps), (error) => refused(steps, error))

  return {
    warned: (epoch, warning) => void Queue.offerUnsafe(queue, { _tag: "Warned", epoch, warning }),
    started: (epoch) => void Queue.offerUnsafe(queue, { _tag: "Started", epoch }),
    ended: (epoch: Epoch, end: AttemptEnd, session: Session | null, skipped?: SkippedLines) =>
      void Queue.offerUnsafe(queue, { _tag: "Ended", epoch, end, session, skipped }),
    run: Effect.forever(Effect.flatMap(Queue.takeBetween(queue, 1, mostTogether), attempt)),
  } satisfies Endings
})
