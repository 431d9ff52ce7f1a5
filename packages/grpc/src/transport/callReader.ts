// The receiving half of a streaming gRPC call. Owns backpressure: reading pauses while what was read is not taken, so
// that a slow reader slows the sender down instead of filling memory.
import type { EventEmitter } from "node:events"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** Messages read and not yet taken at which reading pauses, and at which it continues. */
const high = 64
const low = 16

interface ReadableCall extends EventEmitter {
  readonly pause: () => unknown
  readonly resume: () => unknown
}

/**
 * The messages of `call`, which is listened to from now on: call this in the turn in which the call was made. The
 * stream ends when the peer is done and fails when the call does, or with what `decode` throws, through `failureOf`.
 */
export const callReader = <Wire, A, E>(
  call: ReadableCall,
  options: { readonly decode: (message: Wire) => A; readonly failureOf: (error: unknown) => E },
): Stream.Stream<A, E> => {
  const queue = Effect.runSync(Queue.unbounded<A, E | Cause.Done>())
  let paused = false
  const fail = (error: unknown) => Queue.failCauseUnsafe(queue, Cause.fail(options.failureOf(error)))

  call.on("data", (message: Wire) => {
    let decoded: A
    try {
      decoded = options.decode(message)
    } catch (error) {
      return fail(error)
    }
    Queue.offerUnsafe(queue, decoded)
    if (!paused && Queue.sizeUnsafe(queue) >= high) {
      paused = true
      call.pause()
    }
  })
  call.on("end", () => Queue.endUnsafe(queue))
  call.on("error", fail)
  call.on("cancelled", () => fail(new Error("the peer went away")))
  call.on("close", () => fail(new Error("the call is over")))

  const resume = Effect.sync(() => {
    if (paused && Queue.sizeUnsafe(queue) <= low) {
      paused = false
      call.resume()
    }
  })
  return Stream.fromEffectRepeat(Effect.tap(Queue.takeAll(queue), () => resume)).pipe(Stream.flattenArray)
}
