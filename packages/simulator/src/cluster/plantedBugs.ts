// Three bugs on purpose, each between two parts of the real program and in none of them: they show that the simulator
// can fail. Owns nothing else.
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Epoch } from "@sweep/domain/Id"
import { Timings } from "@sweep/domain/Lease"
import type { AgentConnection } from "@sweep/protocol/AgentConnection"
import type { AgentGateway } from "@sweep/protocol/AgentGateway"
import type { AgentMessage } from "@sweep/protocol/AgentMessage"
import type { HighWater } from "@sweep/store/EventBatch"
import type { Store } from "@sweep/store/Store"
import type { Ledger } from "./Ledger.ts"
import type { Life } from "./World.ts"

export const plantedBugs = ["acknowledge before commit", "epoch check removed", "lease ignored"] as const
export type PlantedBug = (typeof plantedBugs)[number]

/** The store says at once that it has what it is only about to write. */
export const acknowledgeBeforeCommit = (store: Store["Service"], life: Life): Store["Service"] => ({
  ...store,
  ingest: (batches, logs) =>
    Effect.sync(() => {
      life.fork(Effect.ignore(store.ingest(batches, logs)))
      const marks = new Map<number, HighWater>()
      for (const { epoch, lastSeq } of batches) {
        marks.set(epoch, { stdout: 0, stderr: 0, ...marks.get(epoch), epoch, seq: lastSeq })
      }
      for (const { epoch, stream, end } of logs) {
        marks.set(epoch, { seq: 0, stdout: 0, stderr: 0, ...marks.get(epoch), epoch, [stream]: end })
      }
      return Array.from(marks.values())
    }),
})

/** What an attempt reports that no longer counts is taken, too. */
export const epochCheckRemoved = (
  gateway: AgentGateway["Service"],
  store: Store["Service"],
  ledger: Ledger,
): AgentGateway["Service"] => {
  const staleTrial = (epoch: Epoch) => {
    const trial = ledger.assigned.get(epoch)
    return trial === undefined || ledger.sweeps.get(trial.sweep)!.trials.get(trial.trial)!.epoch === epoch
      ? undefined
      : trial
  }
  return {
    serve: (session) =>
      gateway.serve({
        ...session,
        incoming: Stream.mapEffect(
          session.incoming,
          Effect.fnUntraced(function* (message): Effect.fn.Return<AgentMessage> {
            if (message._tag === "Hello") {
              return { ...message, held: message.held.filter(({ epoch }) => staleTrial(epoch) === undefined) }
            }
            const trial = message._tag === "Events" ? staleTrial(message.epoch) : undefined
            if (trial === undefined || message._tag !== "Events") return message
            yield* Effect.ignore(store.ingest([{ ...message, ...trial }], []))
            return { _tag: "Heartbeat", at: 0 }
          }),
        ),
      }),
  }
}

/** An agent that never gives its trials up. */
export const leaseIgnored = (connection: AgentConnection["Service"]): AgentConnection["Service"] => ({
  open: Effect.map(connection.open, ({ send, incoming }) => ({
    send,
    incoming: Stream.map(incoming, (message) =>
      message._tag === "Welcome"
        ? { ...message, timings: new Timings({ ...message.timings, lease: Number.MAX_SAFE_INTEGER }) }
        : message,
    ),
  })),
})
