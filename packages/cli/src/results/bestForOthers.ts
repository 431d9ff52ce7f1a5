// The configuration to run next in the words of other tools: a LLaMA-Factory configuration, or Python for PEFT and
// transformers. Owns the two texts; the parameters are the answer's.
import { stringify } from "yaml"
import type { Answer } from "@sweep/diagnosis/answer"
import type { Configuration } from "@sweep/domain/configurations"
import { llamaFactoryArguments } from "@sweep/domain/LlamaFactory"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { fromParameters, parameterDefaults } from "@sweep/domain/TrainingConfig"
import * as Result from "effect/Result"
import { bestComment } from "./bestYaml.ts"

const eightAtATime = 8
const divisor = (of: number, most: number): number => {
  for (let size = Math.min(of, most); size > 1; size--) if (of % size === 0) return size
  return 1
}

/** For `llamafactory-cli train`; fails with a sentence. */
export const bestLlamaFactory = (
  spec: SweepSpec,
  best: Configuration,
  answer: Answer,
): Result.Result<string, string> => {
  const { parameters } = answer.next
  if (spec.trainer !== "peft" && spec.trainer !== "llamafactory")
    return Result.fail(
      `\`trainer: ${spec.trainer}\` has parameters of its own: nobody here knows LLaMA-Factory's names for them`,
    )
  const variant = String(parameters["variant"] ?? "lora")
  if (spec.trainer === "peft" && ["moka", "upft", "adalora"].some((one) => variant.startsWith(one)))
    return Result.fail(`LLaMA-Factory has no variant ${variant}`)
  const {
    rank,
    dropout,
    target_modules,
    learning_rate,
    schedule,
    warmup_ratio,
    epochs,
    batch_size,
    max_length,
    max_samples,
    precision,
  } = parameterDefaults
  const defaults =
    spec.trainer === "llamafactory"
      ? {}
      : {
          variant,
          rank,
          dropout,
          target_modules,
          learning_rate,
          schedule,
          warmup_ratio,
          epochs,
          batch_size,
          max_length,
          max_samples,
          precision,
        }
  const ofTheTrainer = new Set([
    "post",
    "norm_step",
    "norm_min_ratio",
    "norm_scale",
    "cross_modal_weight",
    "sampling_seed",
    "sampling_temperature",
    "prefix_tokens",
    "structure_share",
  ])
  const own = Object.fromEntries(
    Object.entries({ ...defaults, ...parameters }).filter(([name]) => !ofTheTrainer.has(name)),
  )
  const given = spec.llamafactory ?? { base: { stage: "sft" }, entry: {} }
  const made = llamaFactoryArguments(given, spec.model, own)
  const batch = made.batch_size === null ? undefined : Number(made.batch_size)
  const micro = batch === undefined ? undefined : divisor(batch, Number(made.micro_batch_size ?? eightAtATime))
  const entry =
    Object.keys(given.entry).length > 0
      ? given.entry
      : { columns: { prompt: "instruction", query: "input", response: "output", system: "system" } }
  const info = {
    sweep_train: { file_name: spec.data.train.path, ...entry },
    sweep_eval: { file_name: spec.data.eval.path, ...entry },
  }
  const file = {
    ...made.arguments,
    ...(micro === undefined ? {} : { per_device_train_batch_size: micro, gradient_accumulation_steps: batch! / micro }),
    do_train: true,
    dataset: "sweep_train",
    eval_dataset: "sweep_eval",
    dataset_dir: ".",
    output_dir: "saves",
    eval_strategy: "epoch",
    seed: best.trials[0].seed % 2 ** 32,
  }
  return Result.succeed(
    `${bestComment(spec, best, answer)}# dataset_info.json beside this file:\n# ${JSON.stringify(info)}\n${stringify(file, { lineWidth: 0 }).trimEnd()}`,
  )
}

const python = (value: unknown): string =>
  value === null ? "None" : value === true ? "True" : value === false ? "False" : JSON.stringify(value)

