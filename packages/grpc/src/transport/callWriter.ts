// The sending half of a streaming gRPC call. Owns backpressure: a write returns when the transport has room for more.
import type { EventEmitter } from "node:events"
import * as Effect from "effect/Effect"

interface WritableCall<Wire> extends EventEmitter {
  readonly write: (message: Wire) => boolean
}

/** Sends on `call`, which is listened to from now on; fails, through `failureOf`, once the call is over. */
export const callWriter = <A, Wire, E>(
  call: WritableCall<Wire>,
  options: { readonly encode: (message: A) => Wire; readonly failureOf: (error: unknown) => E },
): ((message: A) => Effect.Effect<void, E>) => {
  const waiting = new Set<() => void>()
  let over: E | undefined
  const wake = () => {
    for (const resume of waiting) resume()
    waiting.clear()
  }
  const fail = (error: unknown) => {
    over ??= options.failureOf(error)
    wake()
  }
  call.on("drain", wake)
  call.on("error", fail)
  call.on("cancelled", () => fail(new Error("the peer went away")))
  call.on("close", () => fail(new Error("the call is over")))

  const room = Effect.callback<void, E>((done) => {
    const resume = () => done(over === undefined ? Effect.void : Effect.fail(over))
    waiting.add(resume)
    return Effect.sync(() => waiting.delete(resume))
  })
  return (message) =>
    Effect.suspend(() => {
      if (over !== undefined) return Effect.fail(over)
      return call.write(options.encode(message)) ? Effect.void : room
    })
}
