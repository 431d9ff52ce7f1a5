// How many agents a coordinator asks its engine for. Owns the rule: pure, from what is open and what runs to what is to
// be started or cancelled. Queued jobs that nobody needs are cancelled; running agents leave by themselves when they are
// idle, so that a trial is never ended by a rule about machines.
import type { EngineJob } from "./Engine.ts"

export interface Demand {
  /** Trials that wait or run and need an agent. */
  readonly openTrials: number
  /** Trials an agent runs at once; 1 while no agent has said. */
  readonly slotsPerAgent: number
  /** Agents at least and at most. */
  readonly min: number
  readonly max: number
  readonly jobs: ReadonlyArray<EngineJob>
}

export interface Scaling {
  readonly start: number
  /** Ids of queued jobs. */
  readonly cancel: ReadonlyArray<string>
}

export const scale = ({ openTrials, slotsPerAgent, min, max, jobs }: Demand): Scaling => {
  const wanted = Math.min(max, Math.max(min, Math.ceil(openTrials / Math.max(1, slotsPerAgent))))
  const queued = jobs.filter(({ state }) => state === "queued")
  const running = jobs.filter(({ state }) => state === "running").length
  const missing = wanted - running - queued.length
  if (missing >= 0) return { start: missing, cancel: [] }
  // The newest in the queue go first: the oldest are the next to start.
  return { start: 0, cancel: queued.slice(Math.max(0, queued.length + missing)).map(({ id }) => id) }
}
