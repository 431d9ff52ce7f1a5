import { describe, expect, it } from "vitest"
import { alphaRule, beliefWithin, publishedFor, sizeInName, trainsOf, type Setting } from "../src/training/published.ts"

const setting = (change: Partial<Setting> = {}): Setting => ({
  size: null,
  records: null,
  trains: "adapter",
  ...change,
})
const rate = (change: Partial<Setting>) => publishedFor("learning_rate", setting(change))!.prior.center

describe("defaults of published studies", () => {
  it("read a model's size from its name", () => {
    expect(
      [
        "Qwen/Qwen2.5-1.5B-Instruct",
        "HuggingFaceTB/SmolLM2-135M",
        "/models/llama-3.2-1b/",
        "mistralai/Mixtral-8x7B-v0.1",
        "modelscope:qwen/Qwen3-0_6B",
        "gpt2-medium",
        "base-model",
        "phi-2-v2b2",
      ].map(sizeInName),
    ).toEqual([1.5e9, 1.35e8, 1e9, 5.6e10, 6e8, null, null, null])
  })

  it("give the rates that the studies found", () => {
    expect(rate({ size: 7e9 })).toBe(2.5e-4)
    // QLoRA: 1e-4 at 65 billion, 2e-4 at 13.
    expect(rate({ size: 6.5e10 })).toBeGreaterThan(1e-4)
    expect(rate({ size: 6.5e10 })).toBeLessThan(rate({ size: 1.3e10 }))
    expect(rate({ size: 1.3e10 })).toBeGreaterThan(1.8e-4)
    // Alpaca: 2e-5 of all weights at 7 billion.
    expect(rate({ size: 7e9, trains: "weights" })).toBe(2.5e-5)
    expect(rate({ size: 1e6 })).toBe(rate({ size: 1e8 }))
    expect(rate({})).toBe(rate({ size: 7e9 }))
  })

  it("train longer on fewer records, and with more rank on more", () => {
    const epochs = [1_000, 52_000, 500_000].map((records) => publishedFor("epochs", setting({ records }))!.prior.center)
    expect(epochs).toEqual([6, 3, 1])
    const ranks = [1_000, 52_000, 500_000].map((records) => publishedFor("rank", setting({ records }))!.prior.center)
    expect(ranks).toEqual([16, 32, 64])
  })

  it("believe in something within their own range", () => {
    for (const name of ["learning_rate", "rank", "batch_size", "epochs", "dropout"]) {
      for (const size of [null, 5e8, 7e10])
        for (const records of [null, 500, 10_000, 100_000, 1e6])
          for (const trains of ["adapter", "weights", "either"] as const) {
            const found = publishedFor(name, { size, records, trains })!
            expect(beliefWithin(found, found.distribution)).toEqual(found.prior)
          }
    }
  })

  it("keep a range of the user's own, on its own scale", () => {
    const found = publishedFor("learning_rate", setting())!
    expect(beliefWithin(found, { _tag: "LogUniform", min: 1e-3, max: 1e-1 })).toEqual({ center: 1e-3, width: 0.5 })
    expect(beliefWithin(found, { _tag: "Uniform", min: 0, max: 1e-3 })).toEqual({ center: 2.5e-4, width: 2.5e-4 })
    const rank = publishedFor("rank", setting())!
    expect(beliefWithin(rank, { _tag: "Categorical", values: [2, 4], probabilities: null }).center).toBe(4)
  })

  it("make alpha of the rank, but for rsLoRA", () => {
    expect(alphaRule([], true)).toBe("2 * rank")
    expect(alphaRule(["lora", "dora"], false)).toBe("32")
    expect(alphaRule(["rslora"], true)).toBe("16")
    expect(alphaRule(["lora", "rslora"], true)).toBe("variant == 'rslora' ? 16 : 2 * rank")
    expect([trainsOf([]), trainsOf(["full"]), trainsOf(["lora", "full"])]).toEqual(["adapter", "weights", "either"])
  })

  it("know nothing of other parameters", () => {
    expect(publishedFor("weight_decay", setting())).toBeNull()
    expect(publishedFor("toString", setting())).toBeNull()
  })
})
