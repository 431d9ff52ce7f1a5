// A first sweep file for a model and data: which variant fits, which ranges are worth searching, each with why. Owns the
// text and the choice; what model and data are is told.
import type { Form } from "@sweep/sweepfile/forms"
import { memoryOf, variantFor } from "./modelSize.ts"

export type Goal = "quick" | "best"

export interface Wanted {
  readonly name: string
  readonly model: string
  readonly train: string
  readonly eval: string | null
  readonly form: Form
  readonly records: number
  /** Tokens of nearly all examples. */
  readonly length: number
  /** Billions of parameters; `undefined`: not known. */
  readonly size: number | undefined
  /** GB of one GPU; 0: none. */
  readonly memory: number
  readonly goal: Goal
}

export type Drafted = { readonly text: string } | { readonly cannot: string }

const quoted = (text: string): string =>
  /^[\w./@-]+$/.test(text) && !/^[\d.]+$/.test(text) ? text : JSON.stringify(text)

const trials = { quick: 8, best: 30 } as const
/** Below it a model learns the examples by heart within a few epochs. */
const small = 1000

const cutOff = (length: number): number => Math.min(2048, Math.max(64, 64 * Math.ceil((1.15 * length) / 64)))

export const draftSweep = (wanted: Wanted): Drafted => {
  const { name, model, train, eval: evaluation, form, records, length, size, memory, goal } = wanted
  const preferences = form === "preference" || form === "kto"
  const llamafactory = form !== "alpaca"
  const variant = memory === 0 || size === undefined ? "lora" : variantFor(size, memory)
  if (variant === undefined) {
    return {
      cannot: `a model of ${size!.toFixed(1)} billion parameters does not fit into ${memory} GB: even in 4 bits it takes about ${memoryOf("qlora", size!).toFixed(0)} GB. Take a smaller one, about ${((memory - 1) / 0.86).toFixed(1)} billion at most`,
    }
  }
  const fits =
    memory === 0
      ? "no GPU: LoRA in fp32"
      : size === undefined
        ? `how large the model is, its name does not say: check that it fits into ${memory} GB, else take qlora`
        : `about ${memoryOf(variant, size).toFixed(0)} of ${memory} GB for ${size.toFixed(1)} billion parameters`
  const isSmall = records < small
  const epochs = records >= 10_000 ? "[1, 2]" : "[1, 2, 3]"
  const dropout = isSmall ? "[0.05, 0.1, 0.2]" : "[0, 0.05, 0.1]"
  const lines = [
    `# A first sweep over ${model}, written by 'sweep init'. Look at it: sweep check ${name}.yaml; start it: sweep run ${name}.yaml`,
    "",
    `name: ${quoted(name)}`,
    `model: ${quoted(model)}`,
    "data:",
    `  train: ${quoted(train)} # ${records.toLocaleString("en")} ${form} records`,
    ...(evaluation === null
      ? ["  eval: {fraction: 0.1, seed: 7} # set aside once, the same for all trials"]
      : [`  eval: ${quoted(evaluation)}`]),
    ...(llamafactory ? [`trainer: llamafactory # the built-in trainer reads Alpaca records only`] : []),
    "",
    "# The loss on examples that are not trained on. Each trial keeps its adapter at its best evaluation.",
    preferences
      ? "metric: {name: eval/rewards/accuracies, goal: maximize} # how often the preferred answer is the likelier one"
      : "metric: {name: eval/loss, goal: minimize}",
    "method: tpe",
    `budget: {trials: ${trials[goal]}}`,
    ...(goal === "best"
      ? [
          "# Trials that fall behind after half an epoch make room for others.",
          "early_terminate: {type: asha, resource: epoch, min_resource: 0.5, eta: 3}",
        ]
      : []),
    "overfitting: {action: stop} # a trial whose eval loss only rises is ended",
    "",
    "parameters:",
    ...(form === "kto"
      ? ["  stage: kto"]
      : form === "preference"
        ? ["  stage: {values: [dpo, orpo]}"]
        : form === "text"
          ? ["  stage: pt"]
          : []),
    `  variant: ${variant} # ${fits}`,
    `  # LoRA's best rate is about ten times that of full fine-tuning and nearly independent of the rank.`,
    preferences
      ? "  learning_rate: {distribution: log_uniform_values, min: 5.0e-6, max: 1.0e-4}"
      : "  learning_rate: {distribution: log_uniform_values, min: 2.0e-5, max: 5.0e-4}",
    "  rank: {values: [8, 16, 32, 64]}",
    "  alpha: {derive: 2 * rank} # the adapter is scaled by alpha / rank; 1 or 2 are usual",
    `  dropout: {values: ${dropout}}${isSmall ? " # few examples are learned by heart: dropout holds against it" : ""}`,
    `  epochs: {values: ${epochs}} # more than three mostly overfit`,
    "  batch_size: {values: [8, 16, 32]}",
    "  target_modules: all-linear # better than attention alone",
    "  schedule: cosine",
    "  warmup_ratio: 0.05",
    `  max_length: ${cutOff(length)} # tokens; 95 % of the examples have at most about ${length}`,
    `  precision: ${memory === 0 ? "fp32" : "bf16"}`,
    ...(memory === 0 ? [] : ["  gradient_checkpointing: true # a third slower, much less memory"]),
    "  evals_per_epoch: 4",
    "",
  ]
  return { text: lines.join("\n") }
}
