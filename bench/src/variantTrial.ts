// What the benchmarks of variants train: a random model made on the spot (bench/variants/make_model.py), the quickstart's
// data, and the trial.json of a variant for the PEFT trainer, on one CPU thread.
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { lacking, peft } from "@sweep/domain/Backend"
import { fromParameters, variants } from "@sweep/domain/TrainingConfig"
import * as Result from "effect/Result"
import { root } from "./root.ts"

export const python = process.env["SWEEP_PYTHON"] ?? join(root, ".venv/bin/python")
export const environment = { ...process.env, PYTHONPATH: join(root, "agents/trainer/src"), OMP_NUM_THREADS: "1" }
const quickstart = join(root, "sweeps/quickstart")

/** Those that only differ in what is trained: objectives and posts train like the variant they are built on. */
export const trainedVariants = Object.entries(variants).flatMap(([name, { objective, post }]) => {
  // MokA is for models that read images.
  if (objective !== undefined || post !== undefined || name === "moka") return []
  const config = fromParameters({ model: "", train: "", eval: "" }, { variant: name })
  return Result.isSuccess(config) && lacking(peft, config.success).length === 0 ? [name] : []
})

/** A temporary folder with the model in it, gone when the process ends. */
export const makePlace = (benchmark: string) => {
  const place = mkdtempSync(join(tmpdir(), `sweep-bench-${benchmark}-`))
  process.on("exit", () => rmSync(place, { recursive: true, force: true }))
  const model = join(place, "model")
  const makeModel = join(root, "bench/variants/make_model.py")
  const parameters = Number(execFileSync(python, [makeModel, join(quickstart, "base-model"), model]))
  const few = JSON.parse(readFileSync(join(quickstart, "eval.json"), "utf8")).slice(0, 8)
  writeFileSync(join(place, "eval.json"), JSON.stringify(few))

  let runs = 0
  /** The attempt's directory with a trial.json in it. */
  const writeTrial = (variant: string, change: Readonly<Record<string, string | number>>): string => {
    const directory = join(place, `run-${++runs}`)
    mkdirSync(directory)
    const data = { train: join(quickstart, "train.json"), eval: join(place, "eval.json") }
    const common = { rank: 16, learning_rate: 1e-4, batch_size: 8, max_length: 96, max_samples: 192 }
    const training = Result.getOrThrow(fromParameters({ model, ...data }, { variant, ...common, ...change }))
    const devices = [{ kind: "cpu", index: 0, threads: 1 }]
    const trial = { contract: 1, sweep: "bench", trial: 1, attempt: 1, epoch: 1, seed: 1, training, devices }
    writeFileSync(join(directory, "trial.json"), JSON.stringify({ ...trial, probes: [], resume: false }))
    return directory
  }
  return { parameters, writeTrial }
}

export const mib = (bytes: number): number => Math.round(bytes / 2 ** 20)
