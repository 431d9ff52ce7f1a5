import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"

const host = Flag.String("host").pipe(
  Flag.withDescription(
    "The address to listen on; any but loopback needs 'sweep certs' and 'sweep tokens create' first",
  ),
  Flag.withDefault("127.0.0.1"),
)
const port = Flag.Int("port").pipe(Flag.withDescription("0 takes a free one"), Flag.withDefault(7733))
const tls = Flag.Boolean("tls").pipe(
  Flag.withDescription("Ask for certificates and tokens on loopback, too: for a machine others use, or a tunnel"),
  Flag.withDefault(false),
)
const metricsPort = Flag.Int("metrics-port").pipe(
  Flag.withDescription("Also answer Prometheus on http://127.0.0.1:PORT/metrics; 0 takes a free port"),
  Flag.optional,
)

export const serve = Command.make("serve", { host, port, tls, metricsPort }, ({ metricsPort, ...options }) =>
  Effect.gen(function* () {
    const { serveCoordinator } = yield* Effect.promise(() => import("../../serving/serveCoordinator.ts"))
    yield* serveCoordinator({ ...options, metricsPort: Option.getOrUndefined(metricsPort) })
  }),
).pipe(
  Command.withDescription("Run the coordinator for agents on this or other boxes; it prints how they join"),
  Command.withExamples([
    { command: "sweep serve", description: "On 127.0.0.1:7733, state in .sweep (or SWEEP_HOME)" },
    { command: "sweep serve --host 0.0.0.0", description: "For other boxes, with TLS and tokens" },
  ]),
)
