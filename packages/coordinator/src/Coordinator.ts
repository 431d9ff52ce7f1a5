// The coordinator: the parts of this room, wired. Owns their life (every loop ends with the layer) and the little that
// only the process around it knows: that an agent it started is gone, that everything is to wind down. It stands behind
// two contracts, SweepApi for people and AgentGateway for agents; transports are none of its business.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type { AgentId, SweepId, TrialNumber } from "@sweep/domain/Id"
import { defaultTimings, type Timings } from "@sweep/domain/Lease"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepState } from "@sweep/domain/SweepState"
import { AgentGateway } from "@sweep/protocol/AgentGateway"
import { ArtifactExchange } from "@sweep/protocol/ArtifactExchange"
import { type Refused, SweepApi } from "@sweep/protocol/SweepApi"
import { Store, type StoreError } from "@sweep/store/Store"
import { Samplers } from "./scheduling/ask.ts"
import { makeAgents } from "./api/agents.ts"
import { makeAskTell } from "./api/askTell.ts"
import { type ArtifactQuotas, makeArtifacts } from "./attempts/artifacts.ts"
import { makeControl } from "./api/control.ts"
import { makeDecide } from "./stopping/decide.ts"
import { makeDispatch } from "./scheduling/dispatch.ts"
import { warningsOf } from "./attempts/warnings.ts"
import { makeEndings } from "./attempts/endings.ts"
import { finishSweeps } from "./scheduling/finish.ts"
import { makeIngest } from "./attempts/ingest.ts"
import { makeJournal } from "./state/Journal.ts"
import { makeLiveness } from "./attempts/liveness.ts"
import { monotonic } from "./state/monotonic.ts"
import { agentsAwaited, makePopulations } from "./scheduling/populations.ts"
import { Progress } from "./state/Progress.ts"
import { makeRemove } from "./api/remove.ts"
import { makeRevise } from "./api/revise.ts"
import { Roster } from "./state/Roster.ts"
import { makeServe } from "./attempts/session.ts"
import { makeSources } from "./api/sources.ts"
import { makeSubmit } from "./api/submit.ts"
import { makeSweepApi } from "./api/sweepApi.ts"
import { VerdictsDue } from "./stopping/VerdictsDue.ts"
import { attempts } from "./state/StateView.ts"
import { makeWakeSignal } from "./state/WakeSignal.ts"
import { makeWatch } from "./api/watch.ts"

export interface CoordinatorOptions {
  readonly version: string
  readonly pid?: number
  /** The state directory, for people to read. */
  readonly home: string
  readonly timings?: Timings
  readonly artifactQuotas?: ArtifactQuotas
  /** Recorded with every sweep, for reproduction; the coordinator's own is added. */
  readonly versions?: Readonly<Record<string, string>>
}

export class Coordinator extends Context.Service<
  Coordinator,
  {
    /** The process of this agent has exited, as its parent knows: its trials are dispatched again at once. */
    readonly agentGone: (agent: AgentId, reason: Reason) => Effect.Effect<void>
    /** Asks every connected agent to finish what runs and to take no more. */
    readonly drain: (reason: Reason) => Effect.Effect<void>
  }
>()("@sweep/coordinator/Coordinator") {}

/** A defect is written down and the loop continues: the trials of days are worth more than a clean end. */
const supervised = (name: string, loop: Effect.Effect<never>): Effect.Effect<never> =>
  loop.pipe(
    Effect.catchDefect((defect) =>
      Effect.andThen(
        Effect.logError(`the loop '${name}' ran into a defect of sweep`, defect),
        Effect.sleep("1 second"),
      ),
    ),
    Effect.forever,
  )

