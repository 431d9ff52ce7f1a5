// What the agent asks of whatever trains: start an attempt in its directory, say which processes that is and when it is
// over. Owns the contract; commandTrainer starts a program per attempt, WarmHost keeps one process for many, and
// adoptedTrainer takes up what an earlier agent started.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { FailureClass } from "@sweep/domain/TrialEvent"
import type { Attempt } from "../attempt/Attempt.ts"
import { Processes } from "../process/Processes.ts"
import type { ProcessTree } from "../process/ProcessTree.ts"

/** How the trainer stopped running the attempt. What that means for the attempt is attemptEnd's to say. */
export type RunOver =
  /** Its process ended. */
  | { readonly _tag: "Exited"; readonly code: number | null; readonly signal: string | null }
  /** The warm host is through with the attempt: `finished`, `failed` or `preempted`. */
  | { readonly _tag: "Done"; readonly status: string }
  /** Its process is gone, and it was not this agent's child: nobody knows with which status. */
  | { readonly _tag: "Vanished" }

export interface Run {
  readonly tree: ProcessTree
  readonly over: Effect.Effect<RunOver>
  /** Standard error of the process itself, where that is not the attempt's: the last lines. */
  readonly ownStderr?: () => string
}

/** The trainer could not be started; no process is left. */
export class CouldNotStart extends Schema.TaggedError<CouldNotStart>()("CouldNotStart", {
  class: FailureClass,
  message: Schema.String,
}) {}

export interface Trainer {
  /** `onTree` hears of the processes before any work is given to them, and again once the pid is known. */
  readonly start: (
    attempt: Attempt,
    onTree: (tree: ProcessTree) => Effect.Effect<void>,
  ) => Effect.Effect<Run, CouldNotStart>
}

const lookMillis = 200

/** A trainer that an earlier life of this agent started. Its end can only be seen by looking. */
export const adoptedTrainer = (tree: ProcessTree): Trainer => ({
  start: () => {
    const over = Effect.gen(function* () {
      const { isRunning } = yield* Processes
      while (isRunning(tree)) yield* Effect.sleep(lookMillis)
      return { _tag: "Vanished" } satisfies RunOver
    })
    return Effect.succeed({ tree, over })
  },
})
