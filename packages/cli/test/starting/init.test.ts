// What `sweep init` writes has to be a sweep file that loads; the files are golden.
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { loadSweep } from "@sweep/sweepfile/loadSweep"
import { describeData } from "../../src/starting/describeData.ts"
import { draftSweep, type Wanted } from "../../src/starting/draftSweep.ts"
import { fromConfiguration } from "../../src/starting/fromConfiguration.ts"
import { billions, variantFor } from "../../src/starting/modelSize.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-init-"))
  mkdirSync(join(folder, "base"))
  put("base/config.json", '{"model_type": "llama", "dtype": "float32"}')
  put(
    "train.json",
    JSON.stringify(Array.from({ length: 60 }, (_, i) => ({ instruction: `Question ${i}?`, output: `Answer ${i}.` }))),
  )
  put(
    "pairs.json",
    JSON.stringify(Array.from({ length: 60 }, (_, i) => ({ instruction: `q ${i}`, chosen: "a", rejected: "b" }))),
  )
  put("train.py", "")
})
afterEach(() => rmSync(folder, { recursive: true }))

const put = (name: string, content: string) => writeFileSync(join(folder, name), content)
const load = (text: string) =>
  Effect.runPromise(
    loadSweep(text, {
      path: "sweep.yaml",
      absolutePath: join(folder, "sweep.yaml"),
      workDirectory: join(folder, "work"),
    }).pipe(Effect.provide(NodeServices.layer)),
  )
const golden = (name: string) => join(import.meta.dirname, "..", "golden", "init", name)

const wanted: Wanted = {
  name: "sweep",
  model: "base",
  train: "train.json",
  eval: null,
  form: "alpaca",
  records: 60,
  length: 90,
  size: 0.5,
  memory: 8,
  goal: "best",
}

it("takes the least reduced variant that fits", () => {
  expect(billions("Qwen/Qwen2.5-0.5B-Instruct")).toBe(0.5)
  expect(billions("meta-llama/Meta-Llama-3-8B")).toBe(8)
  expect(billions("HuggingFaceTB/SmolLM2-135M")).toBe(0.135)
  expect(billions("someone/model")).toBeUndefined()
  put("base/model.safetensors", "x".repeat(4000))
  expect(billions(join(folder, "base"))).toBeCloseTo(1e-6)
  expect([0.5, 3, 4, 7, 9].map((size) => variantFor(size, 8))).toEqual([
    "lora",
    "lora",
    "int8-lora",
    "qlora",
    undefined,
  ])
})

describe("for a model and data", () => {
  it("writes ranges, few epochs and dropout for few examples", async () => {
    const drafted = draftSweep(wanted)
    if ("cannot" in drafted) throw new Error(drafted.cannot)
    await expect(drafted.text).toMatchFileSnapshot(golden("small.yaml"))
    const { spec } = await load(drafted.text)
    expect(spec.budget.trials).toBe(30)
    const epochs = spec.space.dimensions.find(({ name }) => name === "epochs")!.distribution
    expect(epochs).toMatchObject({ _tag: "Categorical", values: [1, 2, 3] })
    expect(spec.space.dimensions.find(({ name }) => name === "dropout")!.distribution).toMatchObject({
      values: [0.05, 0.1, 0.2],
    })
  })

  it("loads for every form, memory and goal", async () => {
    for (const form of ["alpaca", "preference"] as const) {
      for (const memory of [0, 8, 24]) {
        for (const goal of ["quick", "best"] as const) {
          const drafted = draftSweep({
            ...wanted,
            form,
            memory,
            goal,
            size: 7,
            train: form === "alpaca" ? "train.json" : "pairs.json",
          })
          if ("cannot" in drafted) throw new Error(drafted.cannot)
          const { spec, warnings } = await load(drafted.text)
          expect(spec.trainer).toBe(form === "alpaca" ? "peft" : "llamafactory")
          expect(warnings).toEqual([])
        }
      }
    }
  })

  it("says when nothing fits", () => {
    expect(draftSweep({ ...wanted, size: 70, memory: 24 })).toEqual({
      cannot:
        "a model of 70.0 billion parameters does not fit into 24 GB: even in 4 bits it takes about 61 GB. Take a smaller one, about 26.7 billion at most",
    })
  })

  it("looks at the data", async () => {
    expect(await describeData(join(folder, "train.json"))).toEqual({
      form: "alpaca",
      records: 60,
      length: expect.any(Number),
    })
    expect((await describeData(join(folder, "pairs.json"))).form).toBe("preference")
  })
})

describe("from a configuration", () => {
  const make = async (name: string, text: string) => {
    put(name, text)
    const made = fromConfiguration(text, join(folder, name), join(folder, "sweep.yaml"))
    await expect(made!.text.replaceAll(folder, "FOLDER")).toMatchFileSnapshot(golden(name))
    return { ...made!, ...(await load(made!.text)) }
  }

  it("of LLaMA-Factory", async () => {
    put("dataset_info.json", JSON.stringify({ own: { file_name: "train.json" } }))
    const { source, spec } = await make(
      "llamafactory.yaml",
      "model_name_or_path: base\nstage: sft\nfinetuning_type: lora\nlora_rank: 16\ndataset: own\ndataset_dir: .\nlearning_rate: 1.0e-4\nnum_train_epochs: 3.0\n",
    )
    expect([source, spec.trainer]).toEqual(["llamafactory", "llamafactory"])
    expect(spec.space.dimensions.map(({ name }) => name)).toContain("lora_rank")
  })

  it("of Axolotl", async () => {
    const { source, spec } = await make(
      "axolotl.yaml",
      `base_model: base
load_in_4bit: true
adapter: qlora
datasets:
  - path: train.json
    type: alpaca
val_set_size: 0.05
sequence_len: 512
sample_packing: true
lora_r: 32
lora_alpha: 16
lora_dropout: 0.05
lora_target_linear: true
gradient_accumulation_steps: 4
micro_batch_size: 2
num_epochs: 4
lr_scheduler: cosine
learning_rate: 0.0002
bf16: auto
gradient_checkpointing: true
weight_decay: 0.0
`,
    )
    expect([source, spec.trainer]).toEqual(["axolotl", "peft"])
  })

  it("of W&B", async () => {
    const { source, spec } = await make(
      "wandb.yaml",
      "program: train.py\nproject: mine\nmethod: random\nmetric: {name: val_loss, goal: minimize}\nparameters:\n  lr: {min: 0.0001, max: 0.01}\n  depth: {values: [2, 4]}\n",
    )
    expect([source, spec.trainer, spec.metric.name]).toEqual(["wandb", "command", "val_loss"])
  })

  it("of nothing that is known", () => {
    expect(fromConfiguration("a: 1\n", "x.yaml", "sweep.yaml")).toBeUndefined()
    expect(fromConfiguration("- 1\n", "x.yaml", "sweep.yaml")).toBeUndefined()
  })
})
