// Runs an engine's own command and returns what it printed. Owns the words for a command that is missing or fails.
import { spawn } from "node:child_process"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { EngineError } from "./Engine.ts"

/** An engine that hangs is asked again later. */
const defaultPatience = "30 seconds"

/** Standard output of `argv`, with `input` on its standard input. No shell is involved. */
export const command = (
  argv: ReadonlyArray<string>,
  input = "",
  patience: "30 seconds" | "10 minutes" = defaultPatience,
): Effect.Effect<string, EngineError> =>
  Effect.callback<string, EngineError>((resume) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ["pipe", "pipe", "pipe"] })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
    child.once("error", (error) =>
      resume(Effect.fail(new EngineError({ message: `${argv[0]} cannot be started: ${error.message}` }))),
    )
    child.once("close", (code) =>
      resume(
        code === 0
          ? Effect.succeed(out)
          : Effect.fail(new EngineError({ message: `${argv[0]} failed (exit ${code}): ${err.trim() || out.trim()}` })),
      ),
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  }).pipe(
    Effect.timeoutOption(patience),
    Effect.flatMap((answer) =>
      Option.isSome(answer)
        ? Effect.succeed(answer.value)
        : Effect.fail(new EngineError({ message: `${argv[0]} did not answer within ${patience}` })),
    ),
  )
