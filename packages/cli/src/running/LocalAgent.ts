// The agent that `sweep run` starts for itself: a child process that runs `sweep agent`, in a process group of its own
// (a Ctrl-C in the terminal is for the command to handle), ended by closing its standard input. Should the command be
// killed, that closes too.
import { spawn, type ChildProcess } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { unavailable } from "../exitCodes.ts"
import type { Home } from "../serving/home.ts"

export interface LocalAgent {
  /** Fails when the agent ends before it is told to. */
  readonly died: Effect.Effect<never, ReturnType<typeof unavailable>>
}

/** After this the child is killed with what it runs; it needs the trainers' grace and a little. */
const patience = "40 seconds"

export const startLocalAgent = Effect.fn("startLocalAgent")(function* (
  at: Home,
  options: { readonly address: string; readonly id: string; readonly slots: number | undefined },
) {
  const logPath = join(at.directory, "agent.log")
  const ended = yield* Deferred.make<number | string>()
  yield* Effect.acquireRelease(
    Effect.sync((): ChildProcess => {
      const log = openSync(logPath, "a")
      const child = spawn(
        process.execPath,
        [
          ...process.execArgv,
          process.argv[1]!,
          "agent",
          "--while-stdin",
          // What the command was given to run, it may run.
          "--allow-commands",
          "--allow-metrics",
          "/",
          "--coordinator",
          options.address,
          "--id",
          options.id,
          ...(options.slots === undefined ? [] : ["--slots", String(options.slots)]),
        ],
        {
          stdio: ["pipe", log, log],
          detached: true,
          env: { ...process.env, SWEEP_HOME: at.directory, SWEEP_ACCESS: "" },
        },
      )
      closeSync(log)
      child.once("exit", (code, signal) => Deferred.doneUnsafe(ended, Effect.succeed(code ?? signal ?? "?")))
      child.once("error", (error) => Deferred.doneUnsafe(ended, Effect.succeed(error.message)))
      return child
    }),
    (child) =>
      Effect.sync(() => child.stdin!.end()).pipe(
        Effect.andThen(Deferred.await(ended)),
        Effect.timeoutOption(patience),
        Effect.andThen(Effect.sync(() => child.kill("SIGKILL"))),
      ),
  )
  return {
    died: Deferred.await(ended).pipe(
      Effect.flatMap((how) => {
        const tail = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-5).join("\n")
        return Effect.fail(unavailable(`the agent of this machine ended (${how}); the end of ${logPath}:\n${tail}`))
      }),
    ),
  } satisfies LocalAgent
})
