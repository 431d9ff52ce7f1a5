// How a client's calls become effects and streams. Owns that a call is cancelled when nobody waits for it any more; what a
// failure means is `failureOf`'s.
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { callReader } from "../transport/callReader.ts"

export const unaryCall = <Response, E>(
  start: (done: (error: ServiceError | null, response: Response) => void) => { readonly cancel: () => void },
  failureOf: (error: unknown) => E,
): Effect.Effect<Response, E> =>
  Effect.callback((resume) => {
    const call = start((error, response) =>
      resume(error === null ? Effect.succeed(response) : Effect.fail(failureOf(error))),
    )
    return Effect.sync(() => call.cancel())
  })

export const streamingCall = <Wire, A, E>(
  start: () => ClientReadableStream<Wire>,
  options: { readonly decode: (message: Wire) => A; readonly failureOf: (error: unknown) => E },
): Stream.Stream<A, E> =>
  Stream.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const call = start()
          return { call, messages: callReader(call, options) }
        }),
        ({ call }) => Effect.sync(() => call.cancel()),
      ),
      ({ messages }) => messages,
    ),
  )
