// The agent's side of a session over gRPC. Owns the channel and one call per session; reconnecting is the agent's.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AgentServiceClient } from "@sweep/proto/agent"
import { AgentConnection, type AgentSession, SessionBroken } from "./AgentConnection.ts"
import { decodeCoordinatorMessage, encodeAgentMessage } from "./agentCodec.ts"
import { callReader } from "./callReader.ts"
import { callWriter } from "./callWriter.ts"
import { channelFor, type GrpcClientOptions } from "./grpcChannel.ts"
import { sessionErrorOf } from "./status.ts"

export const layer = (options: GrpcClientOptions): Layer.Layer<AgentConnection> =>
  Layer.effect(
    AgentConnection,
    Effect.gen(function* () {
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => new AgentServiceClient(...channelFor(options))),
        (open) => Effect.sync(() => open.close()),
      )
      const failureOf = (error: unknown) => sessionErrorOf(error, options.address)
      const open = Effect.acquireRelease(
        Effect.sync(() => {
          const call = client.session()
          // Why a session was refused is told by `incoming`; for a sender it is over in either case.
          const send = callWriter(call, {
            encode: encodeAgentMessage,
            failureOf: (error) => new SessionBroken({ message: failureOf(error).message }),
          })
          // After the writer: who learns from `incoming` that the session is over finds it over for `send`, too.
          const incoming = callReader(call, { decode: decodeCoordinatorMessage, failureOf })
          return { call, session: { send, incoming } satisfies AgentSession }
        }),
        ({ call }) => Effect.sync(() => call.cancel()),
      )
      return { open: Effect.map(open, ({ session }) => session) }
    }),
  )
