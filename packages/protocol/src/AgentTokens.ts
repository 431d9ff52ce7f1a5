// The tokens of agents, as a contract for whoever removes an agent: the process around a coordinator knows them, where it
// asks for any. Owns the shape; without tokens nothing is to be revoked.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import { void as nothing } from "effect/Effect"
import type { AgentId } from "@sweep/domain/Id"

export interface AgentTokens {
  /** Revokes the tokens that are for this one agent. One for many agents stays: it is not this agent's alone. */
  readonly revoke: (agent: AgentId) => Effect.Effect<void>
}

export const AgentTokens = Context.Reference<AgentTokens>("@sweep/protocol/AgentTokens", {
  defaultValue: () => ({ revoke: () => nothing }),
})
