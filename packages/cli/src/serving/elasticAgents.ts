// The loop that keeps as many agents as there is work: asks the engine what runs, starts what is missing, cancels what
// waits in the queue for nothing. Owns acting on `scale`, and telling the coordinator which agents the engine has ended:
// their trials are dispatched again at once, and their epochs stay the fence should such an agent still run.
import { mkdirSync } from "node:fs"
import * as Effect from "effect/Effect"
import { Coordinator } from "@sweep/coordinator/Coordinator"
import { AgentId } from "@sweep/domain/Id"
import type { Reason } from "@sweep/domain/Reason"
import type { SweepState } from "@sweep/domain/SweepState"
import { isTerminal } from "@sweep/domain/Trial"
import { type AgentJob, agentIdOf, type EngineJob } from "@sweep/engines/Engine"
import { type AgentsSetting, engineFor } from "@sweep/engines/engineFor"
import { scale } from "@sweep/engines/scale"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { plannedTrials } from "../running/plannedTrials.ts"

const interval = "5 seconds"
const defaultMax = 1

/** Trials that need an agent now or later: samplers make a trial only when a slot is free for it. */
export const openTrials = (sweeps: ReadonlyArray<SweepState>, most: number): number =>
  sweeps
    .filter(({ status, spec }) => status === "running" && spec.trainer !== "external")
    .reduce((sum, sweep) => {
      const over = Array.from(sweep.trials.values()).filter(({ state }) => isTerminal(state)).length
      const planned = plannedTrials(sweep)
      return sum + (planned === null ? most : Math.max(0, planned - over))
    }, 0)

export const elasticAgents = Effect.fn("elasticAgents")(function* (setting: AgentsSetting, job: AgentJob) {
  const engine = engineFor(setting)
  const api = yield* SweepApi
  const coordinator = yield* Coordinator
  const max = setting.max ?? defaultMax
  mkdirSync(job.directory, { recursive: true })
  let first = true
  /** Jobs whose agents may be at work, until they have ended. */
  const running = new Set<string>()
  let told = ""

  const tell = (jobs: ReadonlyArray<EngineJob>) => {
    const reasons = new Set(
      jobs.flatMap(({ state, reason }) => (state === "queued" && reason !== null ? [reason] : [])),
    )
    const text =
      reasons.size === 0 ? "" : `agents wait in the queue of ${engine.name}: ${Array.from(reasons).join(", ")}`
    if (text === told) return Effect.void
    told = text
    return text === "" ? Effect.void : Effect.logInfo(text)
  }

  const look = Effect.gen(function* () {
    const jobs = yield* engine.list(job.name)
    const known = new Map(jobs.map((one) => [one.id, one]))
    // What ended while no coordinator looked: its agent may still count as one that holds trials.
    if (first) for (const { id } of jobs) running.add(id)
    first = false
    for (const id of running) {
      const now = known.get(id)
      if (now !== undefined && now.state !== "ended") continue
      running.delete(id)
      const reason: Reason =
        now?.reason == null
          ? { _tag: "JobGone", engine: engine.name }
          : { _tag: "JobEnded", engine: engine.name, state: now.reason }
      yield* coordinator.agentGone(AgentId.make(agentIdOf(engine.name, id)), reason)
    }
    for (const { id, state } of jobs) if (state === "running") running.add(id)
    yield* tell(jobs)

    const { agents } = yield* api.status
    const own = agents.filter(({ agent, state }) => agent.startsWith(`${engine.name}-`) && state !== "lost")
    const slots = own.reduce((sum, agent) => sum + agent.slots.length, 0)
    const slotsPerAgent = own.length === 0 ? 1 : Math.max(1, slots / own.length)
    const open = openTrials(yield* api.list, max * slotsPerAgent)
    const { start, cancel } = scale({ openTrials: open, slotsPerAgent, min: setting.min ?? 0, max, jobs })
    if (cancel.length > 0) {
      yield* Effect.logInfo(`cancelling ${cancel.length} queued agents of ${engine.name}: nothing is left for them`)
      yield* engine.cancel(cancel)
    }
    if (start > 0) {
      const ids = yield* engine.start(start, job)
      // One that ends before it is seen running was an agent all the same.
      for (const id of ids) running.add(id)
      yield* Effect.logInfo(`asked ${engine.name} for ${start} agents: ${ids.join(", ")}`)
    }
  })

  yield* Effect.forkScoped(
    look.pipe(
      Effect.catch((error) => Effect.logWarning(error.message)),
      Effect.andThen(Effect.sleep(interval)),
      Effect.forever,
    ),
  )
})
