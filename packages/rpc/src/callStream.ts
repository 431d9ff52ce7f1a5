// A duplex gRPC call as a pair of `send` and `incoming`. Owns backpressure in both directions: a write waits until the
// transport has room, and reading pauses while nobody takes what was read. Both sides of a session use it.
import type { EventEmitter } from "node:events"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** Messages read and not yet taken at which reading pauses, and at which it goes on. */
const high = 64
const low = 16

/** What client and server calls have in common. */
interface DuplexCall<WireOut> extends EventEmitter {
  readonly write: (message: WireOut) => boolean
  readonly pause: () => unknown
  readonly resume: () => unknown
}

export interface CallStream<In, Out, E> {
  /** Returns once the transport has room for more. */
  readonly send: (message: Out) => Effect.Effect<void, E>
  /** Ends when the peer is done, fails when the call does. */
  readonly incoming: Stream.Stream<In, E>
}

/**
 * Listens to `call` from now on: call it in the same turn in which the call was made. `decode` may throw; the call then
 * fails with `failureOf` what it threw.
 */
export const callStream = <In, WireIn, Out, WireOut, E>(
  call: DuplexCall<WireOut>,
  options: {
    readonly decode: (message: WireIn) => In
    readonly encode: (message: Out) => WireOut
    readonly failureOf: (error: unknown) => E
  },
): CallStream<In, Out, E> => {
  const queue = Effect.runSync(Queue.unbounded<In, E | Cause.Done>())
  const waiting = new Set<() => void>()
  let over: E | undefined
  let paused = false

  const wake = () => {
    for (const resume of waiting) resume()
    waiting.clear()
  }
  const fail = (error: unknown) => {
    over ??= options.failureOf(error)
    Queue.failCauseUnsafe(queue, Cause.fail(over))
    wake()
  }
  call.on("data", (message: WireIn) => {
    let decoded: In
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
  call.on("drain", wake)

  const resume = Effect.sync(() => {
    if (paused && Queue.sizeUnsafe(queue) <= low) {
      paused = false
      call.resume()
    }
  })

  const failed = Effect.suspend(() => (over === undefined ? Effect.void : Effect.fail(over)))
  const drained = Effect.callback<void>((done) => {
    const wakeUp = () => done(Effect.void)
    waiting.add(wakeUp)
    return Effect.sync(() => waiting.delete(wakeUp))
  })
  return {
    send: (message) =>
      Effect.suspend(() => {
        if (over !== undefined) return Effect.fail(over)
        return call.write(options.encode(message)) ? Effect.void : Effect.andThen(drained, failed)
      }),
    incoming: Stream.fromEffectRepeat(Effect.tap(Queue.takeAll(queue), () => resume)).pipe(Stream.flattenArray),
  }
}
