// A sweep file from the configuration of another tool: LLaMA-Factory's, Axolotl's or W&B's. Owns what becomes of their
// keys; the ranges lie around the values that stand there.
import { basename, dirname, relative, resolve } from "node:path"
import { parse, stringify } from "yaml"

export type Source = "llamafactory" | "axolotl" | "wandb"
type Values = Readonly<Record<string, unknown>>

/** `undefined`: none of them. */
export const sourceOf = (values: Values): Source | undefined => {
  const has = (...keys: ReadonlyArray<string>) => keys.some((key) => Object.hasOwn(values, key))
  if (has("model_name_or_path")) return "llamafactory"
  if (has("base_model") && has("adapter", "datasets", "sequence_len", "micro_batch_size")) return "axolotl"
  return has("parameters") && has("program", "command", "method") && !has("model", "data", "trainer")
    ? "wandb"
    : undefined
}

const number = (value: unknown): number | undefined => {
  const read =
    typeof value === "number" ? value : typeof value === "string" && value !== "" ? Number(value) : Number.NaN
  return Number.isFinite(read) ? read : undefined
}

const scientific = (value: number): string => value.toExponential(1)
/** A factor of five on either side. */
const around = (value: number): string =>
  `{distribution: log_uniform_values, min: ${scientific(value / 5)}, max: ${scientific(value * 5)}}`

const ranks = (rank: number): string => {
  const all = [rank / 2, rank, rank * 2].filter((value) => value >= 1 && Number.isInteger(value))
  return `{values: [${all.join(", ")}]}`
}

const nearby = (path: string, target: string): string => {
  const at = relative(dirname(resolve(target)), resolve(path))
  return at === "" ? basename(path) : at
}

const fromLlamaFactory = (values: Values, path: string, target: string): string => {
  const rate = number(values["learning_rate"]) ?? 1e-4
  const rank = number(values["lora_rank"])
  const lora = (values["finetuning_type"] ?? "lora") === "lora"
  const epochs = number(values["num_train_epochs"]) ?? 3
  const preferences = values["stage"] === "dpo" || values["stage"] === "kto"
  return [
    `# A sweep over ${basename(path)}, written by 'sweep init': everything in that file holds, unless it stands below.`,
    "",
    "trainer: llamafactory",
    `base: ${nearby(path, target)}`,
    "# Instead of the configuration's data set, and of its split, which changes with the seed:",
    "# data: {train: train.json, eval: eval.json}",
    "",
    preferences
      ? "metric: {name: eval/rewards/accuracies, goal: maximize}"
      : "metric: {name: eval/loss, goal: minimize}",
    "method: tpe",
    "budget: {trials: 12}",
    "overfitting: {action: stop}",
    "",
    "parameters:",
    `  learning_rate: ${around(rate)} # around the file's ${scientific(rate)}`,
    ...(lora
      ? [
          `  lora_rank: ${ranks(rank ?? 8)}`,
          "  lora_alpha: {derive: 2 * lora_rank} # LLaMA-Factory's default",
          "  lora_dropout: {values: [0, 0.05, 0.1]}",
        ]
      : []),
    `  num_train_epochs: {values: [1, 2${epochs < 3 ? "" : ", 3"}]} # more than three mostly overfit`,
    "  evals_per_epoch: 4",
    "",
  ].join("\n")
}

