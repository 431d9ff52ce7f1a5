// Says that this agent is alive, as often as the coordinator asked, for as long as the session lasts. Owns only that.
import type { AgentSession, SessionBroken } from "@sweep/rpc/AgentConnection"
import * as Effect from "effect/Effect"
import type { Lease } from "./Lease.ts"

/** A message that the transport took is contact: its keep-alive breaks the session within seconds of a dead link. */
export const heartbeat = (send: AgentSession["send"], lease: Lease): Effect.Effect<never, SessionBroken> =>
  Effect.suspend(() => Effect.sleep(lease.timings.heartbeat)).pipe(
    // First the consequences of having slept too long, then the news of being alive.
    Effect.andThen(lease.check),
    Effect.andThen(send({ _tag: "Heartbeat" })),
    Effect.andThen(lease.touch),
    Effect.forever,
  )
