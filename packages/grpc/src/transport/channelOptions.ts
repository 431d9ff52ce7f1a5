// The transport's options, once for every client and server. Owns the numbers and the reason of each; nothing here opens
// a connection.
import type { ChannelOptions } from "@grpc/grpc-js"

const MiB = 1024 * 1024

/** A message may not be larger than this, in bytes, in either direction. What can be larger is cut into chunks. */
const maxMessageBytes = 8 * MiB

/** Milliseconds a unary call may take. */
export const unaryDeadline = 10_000

/** Milliseconds within which a state, results or the rows of a query have to be there. */
export const readDeadline = 120_000

const sizes: ChannelOptions = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  // 64 KiB, HTTP/2's default, holds a stream of batches back on any link with a delay.
  "grpc-node.flow_control_window": 1 * MiB,
}

export const clientOptions: ChannelOptions = {
  ...sizes,
  // A half-open connection is noticed after 30 s, also while no call is in progress.
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  // A channel is a connection of its own. Shared with others of the process, a new session would be given the half-dead
  // connection that it is to replace, and all of them together the 64 streams of one.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 1_000,
  // The default of two minutes leaves a GPU idle long after the coordinator is back.
  "grpc.max_reconnect_backoff_ms": 15_000,
  // Streams are resumed by the caller, from what is acknowledged; a transport that retries them would only keep copies.
  "grpc.enable_retries": 0,
  // With the default of 1 MiB a stream slows to an eighth.
  "grpc.per_rpc_retry_buffer_size": 64 * 1024,
}

export const serverOptions: ChannelOptions = {
  ...sizes,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.max_concurrent_streams": 64,
}
