// How a client reaches a coordinator: address, credentials and options as grpc-js wants them.
import {
  type ChannelCredentials,
  type ClientOptions,
  credentials,
  InterceptingCall,
  type Interceptor,
} from "@grpc/grpc-js"
import { protocolHeader, protocolVersion } from "@sweep/protocol/versions"
import { isLoopback, parseAddress } from "./address.ts"
import { clientOptions } from "./channelOptions.ts"
import { quietGrpc } from "./quietGrpc.ts"
import { type ClientAccess, clientCredentials, clientTlsOptions } from "./tls.ts"

export interface GrpcClientOptions {
  /** `host:port` */
  readonly address: string
  /** TLS with a token; plain text without it. Asked for at every connection, so that what has changed counts. */
  readonly access?: (() => ClientAccess) | undefined
}

/** Says with each call which version of the protocol this program speaks. */
const sayVersion: Interceptor = (options, next) =>
  new InterceptingCall(next(options), {
    start: (metadata, listener, start) => {
      metadata.set(protocolHeader, String(protocolVersion))
      start(metadata, listener)
    },
  })

export const channelFor = ({
  address,
  access,
}: GrpcClientOptions): [string, ChannelCredentials, Partial<ClientOptions>] => {
  quietGrpc()
  return [
    address,
    access === undefined ? credentials.createInsecure() : clientCredentials(access()),
    {
      ...clientOptions,
      interceptors: [sayVersion],
      // A proxy from the environment cannot reach this machine's loopback.
      ...(isLoopback(parseAddress(address)?.host ?? "") ? { "grpc.enable_http_proxy": 0 } : {}),
      ...(access === undefined ? {} : clientTlsOptions),
    },
  ]
}
