// Which Python trains on this host. SWEEP_PYTHON or `--python` names one; a clone has its own; the wheel's launcher makes
// one on first use, which takes minutes and is said while it happens.
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { unavailable } from "../exitCodes.ts"
import { programRoot } from "../programRoot.ts"
import { runProgram } from "./runProgram.ts"

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
  return runProgram([trainerPython(), "--prepare"], ["ignore", "ignore", "inherit"]).pipe(
    Effect.mapError(({ how }) => unavailable(`the trainer's Python environment could not be prepared (${how}).`)),
  )
})
