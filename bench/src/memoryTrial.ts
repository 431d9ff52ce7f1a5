// One run of our PEFT trainer on the quickstart's model, for its peak memory on this CPU: every example is as long as
// `max_length`, and nearly all its tokens are trained.
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fromParameters } from "@sweep/domain/TrainingConfig"
import type { MemoryConfig } from "@sweep/memory/estimate"
import * as Result from "effect/Result"
import { root } from "./root.ts"
import { environment, python } from "./variantTrial.ts"

/** The peak resident set size of the process, in bytes. */
export const cpuPeak = async (config: MemoryConfig): Promise<number> => {
  const place = mkdtempSync(join(tmpdir(), "sweep-bench-memory-"))
  try {
    const words = Array.from({ length: 2 * config.max_length }, (_, i) => ["north", "bread", "seven", "glass"][i % 4])
    const records = Array.from({ length: config.batch_size }, (_, i) => ({
      instruction: `Repeat ${i}`,
      input: "",
      output: words.join(" "),
    }))
    const [train, evalPath] = [join(place, "train.json"), join(place, "eval.json")]
    writeFileSync(train, JSON.stringify(records))
    writeFileSync(evalPath, JSON.stringify([{ instruction: "Say yes", input: "", output: "yes" }]))
    const run = { model: join(root, "sweeps/quickstart/base-model"), train, eval: evalPath }
    const training = Result.getOrThrow(
      fromParameters(run, {
        variant: config.adapter.type,
        rank: config.adapter.rank,
        batch_size: config.batch_size,
        micro_batch_size: config.batch_size,
        max_length: config.max_length,
        precision: config.precision,
        gradient_checkpointing: config.gradient_checkpointing,
        max_steps: 3,
      }),
    )
    const directory = join(place, "run")
    mkdirSync(directory)
    const devices = [{ kind: "cpu", index: 0, threads: 1 }]
    const trial = { contract: 1, sweep: "bench", trial: 1, attempt: 1, epoch: 1, seed: 1, training, devices }
    writeFileSync(join(directory, "trial.json"), JSON.stringify({ ...trial, probes: [], resume: false }))
    execFileSync(python, ["-m", "sweep_trainer", "run", directory], {
      env: { ...environment, MALLOC_MMAP_THRESHOLD_: "65536" },
      stdio: "pipe",
    })
    const lines = readFileSync(join(directory, "events.jsonl"), "utf8").trim().split("\n")
    const memory = lines.map((line) => JSON.parse(line)).findLast(({ type }) => type === "memory")
    return memory.peak_host_bytes
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}
