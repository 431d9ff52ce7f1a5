// What fits a card: the largest micro-batch of a configuration, what would make one fit that does not, and the table
// from which a beginner chooses. Owns these searches; the arithmetic is estimate.ts's.
import type { Architecture } from "./Architecture.ts"
import { type Card, usableBytes } from "./cards.ts"
import { estimateMemory, type MemoryConfig, type MemoryEstimate } from "./estimate.ts"

const divisors = (batch: number): ReadonlyArray<number> =>
  Array.from({ length: batch }, (_, i) => i + 1).filter((size) => batch % size === 0)

export interface Fit {
  readonly microBatch: number
  readonly estimate: MemoryEstimate
}

/** The largest micro-batch that fits, the effective batch unchanged; `undefined`: not even one sequence. */
export const largestFit = (a: Architecture, config: MemoryConfig, card: Card, most = Infinity): Fit | undefined => {
  for (const microBatch of divisors(config.batch_size).toReversed()) {
    if (microBatch > most) continue
    const estimate = estimateMemory(a, config, { microBatch })
    if (estimate.total <= usableBytes(card)) return { microBatch, estimate }
  }
  return undefined
}

/** A change that makes a configuration fit, the least intrusive first. */
export interface Remedy {
  readonly microBatch: number
  readonly gradientCheckpointing: boolean
  /** Held in 16 bits instead of fp32. */
  readonly precision: MemoryConfig["precision"]
  readonly quantization: "none" | "nf4" | "int8" | "awq" | "gptq"
  readonly total: number
}

/**
 * What to change so that `config` fits `card`: a smaller micro-batch with accumulation, then checkpointing (neither changes
 * the result), then bf16, then NF4. `undefined`: nothing of this is enough. `most`: the micro-batch it has now.
 */
export const remedyFor = (a: Architecture, config: MemoryConfig, card: Card, most: number): Remedy | undefined => {
  const trainsBase = config.adapter.type === "full" || config.adapter.type === "freeze"
  const checkpointed = { ...config, gradient_checkpointing: true }
  const short: MemoryConfig = config.precision === "fp32" ? { ...checkpointed, precision: "bf16" } : checkpointed
  const packed: MemoryConfig = { ...short, quantization: { type: "nf4" } }
  const steps = [config, checkpointed, short, ...(trainsBase ? [] : [packed])]
  for (const step of steps) {
    const fit = largestFit(a, step, card, most)
    if (fit === undefined) continue
    return {
      microBatch: fit.microBatch,
      gradientCheckpointing: step.gradient_checkpointing,
      precision: step.precision,
      quantization: step.quantization.type,
      total: fit.estimate.total,
    }
  }
  return undefined
}

/** Card sizes of the table, in GB as shops name them. */
export const cardSizes = [6, 8, 12, 16, 24, 48, 80] as const

export const fitVariants = ["qlora", "int8-lora", "lora", "dora", "freeze", "full"] as const
const fitLengths = [512, 1024, 2048, 4096] as const
/** Of the table: sequences an optimiser step. */
const fitBatch = 16

export interface FitRow {
  readonly variant: (typeof fitVariants)[number]
  readonly length: number
  readonly gradientCheckpointing: boolean
  /** By card, in the order of `cardSizes`: the largest micro-batch that fits; `null`: none. */
  readonly microBatches: ReadonlyArray<number | null>
  /** Bytes at micro-batch 1. */
  readonly least: number
}

const variantConfig = (
  variant: (typeof fitVariants)[number],
  length: number,
  checkpointing: boolean,
): MemoryConfig => ({
  precision: "bf16",
  max_length: length,
  gradient_checkpointing: checkpointing,
  batch_size: fitBatch,
  quantization: { type: variant === "qlora" ? "nf4" : variant === "int8-lora" ? "int8" : "none" },
  adapter: {
    type: variant === "dora" || variant === "freeze" || variant === "full" ? variant : "lora",
    rank: 16,
    target_modules: "all-linear",
    dropout: 0,
    trainable_layers: 2,
  },
})

/** bf16, rank 16 on all linear layers, AdamW, 16 sequences a step; with and without checkpointing. */
export const fitTable = (a: Architecture): ReadonlyArray<FitRow> =>
  fitVariants.flatMap((variant) =>
    fitLengths.flatMap((length) =>
      [false, true].map((checkpointing): FitRow => {
        const config = variantConfig(variant, length, checkpointing)
        return {
          variant,
          length,
          gradientCheckpointing: checkpointing,
          microBatches: cardSizes.map((size) => {
            const card = { name: `${size} GB`, bytes: size * 2 ** 30 }
            return largestFit(a, config, card)?.microBatch ?? null
          }),
          least: estimateMemory(a, config, { microBatch: 1 }).total,
        }
      }),
    ),
  )
