// What the agent asks of the operating system about a trainer's processes: whether they run, and to end them. The
// default is ProcessTree's work on the real ones; a simulation of whole hosts gives its own. Owns the shape only.
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as ProcessTree from "./ProcessTree.ts"

export const Processes = Context.Reference<{
  readonly isRunning: (tree: ProcessTree.ProcessTree) => boolean
  /** SIGKILL to the whole tree; the pids that did not go. */
  readonly kill: (tree: ProcessTree.ProcessTree) => Effect.Effect<ReadonlyArray<number>>
  /** SIGTERM, and SIGKILL after `grace` milliseconds; the pids that did not go. */
  readonly terminate: (tree: ProcessTree.ProcessTree, grace: number) => Effect.Effect<ReadonlyArray<number>>
}>("@sweep/daemon/Processes", {
  defaultValue: () => ({
    isRunning: ProcessTree.isRunning,
    kill: ProcessTree.kill,
    terminate: ProcessTree.terminate,
  }),
})
