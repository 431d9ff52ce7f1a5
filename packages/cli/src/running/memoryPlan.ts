// How much memory the configurations of a sweep take, and whether they fit a card: what `sweep check` adds for trials of
// our own trainer. Owns which parameters make two configurations differ in memory, and the text; the arithmetic is the
// memory package's.
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { fromParameters } from "@sweep/domain/TrainingConfig"
import { type Card, usableBytes } from "@sweep/memory/cards"
import { estimateMemory, type MemoryConfig, type MemoryEstimate } from "@sweep/memory/estimate"
import { largestFit, type Remedy, remedyFor } from "@sweep/memory/fits"
import * as Result from "effect/Result"
import { modelArchitecture } from "./modelArchitecture.ts"

export interface PlannedMemory {
  /** What tells this configuration from the others. */
  readonly configuration: Parameters
  /** Sets of parameters of the sweep, as far as they were looked at. */
  readonly sets: number
  readonly microBatch: number
  /** The sweep leaves it to the trainer. */
  readonly isChosen: boolean
  readonly estimate: MemoryEstimate
  /** `null` where no card was named. */
  readonly fits: boolean | null
  /** `null` where it fits, or nothing helps. */
  readonly remedy: Remedy | null
}

export interface MemoryPlan {
  readonly card: Card | null
  /** The most first. */
  readonly configurations: ReadonlyArray<PlannedMemory>
}

const relevant = [
  "variant",
  "rank",
  "target_modules",
  "dropout",
  "trainable_layers",
  "oft_block_size",
  "oft_rank",
  "batch_size",
  "micro_batch_size",
  "max_length",
  "precision",
  "gradient_checkpointing",
] as const

/** A text says why there is none; `null`: the sweep trains nothing of ours. */
export const memoryPlan = (
  spec: SweepSpec,
  sets: ReadonlyArray<Parameters>,
  card: Card | null,
): MemoryPlan | string | null => {
  if (spec.trainer !== "peft" || spec.model === "") return null
  const found = modelArchitecture(spec.model)
  if (typeof found === "string") return found
  const { architecture } = found
  const part = (set: Parameters): Parameters =>
    Object.fromEntries(relevant.flatMap((name) => (set[name] === undefined ? [] : [[name, set[name]]])))
  const groups = Map.groupBy(sets, (set) => JSON.stringify(part(set)))
  const configurations = Array.from(groups.values()).flatMap((group): ReadonlyArray<PlannedMemory> => {
    const read = fromParameters({ model: spec.model, train: "train", eval: "eval" }, group[0]!)
    if (Result.isFailure(read)) return []
    const config: MemoryConfig = read.success
    const given = read.success.micro_batch_size
    const chosen = card === null ? undefined : largestFit(architecture, config, card)?.microBatch
    const microBatch = given ?? chosen ?? 1
    const estimate = estimateMemory(architecture, config, { microBatch })
    const fits = card === null ? null : estimate.total <= usableBytes(card)
    const remedy = fits === false ? remedyFor(architecture, config, card!, microBatch) : undefined
    return [
      {
        configuration: part(group[0]!),
        sets: group.length,
        microBatch,
        isChosen: given === null,
        estimate,
        fits,
        remedy: remedy ?? null,
      },
    ]
  })
  return { card, configurations: configurations.toSorted((a, b) => b.estimate.total - a.estimate.total) }
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`

const remedyText = (planned: PlannedMemory): string => {
  const { remedy, microBatch, configuration } = planned
  if (remedy === null) return "nothing here is enough: take a smaller model, a shorter max_length or a larger card"
  const changes = [
    remedy.quantization === "nf4" && configuration["variant"] !== "qlora" ? "variant: qlora" : "",
    remedy.precision !== (configuration["precision"] ?? "fp32") ? `precision: ${remedy.precision}` : "",
    remedy.gradientCheckpointing && configuration["gradient_checkpointing"] !== true
      ? "gradient_checkpointing: true"
      : "",
    planned.isChosen || remedy.microBatch === microBatch ? "" : `micro_batch_size: ${remedy.microBatch}`,
  ].filter((change) => change !== "")
  return `would fit with ${changes.join(", ")} (${gib(remedy.total)})`
}

/** Configurations that are shown; the rest is counted. */
const mostShown = 8

/** For people: one line a configuration, the most first. */
export const renderMemory = ({ card, configurations }: MemoryPlan): string => {
  const totals = configurations.map(({ estimate }) => estimate.total)
  const [most, least] = [totals[0], totals.at(-1)]
  if (most === undefined || least === undefined) return "Memory\n  no set of parameters to estimate"
  const differing = relevant.filter(
    (name) => new Set(configurations.map(({ configuration }) => String(configuration[name]))).size > 1,
  )
  const lines = configurations.slice(0, mostShown).map((planned) => {
    const { configuration, estimate, microBatch, isChosen, fits } = planned
    const what = differing.flatMap((name) =>
      configuration[name] === undefined ? [] : [`${name} ${String(configuration[name])}`],
    )
    const verdict = fits === null ? "" : fits ? "  fits" : `  does not fit: ${remedyText(planned)}`
    const micro = `micro-batch ${microBatch}${isChosen ? " (chosen by the trainer)" : ""}`
    return `  ${gib(estimate.total).padStart(11)}  ${[...what, micro].join(", ")}${verdict}`
  })
  const rest = configurations.length - lines.length
  const parts = configurations[0]!.estimate
  const split = (
    ["weights", "adapter", "gradients", "optimizer", "activations", "logits", "temporary", "context"] as const
  )
    .flatMap((name) => (parts[name] === 0 ? [] : [`${name} ${gib(parts[name])}`]))
    .join(", ")
  const range = gib(least) === gib(most) ? gib(most) : `${gib(least)} to ${gib(most)}`
  const unfit = configurations.filter(({ fits }) => fits === false).length
  const against =
    card === null
      ? ""
      : `; ${unfit === 0 ? "all fit" : `${unfit} of ${configurations.length} configurations do not fit`} ${card.name} (${gib(usableBytes(card))} of it usable)`
  return [
    `Memory, estimated for a GPU: ${range}${against}`,
    ...lines,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    `  the most: ${split}; not all of it is there at the same time`,
  ].join("\n")
}
