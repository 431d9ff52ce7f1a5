// The loop that gives up agents it has not heard of for so long that they have ended their trials themselves. Owns the
// lease's end on this side. Only durations on the monotonic clock decide; a stream that breaks decides nothing, because
// unreachable is not dead.
import * as Effect from "effect/Effect"
import type { AgentId } from "@sweep/domain/Id"
import { redispatchAfter, type Timings } from "@sweep/domain/Lease"
import type { Reason } from "@sweep/domain/Reason"
import { reasonSentence } from "@sweep/domain/reasonSentence"
import { SessionBroken } from "@sweep/protocol/AgentConnection"
import type { Endings } from "./endings.ts"
import type { Journal } from "../state/Journal.ts"
import { monotonic } from "../state/monotonic.ts"
import type { Agent, Roster } from "../state/Roster.ts"
import { attempts } from "../state/StateView.ts"

export interface Liveness {
  /** Knows better than any clock: the process of this agent is gone, and its trials with it. */
  readonly gone: (agent: AgentId, reason: Reason) => Effect.Effect<void>
  /** A user has removed the agent: its trials are dispatched again, and it is forgotten. */
  readonly removed: (agent: AgentId, reason: Reason) => Effect.Effect<void>
  readonly run: Effect.Effect<never>
}

export const makeLiveness = (options: {
  readonly journal: Journal
  readonly roster: Roster
  readonly endings: Endings
  readonly timings: Timings
  /** An agent may have become suspect, or may be so no longer. */
  readonly wake: () => void
}): Liveness => {
  const { journal, roster, endings, timings, wake } = options

  const release = (agent: Agent, cause: Reason) =>
    Effect.gen(function* () {
      agent.lost = true
      agent.occupied.clear()
      // Should it be stopped rather than dead, it has to say Hello again, and is told that its trials are no longer its.
      agent.session?.close(new SessionBroken({ message: reasonSentence(cause) }))
      agent.session = null
      for (const trial of attempts(journal.state)) {
        if (trial.agent === agent.id) endings.ended(trial.epoch!, { _tag: "Released", cause }, null)
      }
      // For people to read; what matters are the trials.
      yield* Effect.ignore(journal.record((at) => [{ _tag: "AgentLost", at, agent: agent.id, reason: cause }]))
      wake()
    })

  // Often enough that nothing waits noticeably longer than it was promised.
  const interval = Math.min(1_000, timings.heartbeat / 2)
  let lookedAt: number | undefined

  const look = Effect.gen(function* () {
    const now = yield* monotonic
    // Time in which this process itself stood still (stopped, starved, suspended) is no silence of the agents': what
    // they said meanwhile is still to be read.
    const stoodStill = lookedAt === undefined ? 0 : now - lookedAt - interval
    lookedAt = now
    if (stoodStill > timings.heartbeat) for (const agent of roster.agents.values()) agent.lastHeard += stoodStill
    for (const agent of Array.from(roster.agents.values())) {
      const silence = now - agent.lastHeard
      if (!agent.lost && silence > redispatchAfter(timings)) {
        yield* release(agent, { _tag: "AgentSilent", agent: agent.id, seconds: Math.round(silence / 1_000) })
      } else if (agent.lost && agent.session === null && silence > 2 * redispatchAfter(timings)) {
        roster.agents.delete(agent.id)
      }
    }
  })

  return {
    gone: (id, reason) =>
      Effect.suspend(() => {
        const agent = roster.agents.get(id)
        if (agent === undefined || agent.lost) return Effect.void
        return release(agent, reason)
      }),
    removed: (id, reason) =>
      Effect.suspend(() => {
        const agent = roster.agents.get(id)
        if (agent === undefined) return Effect.void
        return Effect.andThen(
          agent.lost ? Effect.void : release(agent, reason),
          Effect.sync(() => void roster.agents.delete(id)),
        )
      }),
    run: Effect.forever(Effect.andThen(Effect.sleep(interval), look)),
  }
}
