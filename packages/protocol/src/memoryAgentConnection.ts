// Sessions without a network: two queues between an agent and a gateway in the same process. Owns what a transport owes
// (order, an end on both sides when one goes) and nothing of what is said over it.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { AgentConnection, SessionBroken, type SessionRefused } from "./AgentConnection.ts"
import { AgentGateway } from "./AgentGateway.ts"
import type { AgentMessage, CoordinatorMessage } from "./AgentMessage.ts"

/** As many messages are under way in one direction before the sender waits. */
const capacity = 64

const offer = <A, E>(queue: Queue.Queue<A, E>, message: A): Effect.Effect<void, SessionBroken> =>
  Effect.flatMap(Queue.offer(queue, message), (accepted) =>
    accepted ? Effect.void : Effect.fail(new SessionBroken({ message: "the session is over" })),
  )

export const layer: Layer.Layer<AgentConnection, never, AgentGateway> = Layer.effect(
  AgentConnection,
  Effect.gen(function* () {
    const gateway = yield* AgentGateway
    const scope = yield* Effect.scope
    return {
      open: Effect.gen(function* () {
        const up = yield* Queue.bounded<AgentMessage, SessionBroken>(capacity)
        const down = yield* Queue.bounded<CoordinatorMessage, SessionBroken | SessionRefused | Cause.Done>(capacity)
        yield* Effect.addFinalizer(() => Queue.fail(up, new SessionBroken({ message: "the agent went away" })))
        yield* gateway
          .serve({
            send: (message) => offer(down, message),
            incoming: Stream.fromQueue(up),
            peer: "memory",
          })
          .pipe(
            Effect.onExit((exit) =>
              Effect.all([
                Exit.isSuccess(exit) ? Queue.end(down) : Queue.failCause(down, exit.cause),
                Queue.shutdown(up),
              ]),
            ),
            Effect.exit,
            // In the layer's scope: an agent that goes away does not interrupt what the coordinator is doing, as a
            // broken connection does not.
            Effect.forkIn(scope),
          )
        return { send: (message) => offer(up, message), incoming: Stream.fromQueue(down) }
      }),
    }
  }),
)
