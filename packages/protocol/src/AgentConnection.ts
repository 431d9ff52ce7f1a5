// The agent's side of a session, as a contract: the gRPC layer is grpcAgentConnection.ts, an in-memory pair for tests
// lives beside it. Owns one session's life and nothing of reconnecting: that is a loop of the agent's.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { AgentMessage, CoordinatorMessage } from "./AgentMessage.ts"

/** The session is over; a new one may be opened. */
export class SessionBroken extends Schema.TaggedError<SessionBroken>()("SessionBroken", { message: Schema.String }) {}

/** The coordinator will not have this agent (protocol version, token, a second agent of the same id): trying again is no use. */
export class SessionRefused extends Schema.TaggedError<SessionRefused>()("SessionRefused", {
  message: Schema.String,
  /** For want of a token or certificate that is good for it. */
  denied: Schema.optionalKey(Schema.Boolean),
}) {}

export interface AgentSession {
  /** Returns once the message is handed to the transport and there is room for more (backpressure). */
  readonly send: (message: AgentMessage) => Effect.Effect<void, SessionBroken>
  /** Ends or fails when the session does. */
  readonly incoming: Stream.Stream<CoordinatorMessage, SessionBroken | SessionRefused>
}

export class AgentConnection extends Context.Service<
  AgentConnection,
  {
    /** A session that is closed with its scope. The first message sent has to be `Hello`. */
    readonly open: Effect.Effect<AgentSession, SessionBroken | SessionRefused, Scope.Scope>
  }
>()("@sweep/protocol/AgentConnection") {}
