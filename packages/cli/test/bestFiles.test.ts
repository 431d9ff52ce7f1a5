// What `sweep best` prints for others has to be read by them: sweep files load, Python parses.
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import type { Answer } from "@sweep/diagnosis/answer"
import type { Configuration } from "@sweep/domain/configurations"
import type { Parameters } from "@sweep/domain/Parameter"
import { loadSweep } from "@sweep/sweepfile/loadSweep"
import { bestLlamaFactory, bestPeft } from "../src/results/bestForOthers.ts"
import { bestYaml } from "../src/results/bestYaml.ts"
import { root } from "./e2e/harness.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-best-"))
  mkdirSync(join(folder, "base"))
  writeFileSync(join(folder, "base", "config.json"), "{}")
  writeFileSync(join(folder, "train.py"), "")
  writeFileSync(
    join(folder, "train.json"),
    JSON.stringify([1, 2, 3].map((i) => ({ instruction: `${i}?`, output: "x" }))),
  )
})
afterEach(() => rmSync(folder, { recursive: true }))

const load = async (text: string) => {
  const options = { path: "s.yaml", absolutePath: join(folder, "s.yaml"), workDirectory: join(folder, "work") }
  return (await Effect.runPromise(loadSweep(text, options).pipe(Effect.provide(NodeServices.layer)))).spec
}
const won = (parameters: Parameters, shorter: object | null = null) => {
  const trials = [{ sweep: "s", number: 3, seed: 2 ** 32 + 7 }]
  return [
    { parameters, trials, mean: 0.5, deviation: null, failed: 0 } as unknown as Configuration,
    { next: { parameters, shorter } } as unknown as Answer,
  ] as const
}
const common = "budget: {trials: 1}\n"
const peft = `model: base\ndata: {train: train.json}\nparameters: {rank: [4, 8], learning_rate: [1.0e-4, 2.0e-4]}\n${common}`

it("prints a sweep file that loads, with the advised epochs", async () => {
  const spec = await load(peft)
  const [best, answer] = won(
    { rank: 8, alpha: null, epochs: 2 },
    { parameter: "epochs", to: 2, from: 3, because: "overfitting" },
  )
  const text = bestYaml(spec, best, answer)
  expect(text).toContain("# epochs: 2 instead of 3, because of overfitting\n")
  const again = await load(text)
  expect(again.model).toBe(spec.model)
  expect(again.data).toEqual(spec.data)
  expect(again.space.dimensions.map(({ name, distribution }) => [name, distribution])).toEqual([
    ["rank", { _tag: "Constant", value: 8 }],
    ["alpha", { _tag: "Constant", value: null }],
    ["epochs", { _tag: "Constant", value: 2 }],
  ])
})

it("keeps a command's groups, and LLaMA-Factory's configuration", async () => {
  const command = await load(
    `program: train.py\nmethod: grid\nmetric: {name: x, goal: minimize}\nparameters: {optimizer: {parameters: {lr: {values: [1, 2]}}}, depth: {values: [1, 2]}}\n`,
  )
  const again = await load(bestYaml(command, ...won({ "optimizer.lr": 2, depth: 1 })))
  expect([again.command, again.groups]).toEqual([command.command, ["optimizer"]])
  const own = await load(
    `model_name_or_path: base\nstage: sft\nlora_rank: 4\nlearning_rate: 1.0e-4\ndata: {train: train.json}\nparameters: {lora_rank: {values: [4, 8]}}\n${common}`,
  )
  const same = await load(bestYaml(own, ...won({ lora_rank: 8 })))
  expect(same.llamafactory!.base).toMatchObject({ stage: "sft", learning_rate: 1e-4 })
  expect(same.space.dimensions.map(({ name }) => name)).toEqual(["lora_rank"])
})

it("prints a configuration that LLaMA-Factory's keys allow", async () => {
  const spec = await load(peft)
  const made = bestLlamaFactory(spec, ...won({ variant: "dora", rank: 8, batch_size: 12, learning_rate: 1e-4 }))
  const text = Result.getOrThrow(made)
  expect(text).toMatch(/^use_dora: true$/m)
  expect(text).toMatch(/^per_device_train_batch_size: 6\ngradient_accumulation_steps: 2$/m)
  const { llamafactory } = await load(
    `${text}\ndata: {train: ${folder}/train.json}\nparameters: {lora_rank: {values: [8, 16]}}\n${common}`.replace(
      /^seed: .*$/m,
      "",
    ),
  )
  expect(llamafactory!.base).toMatchObject({ lora_rank: 8, learning_rate: 1e-4, cutoff_len: 512 })
  expect(Result.isFailure(bestLlamaFactory(spec, ...won({ variant: "moka" })))).toBe(true)
})

it("prints Python that the pinned versions of PEFT and transformers take", async () => {
  const spec = await load(peft)
  const texts = ["lora", "oft", "pissa"].map((variant) =>
    Result.getOrThrow(
      bestPeft(spec, ...won({ variant, rank: 4, dropout: 0.1, warmup_ratio: 0.1, schedule: "constant" })),
    ),
  )
  const done = spawnSync(join(root, ".venv/bin/python"), ["-"], { input: texts.join("\n"), cwd: folder })
  expect(done.status, String(done.stderr)).toBe(0)
})

it.each(["lora", "rslora", "dora", "pissa", "oft", "qlora", "full", "lora+"])(
  "prints Python for %s",
  async (variant) => {
    const text = Result.getOrThrow(bestPeft(await load(peft), ...won({ variant, rank: 4, batch_size: 6 })))
    const parsed = spawnSync(join(root, ".venv/bin/python"), ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], {
      input: text,
    })
    expect(String(parsed.stderr)).toBe("")
    expect(text).toContain("per_device_train_batch_size=6,")
  },
)
