// LLaMA-Factory's environment on this machine: where it is, whether it is there, and having it prepared. Owns the start of
// scripts/prepare.mjs for it; what is in it is that script's.
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { unavailable } from "../exitCodes.ts"
import { programRoot as root } from "../programRoot.ts"
import { runProgram } from "./runProgram.ts"

const venv = join(root, ".venv-llamafactory")

/** The interpreter with LLaMA-Factory in it; SWEEP_LLAMAFACTORY_PYTHON names one that was made by hand. */
const python = () => {
  const named = process.env["SWEEP_LLAMAFACTORY_PYTHON"]
  if (named !== undefined && named !== "") return named
  return existsSync(join(venv, "ready")) ? join(venv, "bin/python") : undefined
}

/** What an agent needs to train with it; `null` where it has not been prepared. */
export const llamaFactoryHere = () => {
  const found = python()
  if (found === undefined) return null
  const sources = ["agents/llamafactory/src", "agents/trainer/src"].map((folder) => join(root, folder))
  return { python: found, pythonPath: sources.join(":") }
}

/** Installs it when it is missing or of another version; what that takes is said on standard error. */
export const prepareLlamaFactory = Effect.suspend(() => {
  if (process.env["SWEEP_LLAMAFACTORY_PYTHON"]) return Effect.void
  const script = join(root, "scripts/prepare.mjs")
  if (!existsSync(script)) {
    return Effect.fail(
      unavailable(
        "this installation does not prepare LLaMA-Factory. Make an environment with llamafactory 0.9.5 and name its Python: SWEEP_LLAMAFACTORY_PYTHON=/path/to/python",
      ),
    )
  }
  return runProgram([process.execPath, script, "--llamafactory"], ["ignore", "inherit", "inherit"]).pipe(
    Effect.mapError(({ started, how }) =>
      unavailable(
        started
          ? "LLaMA-Factory's environment could not be prepared; the reason stands above"
          : `cannot prepare LLaMA-Factory: ${how}`,
      ),
    ),
  )
})
