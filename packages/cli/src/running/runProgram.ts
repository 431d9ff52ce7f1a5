// Runs another program to its end, as the steps that prepare or upgrade this one do. Owns telling a program that could not
// be started from one that failed; what the caller was after is the caller's sentence.
import { spawn, type StdioOptions } from "node:child_process"
import * as Effect from "effect/Effect"

export interface ProgramFailed {
  readonly started: boolean
  /** What the system said, or `exit 1`. */
  readonly how: string
}

/** An interruption ends the program. */
export const runProgram = (argv: ReadonlyArray<string>, stdio: StdioOptions): Effect.Effect<void, ProgramFailed> =>
  Effect.callback<void, ProgramFailed>((resume) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio })
    child.once("error", ({ message }) => resume(Effect.fail({ started: false, how: message })))
    child.once("exit", (code, signal) =>
      resume(code === 0 ? Effect.void : Effect.fail({ started: true, how: `exit ${code ?? signal}` })),
    )
    return Effect.sync(() => child.kill())
  })
