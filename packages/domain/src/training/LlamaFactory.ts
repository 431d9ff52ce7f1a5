// A trial of `trainer: llamafactory` in LLaMA-Factory's own arguments. Owns the one table from this program's short
// names to LLaMA-Factory's keys, and which keys a sweep sets itself; which keys there are at all is the sweep file's to
// check (sweepfile/llamafactory/keys.ts).
import type { Parameters, ParameterValue } from "../space/Parameter.ts"
import * as Schema from "effect/Schema"

/** What a sweep file's `base` and data come to: part of the spec. */
export const LlamaFactorySpec = Schema.Struct({
  /** Keys of the configuration as it was read; `model_name_or_path` is the spec's `model`. */
  base: Schema.Record(Schema.String, Schema.Json),
  /** How the data files are read, as an entry of dataset_info.json. */
  entry: Schema.Record(Schema.String, Schema.Json),
})
export type LlamaFactorySpec = typeof LlamaFactorySpec.Type

type Json = Schema.Json

/** Keys that say where data, outputs and earlier checkpoints lie: a sweep gives every trial its own. */
export const owned: ReadonlySet<string> = new Set([
  "model_name_or_path",
  "dataset",
  "eval_dataset",
  "dataset_dir",
  "val_size",
  "tokenized_path",
  "output_dir",
  "overwrite_output_dir",
  "resume_from_checkpoint",
  "logging_dir",
  "run_name",
  "seed",
  "do_train",
  "do_eval",
  "do_predict",
  "predict_with_generate",
  "load_best_model_at_end",
  "save_strategy",
  "save_steps",
  "save_total_limit",
  "save_only_model",
  "plot_loss",
  "push_to_hub",
  "disable_tqdm",
  "eval_on_each_dataset",
  "eval_on_start",
  "use_cpu",
  "use_ray",
])

/** What a variant sets; the others of these keys are unset, whatever the base says. */
const variantKeys = [
  "finetuning_type",
  "use_dora",
  "use_rslora",
  "pissa_init",
  "loraplus_lr_ratio",
  "quantization_bit",
] as const
type VariantKey = (typeof variantKeys)[number]

export const llamaFactoryVariants: Readonly<Record<string, Readonly<Partial<Record<VariantKey, Json>>>>> = {
  lora: { finetuning_type: "lora" },
  rslora: { finetuning_type: "lora", use_rslora: true },
  dora: { finetuning_type: "lora", use_dora: true },
  "lora+": { finetuning_type: "lora", loraplus_lr_ratio: 16 },
  pissa: { finetuning_type: "lora", pissa_init: true },
  oft: { finetuning_type: "oft" },
  freeze: { finetuning_type: "freeze" },
  full: { finetuning_type: "full" },
  qlora: { finetuning_type: "lora", quantization_bit: 4 },
  "int8-lora": { finetuning_type: "lora", quantization_bit: 8 },
  qoft: { finetuning_type: "oft", quantization_bit: 4 },
}

/** LLaMA-Factory's stage, and what it calls the loss where several share one. */
export const llamaFactoryStages: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  sft: { stage: "sft" },
  pt: { stage: "pt" },
  rm: { stage: "rm" },
  kto: { stage: "kto" },
  dpo: { stage: "dpo" },
  orpo: { stage: "dpo", pref_loss: "orpo" },
  simpo: { stage: "dpo", pref_loss: "simpo" },
}

type Translate = (value: ParameterValue) => Readonly<Record<string, Json>>
const as =
  (key: string): Translate =>
  (value) => ({ [key]: value })

