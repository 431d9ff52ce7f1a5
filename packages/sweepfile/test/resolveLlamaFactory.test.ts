// A LLaMA-Factory sweep's configuration and data, read from a real folder.
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { llamaFactoryArguments } from "@sweep/domain/LlamaFactory"
import { loadSweep } from "../src/parse/loadSweep.ts"
import { renderProblems } from "../src/parse/renderProblems.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-llamafactory-"))
  for (const name of ["models/tiny", "examples/train_lora", "data"]) mkdirSync(join(folder, name), { recursive: true })
  put("models/tiny/config.json", { model_type: "llama" })
  put("data/dataset_info.json", {
    identity: { file_name: "identity.json" },
    demo: { file_name: "demo.json" },
    pairs: {
      file_name: "pairs.json",
      ranking: true,
      columns: { prompt: "instruction", chosen: "chosen", rejected: "rejected" },
    },
    hub: { hf_hub_url: "someone/something" },
  })
  const alpaca = (n: number, of: string) =>
    Array.from({ length: n }, (_, i) => ({ instruction: `${of}${i}`, input: "", output: `a${i}` }))
  put("data/identity.json", alpaca(10, "i"))
  put("data/demo.json", alpaca(30, "d"))
  put(
    "data/pairs.json",
    Array.from({ length: 20 }, (_, i) => ({ instruction: `q${i}`, chosen: "yes", rejected: "no" })),
  )
})
afterEach(() => rmSync(folder, { recursive: true }))

const put = (name: string, content: string | object) =>
  writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content))

const load = (text: string, at = "sweep.yaml") =>
  loadSweep(text, { path: at, absolutePath: join(folder, at), workDirectory: join(folder, "work") }).pipe(
    Effect.provide(NodeServices.layer),
  )
const good = (text: string, at?: string) => Effect.runPromise(load(text, at))
const bad = async (text: string) => {
  const error = await Effect.runPromise(Effect.flip(load(text)))
  if (error._tag !== "SpecErrors") throw error
  return renderProblems(error.problems, error.text).replaceAll(folder, "FOLDER")
}

/** As LLaMA-Factory's own examples are written: run from the folder above `examples` and `data`. */
const guide = `### model
model_name_or_path: models/tiny
### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all
### dataset
dataset: identity,demo
template: llama3
cutoff_len: 2048
max_samples: 1000
### output
output_dir: saves/llama3-8b/lora/sft
logging_steps: 10
save_steps: 500
plot_loss: true
### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
bf16: true
### eval
val_size: 0.2
`
const ranges =
  "parameters: {learning_rate: {values: [1.0e-4, 2.0e-4]}, lora_rank: {values: [8, 16]}}\nbudget: {trials: 2}\n"

it("takes a configuration as guides print it, with ranges added at its end", async () => {
  const { spec } = await good(guide + ranges, "examples/train_lora/sft.yaml")
  expect(spec.trainer).toBe("llamafactory")
  expect(spec.model).toBe(join(folder, "models/tiny"))
  // Both data sets, and its own share set aside: the same records for every trial.
  expect([spec.data.train.records, spec.data.eval.records]).toEqual([32, 8])
  const made = llamaFactoryArguments(spec.llamafactory!, spec.model, { learning_rate: 2e-4, lora_rank: 16 }).arguments
  expect(made).toMatchObject({ learning_rate: 2e-4, lora_rank: 16, template: "llama3", bf16: true, cutoff_len: 2048 })
  expect(made).not.toHaveProperty("output_dir")
  expect(made).not.toHaveProperty("val_size")
})

it("takes the configuration from the file that `base` names", async () => {
  put("examples/train_lora/sft.yaml", guide)
  const { spec } = await good(`trainer: llamafactory\nbase: examples/train_lora/sft.yaml\n${ranges}`)
  expect([spec.data.train.records, spec.data.eval.records]).toEqual([32, 8])
  expect(JSON.parse(readFileSync(spec.data.eval.path, "utf8"))).toHaveLength(8)
})

