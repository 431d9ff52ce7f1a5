// `sweep mcp`: the server of the Model Context Protocol on standard input and output, for programs and coding agents. Owns
// which tools there are and the instructions that a client shows to its model; the protocol is Effect's.
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpProtocol from "effect/ai/McpProtocol"
import * as McpServer from "effect/ai/McpServer"
import type { CoordinatorFlags } from "../flags.ts"
import { withLineLog } from "../logging.ts"
import { version } from "../version.ts"
import { handlersFor } from "./handlers.ts"
import { everything, reads } from "./tools.ts"

const instructions = `sweep finds the best configuration of a fine-tune and says how sure it is.
Order of calls: check (what a sweep file means and costs) → run (returns the sweep's id) → watch (until status is no longer 'running') → best (the answer) → report (for people, and every trial's verdict).
A sweep file is YAML: name, model, data, parameters, budget. Always give a budget. Errors say what to do.`

export const serveMcp = Effect.fn("serveMcp")(function* (options: {
  readonly coordinator: CoordinatorFlags
  readonly readOnly: boolean
}) {
  const handlers = yield* handlersFor(options.coordinator)
  const { run: _run, stop: _stop, ...reading } = handlers
  const registrations = options.readOnly
    ? McpServer.toolkit(reads).pipe(Layer.provide(reads.toLayer(reading)))
    : McpServer.toolkit(everything).pipe(Layer.provide(everything.toLayer(handlers)))
  const server = McpServer.layerStdio({
    name: "sweep",
    version,
    instructions,
    protocols: [McpProtocol.v2025_11_25, McpProtocol.v2025_06_18, McpProtocol.v2025_03_26, McpProtocol.v2024_11_05],
    registrations,
  })
  return yield* Layer.launch(server.pipe(Layer.provide(NodeStdio.layer))).pipe(withLineLog, Effect.orDie)
})
