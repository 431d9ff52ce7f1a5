// The canonical description of one training run, independent of the backend, on orthogonal axes: adapter,
// quantization, objective, post, and the usual optimiser, schedule and data. Owns how a trial's flat parameters become
// one; which combinations a backend can run is the backend's to declare. Keys are snake_case because this is what
// stands in trial.json and in a sweep file.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Parameters } from "../space/Parameter.ts"

const PositiveInt = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
const NonNegativeInt = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const NonNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const Positive = Schema.Finite.check(Schema.isGreaterThan(0))
const PositiveFraction = Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))
const Fraction = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

export const AdapterType = Schema.Literals([
  "lora",
  "rslora",
  "dora",
  "lora+",
  "pissa",
  "adalora",
  "oft",
  "moka",
  "freeze",
  "full",
])
export const QuantizationType = Schema.Literals(["none", "nf4", "int8", "awq", "gptq"])
export const ObjectiveType = Schema.Literals(["sft", "upft"])
export const PostType = Schema.Literals(["none", "norm"])
export const ScheduleType = Schema.Literals(["cosine", "linear", "constant", "warmup_stable_decay"])
export const Precision = Schema.Literals(["fp32", "bf16", "fp16"])

export const TrainingConfig = Schema.Struct({
  /** A hub id, `modelscope:ID`, or an absolute path. */
  model: Schema.String,
  data: Schema.Struct({
    train: Schema.String,
    eval: Schema.String,
    /** Use only the first this many training examples. */
    max_samples: Schema.NullOr(PositiveInt),
  }),
  adapter: Schema.Struct({
    type: AdapterType,
    rank: PositiveInt,
    /** The update is scaled by alpha / rank (rslora: alpha / √rank). */
    alpha: Positive,
    dropout: Fraction,
    /** `all-linear`, or module names separated by commas, or a regular expression between slashes. */
    target_modules: Schema.String,
    /** Only with `lora+`: the learning rate of B as a multiple of A's. */
    lr_ratio: Schema.optionalKey(Positive),
    /** Only with `oft`: inputs that are rotated together. */
    oft_block_size: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(2))),
    /** Only with `oft`: blocks per layer; given, it takes the place of `oft_block_size`. */
    oft_rank: Schema.optionalKey(Schema.NullOr(PositiveInt)),
    /** Only with `moka`: of what images see of the question. */
    cross_modal_weight: Schema.optionalKey(NonNegative),
    /** Only with `freeze`: how many of the last layers are trained. */
    trainable_layers: Schema.optionalKey(PositiveInt),
  }),
  quantization: Schema.Struct({ type: QuantizationType }),
  objective: Schema.Struct({
    type: ObjectiveType,
    /** Only with `upft`: tokens of each sampled answer that are trained. */
    prefix_tokens: Schema.optionalKey(PositiveInt),
    /** Only with `upft`: share of the questions whose sampled answer is trained whole. */
    structure_share: Schema.optionalKey(Fraction),
    /** Only with `upft`: of the base model's answers. */
    sampling_temperature: Schema.optionalKey(Positive),
    sampling_seed: Schema.optionalKey(NonNegativeInt),
  }),
  post: Schema.Struct({
    type: PostType,
    /** Only with `norm`: ranks tried are min_ratio, min_ratio + step … of the trained one. */
    step: Schema.optionalKey(PositiveFraction),
    min_ratio: Schema.optionalKey(PositiveFraction),
    /** Only with `norm`: what a reduced update is multiplied with; null: alpha / rank, as it was trained. */
    scale: Schema.optionalKey(Schema.NullOr(Positive)),
  }),
  optimizer: Schema.Struct({ learning_rate: Positive, weight_decay: NonNegative, max_grad_norm: NonNegative }),
  schedule: Schema.Struct({
    type: ScheduleType,
    /** Share of all optimiser steps spent warming up. */
    warmup_ratio: Fraction,
    epochs: Positive,
    max_steps: Schema.NullOr(PositiveInt),
  }),
  /** Effective batch size: sequences per optimiser step. */
  batch_size: PositiveInt,
  micro_batch_size: Schema.NullOr(PositiveInt),
  /** Tokens. */
  max_length: PositiveInt,
  precision: Precision,
  gradient_checkpointing: Schema.Boolean,
  /** Short sequences share rows, without seeing each other. */
  packing: Schema.Boolean,
  /** Noise on the embeddings in training; 0: none. */
  neftune_noise_alpha: NonNegative,
  evals_per_epoch: PositiveInt,
})
export type TrainingConfig = typeof TrainingConfig.Type

interface Variant {
  readonly adapter: typeof AdapterType.Type
  readonly quantization?: typeof QuantizationType.Type
  readonly objective?: typeof ObjectiveType.Type
  readonly post?: typeof PostType.Type
}

/** Named presets over the axes. */
export const variants: Readonly<Record<string, Variant>> = {
  lora: { adapter: "lora" },
  rslora: { adapter: "rslora" },
  dora: { adapter: "dora" },
  "lora+": { adapter: "lora+" },
  pissa: { adapter: "pissa" },
  adalora: { adapter: "adalora" },
  oft: { adapter: "oft" },
  moka: { adapter: "moka" },
  freeze: { adapter: "freeze" },
  full: { adapter: "full" },
  qlora: { adapter: "lora", quantization: "nf4" },
  "int8-lora": { adapter: "lora", quantization: "int8" },
  qoft: { adapter: "oft", quantization: "nf4" },
  upft: { adapter: "lora", objective: "upft" },
  "lora+norm": { adapter: "lora", post: "norm" },
  "qlora+norm": { adapter: "lora", quantization: "nf4", post: "norm" },
}