const call = (name: string, options: Readonly<Record<string, unknown>>): string =>
  [`${name}(`, ...Object.entries(options).map(([key, value]) => `    ${key}=${python(value)},`), ")"].join("\n")

/** Python that defines `peft_config` and `training_arguments`; fails with a sentence. */
export const bestPeft = (spec: SweepSpec, best: Configuration, answer: Answer): Result.Result<string, string> => {
  if (spec.trainer !== "peft")
    return Result.fail(`--peft is for sweeps of the built-in trainer, and this one's is \`${spec.trainer}\``)
  const config = fromParameters(
    { model: spec.model, train: spec.data.train.path, eval: spec.data.eval.path },
    answer.next.parameters,
  )
  if (Result.isFailure(config)) return Result.fail(config.failure.message)
  const { adapter, quantization, optimizer, schedule, ...rest } = config.success
  const { type, rank, alpha, dropout, target_modules: targets } = adapter
  if (type === "moka" || type === "adalora")
    return Result.fail(`${type} is this trainer's own: use the adapter itself (sweep pull)`)
  const modules =
    targets === "all-linear" || targets.startsWith("/") ? targets.replaceAll(/^\/|\/$/g, "") : targets.split(",")
  const whole = type === "full" || type === "freeze"
  const peft = whole
    ? `peft_config = None  # ${type}: no adapter`
    : type === "oft"
      ? `peft_config = ${call("OFTConfig", { task_type: "CAUSAL_LM", ...(adapter.oft_rank == null ? { oft_block_size: adapter.oft_block_size } : { r: adapter.oft_rank, oft_block_size: 0 }), module_dropout: dropout, target_modules: modules })}`
      : `peft_config = ${call("LoraConfig", {
          task_type: "CAUSAL_LM",
          r: rank,
          lora_alpha: alpha,
          lora_dropout: dropout,
          target_modules: modules,
          ...(type === "rslora" ? { use_rslora: true } : {}),
          ...(type === "dora" ? { use_dora: true } : {}),
          ...(type === "pissa" ? { init_lora_weights: "pissa" } : {}),
        })}`
  const micro = divisor(rest.batch_size, rest.micro_batch_size ?? eightAtATime)
  const names = {
    cosine: "cosine",
    linear: "linear",
    constant: "constant_with_warmup",
    warmup_stable_decay: "warmup_stable_decay",
  }
  const training = call("TrainingArguments", {
    output_dir: "out",
    per_device_train_batch_size: micro,
    gradient_accumulation_steps: rest.batch_size / micro,
    learning_rate: optimizer.learning_rate,
    weight_decay: optimizer.weight_decay,
    max_grad_norm: optimizer.max_grad_norm,
    lr_scheduler_type: names[schedule.type],
    // transformers 5 takes a share of all steps below 1.
    warmup_steps: schedule.warmup_ratio,
    num_train_epochs: schedule.epochs,
    ...(schedule.max_steps === null ? {} : { max_steps: schedule.max_steps }),
    ...(rest.precision === "fp32" ? {} : { [rest.precision]: true }),
    gradient_checkpointing: rest.gradient_checkpointing,
    ...(rest.neftune_noise_alpha === 0 ? {} : { neftune_noise_alpha: rest.neftune_noise_alpha }),
    seed: best.trials[0].seed % 2 ** 32,
  })
  const imports = [
    ...(whole ? [] : [`from peft import ${type === "oft" ? "OFTConfig" : "LoraConfig"}`]),
    "from transformers import TrainingArguments",
  ]
  return Result.succeed(
    [
      `${bestComment(spec, best, answer)}${imports.join("\n")}`,
      "",
      `model = ${python(spec.model)}`,
      `max_length = ${rest.max_length}`,
      ...(quantization.type === "none" ? [] : [`# the base is loaded in ${quantization.type}`]),
      ...(type === "lora+" ? [`# LoRA+: B learns ${adapter.lr_ratio} times as fast as A`] : []),
      peft,
      `training_arguments = ${training}`,
    ].join("\n"),
  )
}