/** Goes on with every sweep in the store from where it was. */
export const layer = (
  options: CoordinatorOptions,
): Layer.Layer<Coordinator | SweepApi | AgentGateway | ArtifactExchange, StoreError, Store | FileSystem.FileSystem> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { version, pid = process.pid, home, timings = defaultTimings } = options
      const journal = yield* makeJournal
      const roster = new Roster(timings)
      const samplers = new Samplers()
      const progress = new Progress()

      // Agents that hold trials may come back. From now on they have a whole lease for that: when they were last heard
      // of, this process does not know.
      const now = yield* monotonic
      for (const { agent, host } of attempts(journal.state)) roster.known(agent!, now).host = host ?? ""
      for (const agent of agentsAwaited(journal.state)) roster.known(agent, now)

      const signal = yield* makeWakeSignal
      const { wake } = signal
      const due = new VerdictsDue()

      const artifacts = yield* makeArtifacts(journal, wake, options.artifactQuotas)
      const sources = yield* makeSources(journal)
      const control = yield* makeControl(journal, roster, due.add)
      // A rule may find the trial ended meanwhile: then there is nothing to do.
      const ifPossible = (effect: Effect.Effect<void, Refused | StoreError>) =>
        Effect.catchTag(effect, "Refused", () => Effect.void)
      const stop = (sweep: SweepId, trial: TrialNumber, reason: Reason) =>
        ifPossible(control.stopTrial(sweep, trial, reason))
      const decide = yield* makeDecide({
        journal,
        progress,
        due,
        stop,
        pause: (sweep, trial, reason) => ifPossible(control.pauseTrial(sweep, trial, reason, "rule")),
        resume: (sweep, trial) => ifPossible(control.resumeTrial(sweep, trial)),
        wake,
      })
      const populations = makePopulations({ journal, roster, samplers, curves: decide.curves, artifacts })
      const finish = finishSweeps({ journal, samplers, curves: decide.curves, isJudged: due.isJudged, stop })
      const dispatch = makeDispatch({
        journal,
        roster,
        samplers,
        curves: decide.curves,
        signal,
        // A verdict can wait for a slot to be filled; a free GPU should not wait for a verdict.
        afterRound: Effect.andThen(Effect.andThen(populations, finish), Effect.sync(decide.judgeDue)),
      })
      const endings = yield* makeEndings(journal, roster, {
        vacated: (epoch) => {
          roster.vacate(epoch)
          wake()
        },
        settled: due.add,
      })
      const ingest = yield* makeIngest({
        committed: (batch) => {
          if (journal.state.inFlight(batch.epoch)?.state === "assigned") endings.started(batch.epoch)
          for (const warning of warningsOf(batch.events)) endings.warned(batch.epoch, warning)
          progress.take(batch)
          decide.reported(batch)
        },
        ended: endings.ended,
        unstorable: (epoch, reason, session) => {
          session.post({ _tag: "Stop", epoch, mode: "kill", reason: { _tag: "Unstorable" } })
          const message = { _tag: "ReportUnstorable", problem: reason } as const
          endings.ended(epoch, { _tag: "Failed", class: "data", message, detail: null }, null)
        },
      })
      const liveness = makeLiveness({ journal, roster, endings, timings, wake })
      const isOver = (sweep: SweepState) =>
        (sweep.status === "finished" || sweep.status === "stopped") &&
        journal.state.open(sweep.id).size === 0 &&
        due.isJudged(sweep)

      journal.listen((facts) => {
        for (const fact of facts) {
          if (fact._tag === "TrialCancelled") progress.forget(fact.sweep, fact.trial)
          if (fact._tag === "SweepRemoved") {
            progress.forgetSweep(fact.sweep)
            roster.forget(fact.sweep)
          }
        }
      })
      // What is not committed when these end stays with the agents, and comes again.
      const loops = { ingest, endings, decide, dispatch, liveness, artifacts, sources }
      for (const [name, loop] of Object.entries(loops)) yield* Effect.forkScoped(supervised(name, loop.run))
      wake()

      const askTell = yield* makeAskTell({
        journal,
        samplers,
        curves: decide.curves,
        ingest,
        lookedAt: decide.lookedAt,
        settled: due.add,
        finish,
      })
      const api = yield* makeSweepApi({
        askTell,
        revise: makeRevise(journal, decide.curves),
        state: journal.state,
        now: journal.now,
        roster,
        control,
        agents: makeAgents({ journal, roster, liveness, wake }),
        artifacts,
        sources,
        remove: yield* makeRemove(journal, artifacts),
        submit: makeSubmit(journal, { ...options.versions, sweep: version }),
        watch: makeWatch(journal, progress, isOver),
        version,
        pid,
        home,
      })
      const serve = makeServe({ journal, storeId: (yield* Store).storeId, roster, ingest, endings, timings, wake })
      return Context.make(SweepApi, api).pipe(
        Context.add(AgentGateway, { serve }),
        Context.add(ArtifactExchange, { ...artifacts.exchange, fetchSources: sources.fetch }),
        Context.add(Coordinator, {
          agentGone: liveness.gone,
          drain: (reason) =>
            Effect.sync(() => {
              for (const { session } of roster.agents.values()) session?.post({ _tag: "Drain", reason })
            }),
        }),
      )
    }),
  )
