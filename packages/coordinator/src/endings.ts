// The loop that records how attempts begin and end, in the order in which it is told. Owns turning an end into a fact
// and confirming it to the agent once it is committed. Which fact is attemptEnd.ts'.
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { SessionBroken } from "@sweep/rpc/AgentConnection"
import type { Trial } from "@sweep/domain/Trial"
import type { AttemptEnd } from "@sweep/rpc/AgentMessage"
import { Store, type StoreError } from "@sweep/store/Store"
import { factOfEnd } from "./attemptEnd.ts"
import type { Journal } from "./Journal.ts"
import { readReported } from "./reported.ts"
import { monotonic } from "./monotonic.ts"
import type { Roster, Session } from "./Roster.ts"

type Step =
  | { readonly _tag: "Started"; readonly epoch: Epoch }
  /** `session` is that of the agent which reported it, `null` when the coordinator itself gives the attempt up. */
  | { readonly _tag: "Ended"; readonly epoch: Epoch; readonly end: AttemptEnd; readonly session: Session | null }

export interface Endings {
  readonly started: (epoch: Epoch) => void
  readonly ended: (epoch: Epoch, end: AttemptEnd, session: Session | null) => void
  readonly run: Effect.Effect<never>
}

/** Milliseconds between two tries to record what only the coordinator knows, while the store refuses to write. */
const retryDelay = 1_000

/** What the failure says of the box: the trial is taken from it, when it is the box that seems at fault. */
const judgeBox = Effect.fnUntraced(function* (journal: Journal, roster: Roster, trial: Trial, end: AttemptEnd) {
  const agent = trial.agent === null ? undefined : roster.agents.get(trial.agent)
  if (agent === undefined || trial.stopReason !== null) return end
  if (end._tag === "Finished") agent.breaker.trained()
  if (end._tag !== "Failed") return end
  const key = `${trial.sweep}/${trial.number}`
  const now = yield* monotonic
  const { spec } = journal.state.sweeps.get(trial.sweep)!
  const { returned, quarantine } = agent.breaker.failed({
    now,
    trial: key,
    class: end.class,
    others: roster.others(agent.id, spec, now).some(() => true),
    returns: roster.returns(key),
  })
  if (quarantine !== null) {
    yield* Effect.logWarning(
      `agent ${agent.id} fails everything, the last with: ${end.message} It gets no more work for ${Math.round(quarantine / 60_000)} min, and its trials go to others`,
    )
  }
  if (!returned) return end
  return {
    _tag: "Released",
    cause: `taken from agent ${agent.id}, where it failed: ${end.message}`,
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

  const end = Effect.fnUntraced(function* (epoch: Epoch, how: AttemptEnd) {
    const trial = journal.state.inFlight(epoch)
    if (trial === undefined) return
    const judged = yield* judgeBox(journal, roster, trial, how)
    const reported = yield* readReported(store, journal.state.sweeps.get(trial.sweep)!, trial.number)
    const facts = yield* journal.record((at) => {
      // Somebody may have cancelled it while its values were read.
      const now = journal.state.inFlight(epoch)
      const sweep = journal.state.sweeps.get(trial.sweep)
      if (now === undefined || sweep === undefined) return []
      const releases = journal.state.releases(now)
      return [factOfEnd({ at, sweep, trial: now, end: judged, reported, releases })]
    })
    if (facts.length > 0 && facts[0]!._tag !== "TrialReleased") after.settled(trial.sweep, trial.number)
  })

  const take = (step: Step): Effect.Effect<void, StoreError> =>
    step._tag === "Started"
      ? Effect.asVoid(
          journal.record((at) => {
            const trial = journal.state.inFlight(step.epoch)
            return trial?.state === "assigned"
              ? [{ _tag: "TrialStarted", at, sweep: trial.sweep, trial: trial.number, epoch: step.epoch }]
              : []
          }),
        )
      : Effect.andThen(
          end(step.epoch, step.end),
          Effect.sync(() => {
            step.session?.post({ _tag: "Ack", acknowledged: [], ended: [step.epoch] })
            after.vacated(step.epoch)
          }),
        )

  const refused = (step: Step, error: StoreError): Effect.Effect<void> => {
    const logged = Effect.logError(
      `an attempt's ${step._tag === "Ended" ? "end" : "start"} was not recorded: ${error.message}`,
    )
    // An agent keeps the end and reports it again; a start follows from the next report.
    if (step._tag === "Started") return logged
    const { session } = step
    if (session !== null) {
      return Effect.andThen(
        logged,
        Effect.sync(() => session.close(new SessionBroken({ message: error.message }))),
      )
    }
    return logged.pipe(Effect.andThen(Effect.sleep(retryDelay)), Effect.andThen(Effect.suspend(() => attempt(step))))
  }
  const attempt = (step: Step): Effect.Effect<void> => Effect.catch(take(step), (error) => refused(step, error))

  return {
    started: (epoch) => void Queue.offerUnsafe(queue, { _tag: "Started", epoch }),
    ended: (epoch, how, session) => void Queue.offerUnsafe(queue, { _tag: "Ended", epoch, end: how, session }),
    run: Effect.forever(Effect.flatMap(Queue.take(queue), attempt)),
  } satisfies Endings
})
