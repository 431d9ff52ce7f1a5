// How a client reaches a coordinator: address, credentials and options as grpc-js wants them.
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js"
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

export const channelFor = ({ address, access }: GrpcClientOptions): [string, ChannelCredentials, ChannelOptions] => {
  quietGrpc()
  return [
    address,
    access === undefined ? credentials.createInsecure() : clientCredentials(access()),
    {
      ...clientOptions,
      // A proxy from the environment cannot reach this machine's loopback.
      ...(isLoopback(parseAddress(address)?.host ?? "") ? { "grpc.enable_http_proxy": 0 } : {}),
      ...(access === undefined ? {} : clientTlsOptions),
    },
  ]
}
