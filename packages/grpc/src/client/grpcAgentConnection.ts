// The agent's side of a session over gRPC. Owns a channel and one call per session; reconnecting is the agent's.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AgentServiceClient } from "@sweep/proto/agent"
import { AgentConnection, type AgentSession, SessionBroken } from "@sweep/protocol/AgentConnection"
import { decodeCoordinatorMessage, encodeAgentMessage } from "../codec/agentCodec.ts"
import { callReader } from "../transport/callReader.ts"
import { callWriter } from "../transport/callWriter.ts"
import { channelFor, type GrpcClientOptions } from "../transport/grpcChannel.ts"
import { sessionErrorOf } from "../transport/status.ts"

export const layer = (options: GrpcClientOptions): Layer.Layer<AgentConnection> =>
  Layer.sync(AgentConnection, () => {
    const failureOf = (error: unknown) => sessionErrorOf(error, options)
    // A channel for each session: sessions last, and a new one is the moment at which a new certificate counts.
    const client = Effect.acquireRelease(
      Effect.try({
        try: () => new AgentServiceClient(...channelFor(options)),
        catch: (error) => new SessionBroken({ message: error instanceof Error ? error.message : String(error) }),
      }),
      (opened) => Effect.sync(() => opened.close()),
    )
    const call = (opened: AgentServiceClient) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const call = opened.session()
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
    return { open: Effect.map(Effect.flatMap(client, call), ({ session }) => session) }
  })