it("gives short names LLaMA-Factory's keys, whatever the base says", async () => {
  put("examples/train_lora/sft.yaml", `${guide}use_dora: true\n`)
  const text = `base: examples/train_lora/sft.yaml
parameters: {variant: [oft, rslora, qlora], rank: [4, 8], epochs: 2, batch_size: 16, max_length: 64, schedule: constant}
budget: {trials: 2}
`
  const { spec } = await good(text)
  const of = (parameters: Parameters<typeof llamaFactoryArguments>[2]) =>
    llamaFactoryArguments(spec.llamafactory!, spec.model, parameters)
  const common = { rank: 4, epochs: 2, batch_size: 16, max_length: 64, schedule: "constant" }
  const oft = of({ ...common, variant: "oft" })
  expect(oft.batch_size).toBe(16)
  expect(oft.arguments).toMatchObject({
    finetuning_type: "oft",
    lora_rank: 4,
    num_train_epochs: 2,
    cutoff_len: 64,
    lr_scheduler_type: "constant_with_warmup",
    per_device_train_batch_size: 1,
  })
  for (const unset of ["use_dora", "quantization_bit", "gradient_accumulation_steps"])
    expect(oft.arguments).not.toHaveProperty(unset)
  expect(of({ ...common, variant: "qlora" }).arguments).toMatchObject({ finetuning_type: "lora", quantization_bit: 4 })
  expect(of({ stage: "orpo" }).arguments).toMatchObject({ stage: "dpo", pref_loss: "orpo" })
})

it("describes records of every form for LLaMA-Factory", async () => {
  const entry = async (stage: string, records: ReadonlyArray<object>) => {
    put("own.jsonl", records.map((record) => JSON.stringify(record)).join("\n"))
    const text = `trainer: llamafactory\nmodel: models/tiny\ndata: {train: own.jsonl}\nparameters: {stage: ${stage}, rank: [4, 8]}\nbudget: {trials: 2}\n`
    return (await good(text)).spec.llamafactory!.entry
  }
  const talk = (role: string, content: string) =>
    ["user", "assistant", "human", "gpt"].map((word) => ({ [role]: word, [content]: "x" }))
  const [user, assistant] = talk("role", "content")
  const [, , human, gpt] = talk("from", "value")
  expect(await entry("sft", [{ messages: [user, assistant] }, { messages: [user, assistant] }])).toMatchObject({
    formatting: "sharegpt",
    columns: { messages: "messages" },
    tags: { role_tag: "role", user_tag: "user", assistant_tag: "assistant" },
  })
  expect(await entry("sft", [{ conversations: [human, gpt] }, { conversations: [human, gpt] }])).toMatchObject({
    columns: { messages: "conversations" },
    tags: { role_tag: "from", user_tag: "human" },
  })
  expect(
    await entry(
      "dpo",
      [1, 2].map((i) => ({ prompt: `${i}`, chosen: "a", rejected: "b" })),
    ),
  ).toEqual({
    ranking: true,
    columns: { prompt: "prompt", chosen: "chosen", rejected: "rejected" },
  })
  expect(
    await entry(
      "kto",
      [1, 2].map((i) => ({ instruction: `${i}`, output: "a", kto_tag: i > 1 })),
    ),
  ).toEqual({
    columns: { prompt: "instruction", response: "output", kto_tag: "kto_tag" },
  })
  expect(await entry("pt", [{ text: "a" }, { text: "b" }])).toEqual({ columns: { prompt: "text" } })
})

it("says what is wrong with the configuration, its model, its data and what cannot be trained", async () => {
  put("broken.yaml", `${guide}quant_method: awq\nlora_dropuot: 0.1\n`)
  put("hub.yaml", guide.replace("identity,demo", "hub"))
  put("pairs.yaml", guide.replace("identity,demo", "pairs"))
  put("models/awq.json", {})
  mkdirSync(join(folder, "models/awq"))
  put("models/awq/config.json", { quantization_config: { quant_method: "awq" } })
  const files = {
    "a key that is none": `base: broken.yaml\n${ranges}`,
    "a missing file": `base: borken.yaml\nmodel: models/tiny\ndata: {train: data/demo.json}\n${ranges}`,
    "data of a hub": `base: hub.yaml\n${ranges}`,
    "pairs for sft": `trainer: llamafactory\nmodel: models/tiny\ndata: {train: data/pairs.json}\n${ranges}`,
    "alpaca for dpo": `trainer: llamafactory\nmodel: models/tiny\ndata: {train: data/demo.json}\nparameters: {stage: [dpo], rank: [4, 8]}\nbudget: {trials: 2}\n`,
    "no model, no data": `trainer: llamafactory\n${ranges}`,
    "a quantised checkpoint": `trainer: llamafactory\nmodel: models/awq\ndata: {train: data/demo.json}\n${ranges}`,
    "DoRA in 4 bits": `trainer: llamafactory\nmodel: models/tiny\ndata: {train: data/demo.json}\nparameters: {use_dora: true, quantization_bit: 4, rank: [4, 8]}\nbudget: {trials: 2}\n`,
  }
  let said = ""
  for (const [name, text] of Object.entries(files)) said += `# ${name}\n${await bad(text)}\n\n`
  await expect(said).toMatchFileSnapshot(join(import.meta.dirname, "golden", "llamafactory.txt"))
})