/** Short name → LLaMA-Factory's keys. A name that is LLaMA-Factory's own already does not stand here. */
const translations: Readonly<Record<string, Translate>> = {
  rank: as("lora_rank"),
  alpha: as("lora_alpha"),
  dropout: as("lora_dropout"),
  target_modules: (value) => ({ lora_target: value === "all-linear" ? "all" : value }),
  lr_ratio: as("loraplus_lr_ratio"),
  trainable_layers: as("freeze_trainable_layers"),
  epochs: as("num_train_epochs"),
  // As the PEFT trainer understands it: a warmup, then constant.
  schedule: (value) => ({ lr_scheduler_type: value === "constant" ? "constant_with_warmup" : value }),
  max_length: as("cutoff_len"),
  precision: (value) => ({ bf16: value === "bf16", fp16: value === "fp16" }),
  gradient_checkpointing: (value) => ({ disable_gradient_checkpointing: value !== true }),
  stage: (value) => llamaFactoryStages[String(value)] ?? { stage: value },
  variant: (value) => {
    const set = llamaFactoryVariants[String(value)] ?? {}
    return Object.fromEntries(variantKeys.map((key) => [key, set[key] ?? null]))
  },
}

/** Names that describe the run as a whole; the trainer turns them into steps and accumulation. */
const ofTheRun = ["batch_size", "micro_batch_size", "evals_per_epoch"] as const

export const llamaFactoryShortNames: ReadonlyArray<string> = [...Object.keys(translations), ...ofTheRun]

/** LLaMA-Factory's keys that a parameter sets, for the names that exclude each other. */
export const keysOf = (name: string, value: ParameterValue): ReadonlyArray<string> =>
  translations[name] === undefined ? [name] : Object.keys(translations[name](value))

export interface LlamaFactoryArguments {
  readonly arguments: Readonly<Record<string, Json>>
  /** Sequences per optimiser step; `null`: what the configuration says. */
  readonly batch_size: ParameterValue
  readonly micro_batch_size: ParameterValue
  readonly evals_per_epoch: ParameterValue
}

/** The base with the trial's parameters in it. A variant comes first: `loraplus_lr_ratio` beside it is obeyed. */
export const llamaFactoryArguments = (
  { base }: LlamaFactorySpec,
  model: string,
  parameters: Parameters,
): LlamaFactoryArguments => {
  const result: Record<string, Json> = {}
  for (const [key, value] of Object.entries(base)) if (!owned.has(key)) result[key] = value
  const { variant, ...rest } = parameters
  const ordered = variant === undefined ? rest : { variant, ...rest }
  for (const [name, value] of Object.entries(ordered)) {
    if ((ofTheRun as ReadonlyArray<string>).includes(name)) continue
    Object.assign(result, (translations[name] ?? as(name))(value))
  }
  // With an effective batch size of the sweep's, the base's accumulation has nothing more to say.
  if (parameters["batch_size"] !== undefined && parameters["gradient_accumulation_steps"] === undefined) {
    delete result["gradient_accumulation_steps"]
  }
  result["model_name_or_path"] = model
  const own = (name: (typeof ofTheRun)[number]): ParameterValue => parameters[name] ?? null
  return {
    arguments: Object.fromEntries(Object.entries(result).filter(([, value]) => value !== null)),
    batch_size: own("batch_size"),
    micro_batch_size: own("micro_batch_size"),
    evals_per_epoch: own("evals_per_epoch"),
  }
}

/** Why LLaMA-Factory has a key for this and cannot train it, or nothing. The trainer refuses the same. */
export const llamaFactoryCannot = (config: Readonly<Record<string, Json>>): string | undefined => {
  if (config["stage"] === "ppo")
    return "`stage: ppo` needs trl 0.9.6 or older, which does not go with LLaMA-Factory's other requirements"
  if (config["quantization_method"] === "hqq") return "`quantization_method: hqq` does not run; `bnb` does"
  if (config["use_dora"] === true && config["quantization_bit"] === 4)
    return "DoRA on a base in 4 bits fails in LLaMA-Factory; take 8 bits, or LoRA"
  if (config["use_badam"] === true && config["badam_mode"] === "ratio")
    return "`badam_mode: ratio` does not run with this torch; `layer` does"
  if (config["pissa_init"] === true && typeof config["quantization_bit"] === "number")
    return "PiSSA needs a base that is not quantised"
  if (config["use_ray"] === true) return "`use_ray`: the sweep starts the trials itself"
  return undefined
}
