// How large a base model is, and which ways of training it fit into a GPU's memory. Owns the estimate: of a folder by its
// weights, of a hub's id by the size in its name.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"

const bytesOf: Readonly<Record<string, number>> = { float32: 4, float16: 2, bfloat16: 2 }

/** Billions of parameters; `undefined`: not known. */
export const billions = (model: string): number | undefined => {
  if (existsSync(join(model, "config.json"))) {
    const weights = readdirSync(model).filter(
      (name) => /\.(safetensors|bin)$/.test(name) && !name.startsWith("adapter"),
    )
    const bytes = weights.reduce((sum, name) => sum + statSync(join(model, name)).size, 0)
    const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8")) as {
      dtype?: unknown
      torch_dtype?: unknown
    }
    return bytes / (bytesOf[String(config.dtype ?? config.torch_dtype)] ?? 2) / 1e9
  }
  const named = /(?:^|[^a-z0-9.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])/i.exec(model)
  if (named === null) return undefined
  return Number(named[1]) / (named[2]!.toLowerCase() === "b" ? 1 : 1000)
}

/**
 * GB a billion parameters takes with a short context and gradient checkpointing, and what comes on top. From the table in
 * LLaMA-Factory's README (7B: 60, 16, 10 and 6 GB), which measured runs of Qwen agree with to a quarter.
 */
const perBillion = { full: 8.6, lora: 2.3, "int8-lora": 1.45, qlora: 0.86 } as const
const fixed = 1

export type Fitting = keyof typeof perBillion

export const memoryOf = (variant: Fitting, size: number): number => fixed + perBillion[variant] * size

/** The least reduced one that fits; `undefined`: none does. */
export const variantFor = (size: number, memory: number): Exclude<Fitting, "full"> | undefined =>
  (["lora", "int8-lora", "qlora"] as const).find((variant) => memoryOf(variant, size) <= memory)
