// What users order of agents: drain, resume, remove. Owns what each order does; that it stands over a restart is the
// fact's. A drained agent stays connected and finishes what it runs; a removed one is not served any more.
import * as Effect from "effect/Effect"
import type { AgentId } from "@sweep/domain/Id"
import { nearestName } from "@sweep/domain/nearestName"
import { AgentTokens } from "@sweep/protocol/AgentTokens"
import { type AgentOrder, NotFound, Refused } from "@sweep/protocol/SweepApi"
import type { StoreError } from "@sweep/store/Store"
import type { Liveness } from "../attempts/liveness.ts"
import type { Journal } from "../state/Journal.ts"
import type { Agent, Roster } from "../state/Roster.ts"

export interface Agents {
  readonly order: (
    agent: AgentId,
    order: AgentOrder,
    reason: string,
  ) => Effect.Effect<void, NotFound | Refused | StoreError>
  readonly log: (agent: AgentId) => Effect.Effect<ReadonlyArray<string>, NotFound>
}

export const makeAgents = (options: {
  readonly journal: Journal
  readonly roster: Roster
  readonly liveness: Liveness
  /** An agent takes trials, or no longer. */
  readonly wake: () => void
}): Agents => {
  const { journal, roster, liveness, wake } = options
  const { state } = journal

  const notFound = (id: AgentId) => {
    const near = nearestName(id, Array.from(roster.agents.keys()))
    const hint = near === undefined ? "; `sweep agents` lists them" : `; did you mean ${near}?`
    return new NotFound({ message: `there is no agent named ${id}${hint}`, known: near === undefined ? [] : [near] })
  }
  const find = (id: AgentId): Effect.Effect<Agent, NotFound> =>
    Effect.suspend(() => {
      const agent = roster.agents.get(id)
      return agent === undefined ? Effect.fail(notFound(id)) : Effect.succeed(agent)
    })

  return {
    order: Effect.fnUntraced(function* (id, order, reason) {
      const standing = state.orders.get(id)
      const agent = roster.agents.get(id)
      // An order may be taken back of an agent that is not connected, and of no other agent that nobody knows.
      if (agent === undefined && !(order === "resume" && standing !== undefined)) return yield* notFound(id)
      if (order === "drain" && standing === "drain") {
        return yield* new Refused({
          message: `agent ${id} is drained already; 'sweep agents resume ${id}' takes it back`,
        })
      }
      yield* journal.record((at) => [{ _tag: "AgentOrdered", at, agent: id, order, reason }])
      if (order === "remove") {
        // First, so that the agent cannot come back while its trials are given to others.
        yield* (yield* AgentTokens).revoke(id)
        yield* liveness.removed(id, {
          _tag: "AgentRemoved",
          agent: id,
          why: reason === "" ? null : reason,
        })
        return
      }
      if (agent !== undefined) {
        agent.held = order === "drain"
        if (order === "resume") agent.breaker.reset()
      }
      wake()
    }),
    log: (id) => Effect.map(find(id), ({ log }) => log),
  }
}
