// The agent's side of a session over gRPC. Owns the channel and one call per session; reconnecting is the agent's.
import { credentials as grpcCredentials, type ChannelCredentials } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AgentServiceClient, type SessionRequest, type SessionResponse } from "@sweep/proto/agent"
import { type Address, formatAddress, isLoopback } from "./address.ts"
import { AgentConnection, SessionBroken, type SessionRefused } from "./AgentConnection.ts"
import type { AgentMessage, CoordinatorMessage } from "./AgentMessage.ts"
import { decodeCoordinatorMessage, encodeAgentMessage } from "./agentCodec.ts"
import { callStream } from "./callStream.ts"
import { clientOptions } from "./channelOptions.ts"
import { sessionErrorOf } from "./status.ts"

export interface GrpcClientOptions {
  readonly address: Address
  /** Plain text without it. */
  readonly credentials?: ChannelCredentials
}

/** The channel's options for one address. */
export const channelFor = ({ address, credentials }: GrpcClientOptions) =>
  [
    formatAddress(address),
    credentials ?? grpcCredentials.createInsecure(),
    // A proxy from the environment cannot reach this machine's loopback.
    { ...clientOptions, ...(isLoopback(address.host) ? { "grpc.enable_http_proxy": 0 } : {}) },
  ] as const

export const layer = (options: GrpcClientOptions): Layer.Layer<AgentConnection> =>
  Layer.effect(
    AgentConnection,
    Effect.gen(function* () {
      const name = formatAddress(options.address)
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => new AgentServiceClient(...channelFor(options))),
        (open) => Effect.sync(() => open.close()),
      )
      return {
        open: Effect.map(
          Effect.acquireRelease(
            Effect.sync(() => {
              const call = client.session()
              const stream = callStream<
                CoordinatorMessage,
                SessionResponse,
                AgentMessage,
                SessionRequest,
                SessionBroken | SessionRefused
              >(call, {
                decode: decodeCoordinatorMessage,
                encode: encodeAgentMessage,
                failureOf: (error) => sessionErrorOf(error, name),
              })
              return { call, stream }
            }),
            ({ call }) => Effect.sync(() => call.cancel()),
          ),
          ({ stream }) => ({
            // Why a session was refused is told by `incoming`; for a sender it is over in either case.
            send: (message: AgentMessage) =>
              Effect.catchTag(stream.send(message), "SessionRefused", (refused) =>
                Effect.fail(new SessionBroken({ message: refused.message })),
              ),
            incoming: stream.incoming,
          }),
        ),
      }
    }),
  )