const fromAxolotl = (values: Values, path: string): string => {
  const rate = number(values["learning_rate"]) ?? 2e-4
  const rank = number(values["lora_r"]) ?? 16
  const micro = number(values["micro_batch_size"]) ?? 1
  const steps = number(values["gradient_accumulation_steps"]) ?? 1
  const adapter = String(values["adapter"] ?? "")
  const variant =
    adapter === "qlora" || values["load_in_4bit"] === true
      ? "qlora"
      : adapter === ""
        ? "full"
        : values["load_in_8bit"] === true
          ? "int8-lora"
          : values["peft_use_dora"] === true
            ? "dora"
            : "lora"
  const targets = values["lora_target_modules"]
  const datasets = Array.isArray(values["datasets"]) ? (values["datasets"] as ReadonlyArray<Values>) : []
  const first = String(datasets[0]?.["path"] ?? "train.json")
  const local = /\.(json|jsonl)$/.test(first)
  const share = number(values["val_set_size"]) ?? 0.1
  const left = datasets.slice(1).map((one) => String(one["path"]))
  return [
    `# A sweep over the training that ${basename(path)} (Axolotl) describes, written by 'sweep init'.`,
    "",
    `model: ${String(values["base_model"])}`,
    "data:",
    `  train: ${local ? first : "train.json"}${local ? "" : ` # Axolotl loads ${first}; download it, and convert it: sweep data convert FILE --to alpaca --out train.json`}`,
    `  eval: {fraction: ${share > 0 && share < 1 ? share : 0.1}, seed: 7}`,
    ...(left.length > 0 ? [`  # Also there: ${left.join(", ")}; one file is trained on, so join them.`] : []),
    "",
    "metric: {name: eval/loss, goal: minimize}",
    "method: tpe",
    "budget: {trials: 12}",
    "overfitting: {action: stop}",
    "",
    "parameters:",
    `  variant: ${variant}`,
    `  learning_rate: ${around(rate)} # around the file's ${scientific(rate)}`,
    ...(variant === "full"
      ? []
      : [
          `  rank: ${ranks(rank)}`,
          "  alpha: {derive: 2 * rank}",
          "  dropout: {values: [0, 0.05, 0.1]}",
          `  target_modules: ${values["lora_target_linear"] === true || !Array.isArray(targets) ? "all-linear" : targets.map(String).join(",")}`,
        ]),
    `  epochs: {values: [1, 2${(number(values["num_epochs"]) ?? 3) < 3 ? "" : ", 3"}]} # more than three mostly overfit`,
    `  batch_size: ${Math.max(1, micro * steps)} # ${micro} at a time, accumulated ${steps} times`,
    `  micro_batch_size: ${micro}`,
    `  max_length: ${number(values["sequence_len"]) ?? 2048}`,
    `  schedule: ${["cosine", "linear", "constant"].find((known) => known === values["lr_scheduler"]) ?? "cosine"}`,
    `  weight_decay: ${number(values["weight_decay"]) ?? 0}`,
    `  precision: ${values["fp16"] === true ? "fp16" : "bf16"}`,
    `  gradient_checkpointing: ${Boolean(values["gradient_checkpointing"] ?? false)}`,
    `  packing: ${Boolean(values["sample_packing"] ?? false)}`,
    "  evals_per_epoch: 4",
    "",
  ].join("\n")
}

const fromWandb = (values: Values, path: string): string => {
  const { project: _, entity: __, ...kept } = values
  const budget = Object.hasOwn(values, "run_cap") || values["method"] === "grid" ? {} : { budget: { trials: 30 } }
  const early =
    Object.hasOwn(values, "early_terminate") || values["method"] === "grid"
      ? {}
      : { early_terminate: { type: "median" } }
  return `# ${basename(path)} (W&B) as a sweep of this program, written by 'sweep init'. The file itself runs, too: sweep run ${path}\n# The program reports with wandb.log as before; what is logged under the metric's name decides.\n\n${stringify({ trainer: "command", ...kept, ...budget, ...early })}`
}

export const fromConfiguration = (
  text: string,
  path: string,
  target: string,
): { readonly source: Source; readonly text: string } | undefined => {
  const values = parse(text) as unknown
  if (typeof values !== "object" || values === null || Array.isArray(values)) return undefined
  const source = sourceOf(values as Values)
  if (source === undefined) return undefined
  const made =
    source === "llamafactory"
      ? fromLlamaFactory(values as Values, path, target)
      : source === "axolotl"
        ? fromAxolotl(values as Values, path)
        : fromWandb(values as Values, path)
  return { source, text: made }
}
