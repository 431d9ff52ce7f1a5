// The coordinator's side of the sessions, as a contract: a transport hands each session it accepted to it. Owns nothing
// but the shape; the coordinator implements it, grpcServer.ts and memoryAgentConnection.ts call it.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { SessionBroken, SessionRefused } from "./AgentConnection.ts"
import type { AgentMessage, CoordinatorMessage } from "./AgentMessage.ts"

export interface GatewaySession {
  /** Returns once there is room for more. */
  readonly send: (message: CoordinatorMessage) => Effect.Effect<void, SessionBroken>
  /** Ends or fails when the session does; `SessionRefused` when the agent said what means nothing. */
  readonly incoming: Stream.Stream<AgentMessage, SessionBroken | SessionRefused>
  /** Where the agent connects from, for a person to read. */
  readonly peer: string
}

export class AgentGateway extends Context.Service<
  AgentGateway,
  {
    /** Serves one session until it is over; how it ends is what the agent is told. */
    readonly serve: (session: GatewaySession) => Effect.Effect<void, SessionBroken | SessionRefused>
  }
>()("@sweep/protocol/AgentGateway") {}
