// A LLaMA-Factory configuration as it stands in a file: whether its keys exist and take what they are given. Owns the
// answers to keys that guides write and LLaMA-Factory does not have, and those it has renamed.
import * as Schema from "effect/Schema"
import { didYouMean, type Field, oneOf } from "../parse/Field.ts"
import type { Report } from "../parse/Source.ts"
import type { YamlNode } from "../parse/YamlTree.ts"
import { llamaFactoryKeys } from "./keys.ts"

type Json = Schema.Json

/** Of earlier versions. */
const renamed: Readonly<Record<string, string>> = {
  evaluation_strategy: "eval_strategy",
  cutoff_length: "cutoff_len",
  eval_dataset_name: "eval_dataset",
  visual_inputs: "",
  save_safetensors: "",
  include_tokens_per_second: "",
  no_cuda: "use_cpu",
  use_liger: "enable_liger_kernel",
}

const quantised = "`quantization_bit: 4` quantises the base while it is loaded (QLoRA)"

/** What guides write informally, by key: what it means in LLaMA-Factory's keys. */
const informal: Readonly<Record<string, string>> = {
  quant_method: `a checkpoint that is AWQ or GPTQ says so itself: name it in \`model_name_or_path\`; ${quantised}`,
  quantization: quantised,
  quant_type: "`quantization_type: nf4`",
  load_in_4bit: quantised,
  load_in_8bit: "`quantization_bit: 8`",
  bnb_4bit_quant_type: "`quantization_type: nf4`",
  bnb_4bit_use_double_quant: "`double_quantization: true`",
  adapter: "`finetuning_type: lora`; QLoRA is `finetuning_type: lora` with `quantization_bit: 4`",
  adapter_type: "`finetuning_type: lora`",
  peft_type: "`finetuning_type: lora`",
  method: "`finetuning_type: lora`",
  model: "`model_name_or_path`",
  base_model: "`model_name_or_path`",
  lora_r: "`lora_rank`",
  r: "`lora_rank`",
  rank: "`lora_rank`",
  alpha: "`lora_alpha`",
  dropout: "`lora_dropout`",
  target_modules: "`lora_target`",
  lora_target_modules: "`lora_target`",
  lr: "`learning_rate`",
  epochs: "`num_train_epochs`",
  num_epochs: "`num_train_epochs`",
  batch_size: "`per_device_train_batch_size` times `gradient_accumulation_steps`",
  micro_batch_size: "`per_device_train_batch_size`",
  max_length: "`cutoff_len`",
  max_seq_length: "`cutoff_len`",
  max_seq_len: "`cutoff_len`",
  sequence_len: "`cutoff_len`",
  scheduler: "`lr_scheduler_type`",
  lr_scheduler: "`lr_scheduler_type`",
  optimizer: "`optim`",
  gradient_checkpoint: "it is on unless `disable_gradient_checkpointing: true`",
  dpo_beta: "`pref_beta`",
  dpo_loss: "`pref_loss`",
  beta: "`pref_beta`",
  loss_type: "`pref_loss`",
  train_file: "`dataset`, the name of an entry in dataset_info.json",
  train_data: "`dataset`, the name of an entry in dataset_info.json",
  datasets: "`dataset`, the name of an entry in dataset_info.json",
  chat_template: "`template`",
  use_flash_attn: "`flash_attn: fa2`",
  flash_attention: "`flash_attn: fa2`",
}

/** Why LLaMA-Factory has no such key, and what to write. */
export const unknownKey = (key: string, known: Iterable<string> = Object.keys(llamaFactoryKeys)): Report => {
  const means = informal[key.toLowerCase()]
  const names = Array.from(known)
  return {
    message: `LLaMA-Factory has no key \`${key}\``,
    hint: means === undefined ? didYouMean(key, names) : `in LLaMA-Factory's words: ${means}`,
  }
}

/** The node as JSON. */
export const valueOf = (node: YamlNode): Json => {
  if (node.kind === "scalar") return node.value
  if (node.kind === "list") return node.items.map(valueOf)
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, valueOf(value)]))
}

const kindWords: Readonly<Record<string, string>> = {
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
  text: "text",
}

/** What `key` takes instead of `value`; nothing when it takes it. */
export const keyProblem = (key: string, value: Json): Report | undefined => {
  const description = llamaFactoryKeys[key]!
  if (value === null) return undefined
  const kind = description.replace(/\?$/, "")
  const fits =
    kind === "any" ||
    (kind === "integer" && Number.isInteger(value)) ||
    (kind === "number" && typeof value === "number") ||
    (kind === "boolean" && typeof value === "boolean") ||
    (kind === "text" && (typeof value === "string" || Array.isArray(value)))
  if (fits) return undefined
  const words = kindWords[kind] === undefined ? kind.split("|") : []
  if (words.includes(String(value)) || (value === false && words.includes("no"))) return undefined
  const shown = typeof value === "object" ? JSON.stringify(value).slice(0, 60) : String(value).slice(0, 60)
  return {
    message: `\`${key}\` cannot be ${typeof value === "string" ? `the text "${shown}"` : shown}`,
    expected: words.length > 0 ? oneOf(words) : kindWords[kind],
    hint: typeof value === "string" ? didYouMean(value, words) : null,
  }
}

/** The values of a configuration; every mistake is reported at its field. */
export const readConfiguration = (entries: Iterable<readonly [string, Field]>): Readonly<Record<string, Json>> => {
  const values: Record<string, Json> = {}
  for (const [key, field] of entries) {
    if (field.source.full) break
    const now = renamed[key]
    const name = now ?? key
    if (now !== undefined && now !== "")
      field.warn({ message: `\`${key}\` is called \`${now}\` in LLaMA-Factory 0.9.5` })
    if (now === "") {
      field.warn({ message: `\`${key}\` is gone from LLaMA-Factory 0.9.5 and is left out` })
      continue
    }
    if (!Object.hasOwn(llamaFactoryKeys, name)) {
      field.report(unknownKey(key))
      continue
    }
    const value = valueOf(field.node)
    const problem = keyProblem(name, value)
    if (problem === undefined) values[name] = name === "eval_strategy" && value === false ? "no" : value
    else field.report(problem)
  }
  return values
}

/** Keys that only LLaMA-Factory's files have: with one of them a file is its configuration. */
export const isConfiguration = (node: YamlNode): boolean =>
  node.kind === "map" &&
  node.entries.some(({ key }) => key === "model_name_or_path") &&
  node.entries.some(({ key }) =>
    ["stage", "finetuning_type", "dataset", "template", "do_train", "output_dir", "lora_rank"].includes(key),
  )
