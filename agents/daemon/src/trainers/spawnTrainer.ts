// Starts one trainer process as the leader of its own session, so that no signal of a terminal reaches it and its group
// can be ended as one. Owns the start and the news of its exit.
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import { randomUUID } from "node:crypto"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { type ProcessTree, treeOf } from "../process/ProcessTree.ts"
import { CouldNotStart, type RunOver } from "./Trainer.ts"

type Exited = Extract<RunOver, { readonly _tag: "Exited" }>

export interface TrainerProcess {
  readonly child: ChildProcess
  readonly tree: ProcessTree
  readonly exited: Deferred.Deferred<Exited>
}

export const newMark = (): string => randomUUID()

export const spawnTrainer = (options: {
  readonly argv: ReadonlyArray<string>
  readonly cwd: string
  readonly environment: Record<string, string>
  readonly stdio: StdioOptions
  readonly mark: string
}): Effect.Effect<TrainerProcess, CouldNotStart> =>
  Effect.callback<TrainerProcess, CouldNotStart>((resume) => {
    const [program = "", ...rest] = options.argv
    const failed = (error: NodeJS.ErrnoException) => {
      const why =
        program === ""
          ? "the command is empty"
          : error.code === "ENOENT"
            ? "there is no such program on this agent"
            : error.code === "EACCES"
              ? "it is not executable"
              : error.message
      resume(Effect.fail(new CouldNotStart({ class: "dependency", message: `Cannot start \`${program}\`: ${why}.` })))
    }
    const exited = Deferred.makeUnsafe<Exited>()
    try {
      const child = spawn(program, rest, {
        cwd: options.cwd,
        env: options.environment,
        stdio: options.stdio,
        detached: true,
      })
      child.once("error", failed)
      child.once("exit", (code, signal) =>
        Deferred.doneUnsafe(exited, Effect.succeed({ _tag: "Exited", code, signal } as const)),
      )
      if (child.pid !== undefined) {
        resume(Effect.succeed({ child, tree: treeOf(child.pid, options.mark), exited }))
      }
    } catch (error) {
      failed(error as NodeJS.ErrnoException)
    }
  })
