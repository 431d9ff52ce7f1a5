// The server of a trained model as a child process (sweep_trainer.winner.server). Owns its start, the wait until it
// listens, and its end with the scope.
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { join } from "node:path"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { unavailable } from "../exitCodes.ts"
import { programRoot } from "../programRoot.ts"
import { trainerPython } from "../running/trainerPython.ts"

export interface ModelServer {
  readonly url: string
  /** Fails when it ends by itself. */
  readonly died: Effect.Effect<never, ReturnType<typeof unavailable>>
}

export const startModelServer = Effect.fn("startModelServer")(function* (options: {
  readonly name: string
  readonly base: string
  /** `null`: the base alone. */
  readonly adapter: string | null
  readonly host: string
  readonly port: number
  /** The environment variable that holds the key. */
  readonly keyFrom: string
}) {
  const { name, base, adapter, host, port, keyFrom } = options
  const ready = yield* Deferred.make<number, ReturnType<typeof unavailable>>()
  const ended = yield* Deferred.make<never, ReturnType<typeof unavailable>>()
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(
        trainerPython(),
        [
          "-m",
          "sweep_trainer.winner.server",
          "--base",
          base,
          "--name",
          name,
          "--host",
          host,
          "--port",
          String(port),
          "--key-from",
          keyFrom,
          ...(adapter === null ? [] : ["--adapter", adapter]),
        ],
        {
          stdio: ["pipe", "pipe", "pipe"],
          env: { ...process.env, PYTHONPATH: join(programRoot, "agents/trainer/src") },
        },
      )
      let said = ""
      child.stdin.on("error", () => undefined)
      child.stderr.on("data", (chunk) => (said = (said + chunk).slice(-4000)))
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (!line.startsWith("{")) return
        const listening = JSON.parse(line) as { readonly port: number }
        Deferred.doneUnsafe(ready, Effect.succeed(listening.port))
      })
      const over = (how: string) => {
        const last = said.trim().split("\n").at(-1) ?? ""
        const failure = Effect.fail(
          unavailable(`the server of ${name} ended (${how})${last === "" ? "" : `: ${last}`}`),
        )
        Deferred.doneUnsafe(ready, failure)
        Deferred.doneUnsafe(ended, failure)
      }
      child.once("error", (error) => over(error.message))
      child.once("close", (code, signal) => over(String(code ?? signal)))
      return child
    }),
    (child) =>
      Effect.sync(() => {
        child.stdin.end()
        child.kill()
      }),
  )
  const bound = yield* Deferred.await(ready)
  const shown = host.includes(":") ? `[${host}]` : host
  return { url: `http://${shown}:${bound}/v1`, died: Deferred.await(ended) } satisfies ModelServer
})
