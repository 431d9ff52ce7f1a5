// Says that this agent is alive, as often as the coordinator asked, for as long as the session lasts. Owns only that: what
// the coordinator answers is the session's.
import type { AgentSession, SessionBroken } from "@sweep/protocol/AgentConnection"
import * as Effect from "effect/Effect"
import { type Lease, monotonic } from "./Lease.ts"

export const heartbeat = (send: AgentSession["send"], lease: Lease): Effect.Effect<never, SessionBroken> =>
  Effect.suspend(() => Effect.sleep(lease.timings.heartbeat)).pipe(
    // First the consequences of having slept too long, then the news of being alive.
    Effect.andThen(lease.check),
    Effect.andThen(monotonic),
    Effect.flatMap((at) => send({ _tag: "Heartbeat", at })),
    Effect.forever,
  )
