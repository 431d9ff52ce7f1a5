// An honest agent, in a process of its own, that measures: it reports its trials as done and takes the time until the
// coordinator confirms that. Says what it has measured, as JSON, when its standard input ends.
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as grpcAgentConnection from "@sweep/grpc/grpcAgentConnection"
import type { ClientAccess } from "@sweep/grpc/tls"
import { connectAgent, evalLosses, slotsOf } from "@sweep/protocol/ScriptedAgent"

const [address, file] = process.argv.slice(2)
const access = JSON.parse(readFileSync(file!, "utf8")) as ClientAccess
const millis: Array<number> = []

const main = Effect.gen(function* () {
  // Two devices in each slot, so that it gets the trials that ask for two, and the fleet does not.
  const agent = yield* connectAgent({ id: "probe", hostname: "probe", slots: slotsOf(2, 2) })
  process.stderr.write("probing\n")
  for (;;) {
    const { epoch } = yield* agent.next("Assign")
    const began = performance.now()
    yield* agent.complete(epoch, evalLosses(1, 0.5))
    yield* agent.confirmed(epoch)
    millis.push(performance.now() - began)
    yield* Effect.sleep("50 millis")
  }
}).pipe(
  Effect.scoped,
  Effect.provide(grpcAgentConnection.layer({ address: address!, access: () => access })),
  Effect.catchCause((cause) => Effect.sync(() => process.stderr.write(`the probe ended: ${String(cause)}\n`))),
)
Effect.runFork(main)
process.stdin.resume().once("end", () => process.stdout.write(JSON.stringify(millis), () => process.exit(0)))
