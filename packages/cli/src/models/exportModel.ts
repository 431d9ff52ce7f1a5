// A trained model as a folder to hand on: the adapter, or the base with the adapter merged into it, with a model card.
// Owns the folder; merging is the trainer's (sweep_trainer.winner.merge), and so is GGUF (winner.gguf_file).
import { spawn } from "node:child_process"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import { badInput, stateFailure, unavailable } from "../exitCodes.ts"
import { fileProblem } from "@sweep/domain/fileProblem"
import { programRoot } from "../programRoot.ts"
import { trainerPython } from "../running/trainerPython.ts"
import { fetchModel } from "./fetchModel.ts"
import { modelCard } from "./modelCard.ts"

const modules = { merged: "sweep_trainer.winner.merge", gguf: "sweep_trainer.winner.gguf_file" }

/** What a user should know of the result: lines of its standard output. */
const mergeInto = (kind: keyof typeof modules, base: string, adapter: string, target: string) =>
  Effect.callback<ReadonlyArray<string>, ReturnType<typeof unavailable>>((resume) => {
    const child = spawn(trainerPython(), ["-m", modules[kind], base, adapter, target], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PYTHONPATH: join(programRoot, "agents/trainer/src") },
    })
    let said = ""
    let out = ""
    child.stdout.on("data", (chunk) => (out = (out + chunk).slice(-4000)))
    child.stderr.on("data", (chunk) => (said = (said + chunk).slice(-4000)))
    child.once("error", (error) => resume(Effect.fail(unavailable(error.message))))
    child.once("close", (code) =>
      resume(
        code === 0
          ? Effect.succeed(out.split("\n").filter((line) => line !== ""))
          : Effect.fail(
              unavailable(
                `the ${kind === "gguf" ? "export" : "merge"} failed: ${said.trim().split("\n").at(-1) ?? `exit ${code}`}`,
              ),
            ),
      ),
    )
    return Effect.sync(() => child.kill())
  })

/** The folder that was made. */
export const exportModel = Effect.fn("exportModel")(function* (
  of: string,
  kind: "adapter" | keyof typeof modules,
  to: string,
) {
  const target = resolve(to)
  if (existsSync(target) && readdirSync(target).length > 0) {
    return yield* badInput(`${target} is there already and is not empty; name another directory`)
  }
  const { base, directory, name, state, trial } = yield* fetchModel(of, kind === "adapter" ? target : undefined)
  const notes = kind === "adapter" ? [] : yield* mergeInto(kind, base, directory, target)
  yield* Effect.try({
    try: () =>
      writeFileSync(
        join(target, "README.md"),
        modelCard(state, trial, existsSync(join(target, "adapter_config.json")) ? "adapter" : "model"),
      ),
    catch: (cause) => stateFailure(`cannot write to ${target}: ${fileProblem(cause)}`),
  })
  return { name, target, notes }
})
