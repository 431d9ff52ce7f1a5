// Which Python trains on this host. SWEEP_PYTHON or `--python` names one; a clone has its own; the wheel's launcher makes
// one on first use, which takes minutes and is said while it happens.
import { spawn } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { unavailable } from "../exitCodes.ts"
import { programRoot } from "../programRoot.ts"

export const trainerPython = (): string => process.env["SWEEP_PYTHON"] ?? join(programRoot, ".venv/bin/python")

/** `--python`: the agents this process starts inherit it. */
export const usePython = (path: Option.Option<string>) =>
  Effect.sync(() => {
    if (Option.isNone(path)) return
    process.env["SWEEP_PYTHON"] = path.value
    delete process.env["SWEEP_PREPARES_PYTHON"]
  })

/** Has the launcher make the trainer's environment where there is none; its progress goes to standard error. */
export const prepareTrainerPython = Effect.suspend(() => {
  if (process.env["SWEEP_PREPARES_PYTHON"] !== "1") return Effect.void
  const python = trainerPython()
  return Effect.callback<void, ReturnType<typeof unavailable>>((resume) => {
    const child = spawn(python, ["--prepare"], { stdio: ["ignore", "ignore", "inherit"] })
    const failed = (how: string) =>
      resume(Effect.fail(unavailable(`the trainer's Python environment could not be prepared (${how}).`)))
    child.once("error", (error) => failed(error.message))
    child.once("exit", (code, signal) => (code === 0 ? resume(Effect.void) : failed(`exit ${code ?? signal}`)))
    return Effect.sync(() => child.kill())
  })
})