/** Every parameter the trainers understand, with its default. What a sweep file may set or sweep over. */
export const parameterDefaults = {
  variant: "lora",
  rank: 8,
  /** `null`: twice the rank. */
  alpha: null,
  dropout: 0,
  target_modules: "all-linear",
  /** LoRA+ (arXiv 2402.12354). */
  lr_ratio: 16,
  oft_block_size: 32,
  oft_rank: null,
  trainable_layers: 2,
  /** MokA (arXiv 2506.05191). */
  cross_modal_weight: 1,
  /** UPFT (arXiv 2503.02875): 8 to 32 tokens, a tenth of whole answers, temperature 0.6. */
  prefix_tokens: 8,
  structure_share: 0.1,
  sampling_temperature: 0.6,
  sampling_seed: 0,
  /** NoRM (ICLR 2025): tenths of the rank. */
  norm_step: 0.1,
  norm_min_ratio: 0.1,
  norm_scale: null,
  learning_rate: 2e-4,
  weight_decay: 0,
  max_grad_norm: 1,
  schedule: "cosine",
  warmup_ratio: 0.03,
  epochs: 3,
  max_steps: null,
  batch_size: 16,
  micro_batch_size: null,
  max_length: 512,
  max_samples: null,
  precision: "fp32",
  gradient_checkpointing: false,
  packing: false,
  /** NEFTune (arXiv 2310.05914) finds 5 to 15. */
  neftune_noise_alpha: 0,
  evals_per_epoch: 2,
} as const satisfies Parameters

export const parameterNames = Object.keys(parameterDefaults) as ReadonlyArray<keyof typeof parameterDefaults>

/** What only one adapter has. */
const adapterOptions: Partial<Record<typeof AdapterType.Type, ReadonlyArray<keyof TrainingConfig["adapter"]>>> = {
  "lora+": ["lr_ratio"],
  oft: ["oft_block_size", "oft_rank"],
  moka: ["cross_modal_weight"],
  freeze: ["trainable_layers"],
}

/** What only one objective has. */
const objectiveOptions: Partial<Record<typeof ObjectiveType.Type, ReadonlyArray<keyof TrainingConfig["objective"]>>> = {
  upft: ["prefix_tokens", "structure_share", "sampling_temperature", "sampling_seed"],
}

/** What only one post has. */
const postOptions: Partial<Record<typeof PostType.Type, ReadonlyArray<keyof TrainingConfig["post"]>>> = {
  norm: ["step", "min_ratio", "scale"],
}

/** Without the options that `owners` gives to another value of the axis. */
const own = <Axis extends { readonly type: string }>(
  axis: Axis,
  owners: Readonly<Record<string, ReadonlyArray<string>>>,
): Axis => {
  const foreign = Object.values(owners)
    .flat()
    .filter((option) => owners[axis.type]?.includes(option) !== true)
  return Object.fromEntries(Object.entries(axis).filter(([option]) => !foreign.includes(option))) as Axis
}

/** Checked all the same, options of another value of an axis go: a trial should not seem to have obeyed them. */
const withoutForeignOptions = (config: TrainingConfig): TrainingConfig => ({
  ...config,
  adapter: own(config.adapter, adapterOptions),
  objective: own(config.objective, objectiveOptions),
  post: own(config.post, postOptions),
})

const decode = Schema.decodeUnknownResult(TrainingConfig)

/**
 * The training run that `parameters` describe, defaults filled in. Fails with a `SchemaError` that names the axis
 * when a value has the wrong type or lies out of range (a rank of 0, a dropout of 2).
 */
export const fromParameters = (
  run: { readonly model: string; readonly train: string; readonly eval: string },
  parameters: Parameters,
) => {
  const p: Record<string, unknown> = { ...parameterDefaults, ...parameters }
  // An unknown variant fails below with the list of adapters.
  const variant: Partial<Variant> = variants[String(p["variant"])] ?? {}
  const config = decode({
    model: run.model,
    data: { train: run.train, eval: run.eval, max_samples: p["max_samples"] },
    adapter: {
      type: variant.adapter ?? p["variant"],
      rank: p["rank"],
      alpha: p["alpha"] ?? (typeof p["rank"] === "number" ? 2 * p["rank"] : p["rank"]),
      dropout: p["dropout"],
      target_modules: p["target_modules"],
      lr_ratio: p["lr_ratio"],
      oft_block_size: p["oft_block_size"],
      oft_rank: p["oft_rank"],
      trainable_layers: p["trainable_layers"],
      cross_modal_weight: p["cross_modal_weight"],
    },
    quantization: { type: variant.quantization ?? "none" },
    objective: {
      type: variant.objective ?? "sft",
      prefix_tokens: p["prefix_tokens"],
      structure_share: p["structure_share"],
      sampling_temperature: p["sampling_temperature"],
      sampling_seed: p["sampling_seed"],
    },
    post: {
      type: variant.post ?? "none",
      step: p["norm_step"],
      min_ratio: p["norm_min_ratio"],
      scale: p["norm_scale"],
    },
    optimizer: {
      learning_rate: p["learning_rate"],
      weight_decay: p["weight_decay"],
      max_grad_norm: p["max_grad_norm"],
    },
    schedule: { type: p["schedule"], warmup_ratio: p["warmup_ratio"], epochs: p["epochs"], max_steps: p["max_steps"] },
    batch_size: p["batch_size"],
    micro_batch_size: p["micro_batch_size"],
    max_length: p["max_length"],
    precision: p["precision"],
    gradient_checkpointing: p["gradient_checkpointing"],
    packing: p["packing"],
    neftune_noise_alpha: p["neftune_noise_alpha"],
    evals_per_epoch: p["evals_per_epoch"],
  })
  return Result.map(config, withoutForeignOptions)
}
