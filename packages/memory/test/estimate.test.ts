import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { fromConfig, parameterCounts } from "../src/Architecture.ts"
import { knownArchitecture, knownModels } from "../src/architectures.ts"
import { parseCard } from "../src/cards.ts"
import { estimateMemory, type MemoryConfig, trainedParameters } from "../src/estimate.ts"
import { fitTable, largestFit, remedyFor } from "../src/fits.ts"

const shape = (name: string) => knownArchitecture(name)!.architecture

const lora = (change: Partial<MemoryConfig> = {}, adapter: Partial<MemoryConfig["adapter"]> = {}): MemoryConfig => ({
  precision: "bf16",
  max_length: 512,
  gradient_checkpointing: false,
  batch_size: 16,
  quantization: { type: "none" },
  ...change,
  adapter: { type: "lora", rank: 16, target_modules: "all-linear", dropout: 0, ...adapter },
})

interface Measured {
  readonly name: string
  readonly model: string
  readonly variant: MemoryConfig["adapter"]["type"]
  readonly rank: number
  readonly targets: string
  readonly micro: number
  readonly length: number
  readonly bytes: number
  readonly trained: number
}

const published = JSON.parse(
  readFileSync(new URL("../../../bench/data/peak-memory.json", import.meta.url), "utf8"),
) as { readonly measured: ReadonlyArray<Measured> }

describe("the parameters of a known model", () => {
  it.each([
    // As the models' own pages count them, in millions.
    ["meta-llama/Meta-Llama-3-8B-Instruct", 8030],
    ["Qwen/Qwen2.5-0.5B", 494],
    ["Qwen/Qwen2.5-7B-Instruct", 7616],
    ["mistralai/Mistral-7B-v0.3", 7248],
    ["meta-llama/Llama-3.2-1B", 1236],
    ["google/gemma-2-2b-it", 2614],
    ["meta-llama/Llama-2-70b-hf", 68_977],
  ])("%s: %d million", (id, millions) => {
    const found = knownArchitecture(id)!
    expect(Math.abs(parameterCounts(found.architecture).total / 1e6 / millions - 1)).toBeLessThan(0.002)
  })

  it("is not made up for a name that only looks alike", () => {
    expect(knownArchitecture("someone/qwen2.5-70b")).toBeUndefined()
    expect(knownModels.length).toBeGreaterThan(40)
  })
})

describe("a published measurement", () => {
  it.each(published.measured.map((row) => [row.name, row] as const))("is met within 15 %%: %s", (_, row) => {
    const config = lora(
      { max_length: row.length, batch_size: row.micro },
      { type: row.variant, rank: row.rank, target_modules: row.targets, oft_rank: row.rank },
    )
    expect(Math.abs(trainedParameters(shape(row.model), config) / row.trained - 1)).toBeLessThan(0.001)
    const { total } = estimateMemory(shape(row.model), config, {
      microBatch: row.micro,
      autocast: false,
      keepsLogits: true,
      masterWeights: false,
      context: 0,
    })
    expect(Math.abs(total / row.bytes - 1)).toBeLessThan(0.15)
  })
})

describe("an estimate", () => {
  const a = shape("qwen2.5-7b")
  const at = (config: MemoryConfig, microBatch = 4) => estimateMemory(a, config, { microBatch })

  it("falls with checkpointing, quantisation and a smaller micro-batch, and rises with length and rank", () => {
    const { total } = at(lora())
    expect(at(lora({ gradient_checkpointing: true })).total).toBeLessThan(total)
    expect(at(lora({ quantization: { type: "nf4" } })).weights).toBeLessThan(at(lora()).weights / 2)
    expect(at(lora(), 1).total).toBeLessThan(total)
    expect(at(lora({ max_length: 1024 })).total).toBeGreaterThan(total)
    expect(at(lora({}, { rank: 64 })).adapter).toBe(4 * at(lora()).adapter)
  })

  it("of full fine-tuning counts fp32 weights, gradients and two moments", () => {
    const { weights, gradients, optimizer } = at(lora({}, { type: "full" }))
    expect(weights).toBe(4 * parameterCounts(a).total)
    expect(gradients + optimizer).toBe(12 * parameterCounts(a).total)
  })

  it("keeps attention scores only where the kernel does", () => {
    const eager = estimateMemory(a, lora(), { microBatch: 4, attention: "eager" })
    expect(eager.activations).toBeGreaterThan(at(lora()).activations)
  })
})

describe("what fits", () => {
  const a = shape("qwen2.5-7b")

  it("is found by a smaller micro-batch before anything else is given up", () => {
    const card = parseCard("rtx3090")!
    const remedy = remedyFor(a, lora(), card, 16)!
    expect(remedy).toMatchObject({ gradientCheckpointing: false, quantization: "none", precision: "bf16" })
    expect(remedy.microBatch).toBeLessThan(16)
    expect(remedyFor(a, lora(), parseCard("12GB")!, 16)).toMatchObject({ quantization: "nf4" })
    expect(remedyFor(a, lora({}, { type: "full" }), card, 16)).toBeUndefined()
  })

  it("divides the effective batch, and grows with the card", () => {
    expect(16 % largestFit(a, lora(), parseCard("80GiB")!)!.microBatch).toBe(0)
    for (const { microBatches } of fitTable(a)) {
      const sizes = microBatches.map((size) => size ?? 0)
      expect(sizes).toEqual(sizes.toSorted((x, y) => x - y))
    }
  })

  it("reads sizes and names of cards", () => {
    expect(parseCard("8GiB")!.bytes).toBe(8 * 2 ** 30)
    expect(parseCard("RTX 3090")!.bytes).toBe(24 * 2 ** 30)
    expect(parseCard("a100-40gb")!.bytes).toBe(40 * 2 ** 30)
    expect(parseCard("rtx9999")).toBeUndefined()
  })
})

describe("a configuration", () => {
  it("is read, and says what it lacks", () => {
    const config = {
      model_type: "llama",
      hidden_size: 128,
      intermediate_size: 352,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      vocab_size: 2048,
      tie_word_embeddings: true,
    }
    expect(fromConfig(config)).toMatchObject({ hidden: 128, kvHeads: 4, headDim: 32, tied: true })
    expect(fromConfig({ ...config, vocab_size: "many" })).toEqual({ _tag: "MissingKey", key: "vocab_size" })
    expect(fromConfig({ ...config, num_local_experts: 8 })).toMatchObject({ _tag: "UnknownKind" })
    expect(fromConfig({ text_config: config, tie_word_embeddings: true })).toMatchObject({ layers: 4 })
  })
})
