// How a client reaches a coordinator: address, credentials and options as grpc-js wants them.
import { type ChannelCredentials, credentials as grpcCredentials } from "@grpc/grpc-js"
import { isLoopback, parseAddress } from "./address.ts"
import { clientOptions } from "./channelOptions.ts"
import { quietGrpc } from "./quietGrpc.ts"

export interface GrpcClientOptions {
  /** `host:port` */
  readonly address: string
  /** Plain text without it. */
  readonly credentials?: ChannelCredentials
}

export const channelFor = ({ address, credentials }: GrpcClientOptions) => {
  quietGrpc()
  return [
    address,
    credentials ?? grpcCredentials.createInsecure(),
    // A proxy from the environment cannot reach this machine's loopback.
    isLoopback(parseAddress(address)?.host ?? "") ? { ...clientOptions, "grpc.enable_http_proxy": 0 } : clientOptions,
  ] as const
}
