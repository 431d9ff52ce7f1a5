import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as flags from "../../flags.ts"

const readOnly = Flag.Boolean("read-only").pipe(
  Flag.withDescription("Only the tools that look: no run, no stop"),
  Flag.withDefault(false),
)

export const mcp = Command.make("mcp", { coordinator: flags.coordinator, readOnly }, (options) =>
  Effect.gen(function* () {
    const { serveMcp } = yield* Effect.promise(() => import("../../mcp/serveMcp.ts"))
    yield* serveMcp(options)
  }),
).pipe(
  Command.withDescription(
    "Serve the Model Context Protocol on standard input and output, for coding agents: check, run, watch, best, report, query",
  ),
  Command.withExamples([
    { command: "sweep mcp", description: "As a client's configuration starts it" },
    {
      command: "sweep mcp --coordinator host:7733 --access me.json",
      description: "For a coordinator on another host, with what that file may do",
    },
  ]),
)
