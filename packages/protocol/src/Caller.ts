// Who makes a call: what the transport has found out, for those who decide by it. Owns the shape and what holds where
// nobody is asked (a coordinator on loopback, or in the caller's own process).
import * as Context from "effect/Context"
import type { AgentId } from "@sweep/domain/Id"

export interface Caller {
  /** Of the token, for people and for the audit log. */
  readonly name: string
  /** Of the token, and thereby of limits that count per token. */
  readonly token: string | null
  /** Whether it may speak as this agent: its token is bound to it, or nobody is asked for tokens. */
  readonly speaksFor: (agent: AgentId) => boolean
  /** The agents that it may speak as, in words. */
  readonly agents: string
}

export const anybody: Caller = { name: "anybody", token: null, speaksFor: () => true, agents: "every agent" }

export const Caller = Context.Reference<Caller>("@sweep/protocol/Caller", { defaultValue: () => anybody })
