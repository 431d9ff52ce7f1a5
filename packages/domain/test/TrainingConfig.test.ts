import * as Result from "effect/Result"
import { expect, test } from "vitest"
import { fromParameters } from "../src/training/TrainingConfig.ts"

const run = { model: "model", train: "train", eval: "eval" }
const adapterOf = (parameters: Parameters<typeof fromParameters>[1]) =>
  Result.getOrThrow(fromParameters(run, parameters)).adapter

const shared = { rank: 8, alpha: 16, dropout: 0, target_modules: "all-linear" }

test("an adapter gets its own options and no other's", () => {
  expect(adapterOf({ lr_ratio: 4 })).toEqual({ type: "lora", ...shared })
  expect(adapterOf({ variant: "lora+", lr_ratio: 4 })).toEqual({ type: "lora+", ...shared, lr_ratio: 4 })
  expect(adapterOf({ variant: "oft" })).toEqual({ type: "oft", ...shared, oft_block_size: 32, oft_rank: null })
  expect(adapterOf({ variant: "freeze" })).toEqual({ type: "freeze", ...shared, trainable_layers: 2 })
})

test("an objective gets its own options and no other's", () => {
  const objectiveOf = (variant: string) =>
    Result.getOrThrow(fromParameters(run, { variant, prefix_tokens: 4 })).objective
  expect(objectiveOf("lora")).toEqual({ type: "sft" })
  const upft = { prefix_tokens: 4, structure_share: 0.1, sampling_temperature: 0.6, sampling_seed: 0 }
  expect(objectiveOf("upft")).toEqual({ type: "upft", ...upft })
})

test("a post gets its own options and no other's", () => {
  const postOf = (variant: string) => Result.getOrThrow(fromParameters(run, { variant, norm_scale: 1 })).post
  expect(postOf("lora")).toEqual({ type: "none" })
  expect(postOf("lora+norm")).toEqual({ type: "norm", step: 0.1, min_ratio: 0.1, scale: 1 })
})

test("another adapter's options are checked all the same", () => {
  const result = fromParameters(run, { variant: "lora", oft_block_size: 1 })
  expect(Result.isFailure(result) && result.failure.message).toContain('["oft_block_size"]')
})
