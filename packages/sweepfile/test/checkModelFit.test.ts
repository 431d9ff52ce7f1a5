// Adapters' options against the layers of a model's folder. The sentences are those of the trainer's own tests.
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { loadSweep } from "../src/parse/loadSweep.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-fit-"))
  mkdirSync(join(folder, "base"))
  config({ model_type: "llama", num_hidden_layers: 2 })
  const records = Array.from({ length: 4 }, (_, i) => ({ instruction: `q${i}`, output: "a" }))
  writeFileSync(join(folder, "data.json"), JSON.stringify(records))
})
afterEach(() => rmSync(folder, { recursive: true }))

const config = (value: object) => writeFileSync(join(folder, "base/config.json"), JSON.stringify(value))

type Shapes = Readonly<Record<string, ReadonlyArray<number>>>
/** A safetensors file of these shapes: its header, and no weights behind it. */
const weights = (name: string, shapes: Shapes) => {
  const tensors = Object.entries(shapes).map(([path, shape]) => [`${path}.weight`, { dtype: "F32", shape }])
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(tensors) }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  writeFileSync(join(folder, "base", name), Buffer.concat([length, header]))
}
const block = (n: number): Shapes => ({
  [`model.layers.${n}.self_attn.q_proj`]: [64, 64],
  [`model.layers.${n}.self_attn.k_proj`]: [32, 64],
  [`model.layers.${n}.mlp.down_proj`]: [64, 96],
  [`model.layers.${n}.input_layernorm`]: [64],
})
const tiny: Shapes = { "model.embed_tokens": [5, 3], ...block(0), ...block(1), lm_head: [5, 3] }

/** `line:column: message (expected)` of every problem. */
const problems = (parameters: string, rest = "") =>
  loadSweep(
    `model: base\ndata: {train: data.json, eval: data.json}\nparameters: ${parameters}\n${rest}budget: {trials: 4}\n`,
    {
      path: "sweep.yaml",
      absolutePath: join(folder, "sweep.yaml"),
      workDirectory: join(folder, "work"),
    },
  ).pipe(
    Effect.as([]),
    Effect.catchTag("SpecErrors", (error) =>
      Effect.succeed(error.problems.map((one) => `${one.line}:${one.column}: ${one.message} (${one.expected})`)),
    ),
    Effect.provide(NodeServices.layer),
    Effect.runPromise,
  )

describe("an adapter that does not fit the model", () => {
  it("is refused where the value stands, as the trainer would", async () => {
    weights("model.safetensors", tiny)
    expect(await problems("{variant: [lora, pissa], rank: [8, 32, 33, 64]}")).toEqual([
      "3:52: `rank`: 33 is more than the 32 singular values of model.layers.0.self_attn.k_proj (with pissa at most 32)",
      "3:56: `rank`: 64 is more than the 32 singular values of model.layers.0.self_attn.k_proj (with pissa at most 32)",
    ])
    const common = "what divides the inputs of every target layer"
    expect(await problems("{variant: qoft, oft_block_size: {values: [16, 24]}}")).toEqual([
      `3:59: \`oft_block_size\`: 24 does not divide the 64 inputs of model.layers.0.self_attn.q_proj (${common}: 2, 4, 8, 16, 32)`,
    ])
    expect(await problems("{variant: oft, oft_rank: {value: 5}}")).toEqual([
      `3:46: \`oft_rank\`: 5 does not divide the 64 inputs of model.layers.0.self_attn.q_proj (${common}: 1, 2, 4, 8, 16, 32)`,
    ])
    expect(await problems("{variant: freeze, trainable_layers: {min: 1, max: 3}}")).toEqual([
      "3:63: `trainable_layers`: 3 is more than the 2 layers of the model (at most 2)",
    ])
  })

  it("is found in ranges, derived values, defaults and trials given by hand", async () => {
    weights("model.safetensors", { "model.layers.0.self_attn.q_proj": [48, 48] })
    expect(await problems("{variant: oft}")).toEqual([
      expect.stringMatching(/^3:23: `oft_block_size`: 32 does not divide the 48 inputs/),
    ])
    expect(await problems("{variant: oft, oft_block_size: {min: 2, max: 4}}")).toEqual([])
    expect(await problems("{variant: oft, oft_block_size: {min: 2, max: 16}}")).toEqual([
      expect.stringMatching(/^3:44: `oft_block_size`: 5 does not divide/),
    ])
    expect(await problems("{variant: pissa, alpha: [64, 128], rank: {derive: 'alpha / 2'}}")).toEqual([
      expect.stringMatching(/^3:63: `rank`: 64 is more than the 48 singular values/),
    ])
    expect(
      await problems("{variant: [lora, pissa], rank: {min: 1, max: 48}}", "enqueue: [{variant: pissa, rank: 49}]\n"),
    ).toEqual([expect.stringMatching(/^4:34: `rank`: 49 is more than/)])
  })

  it("is none where no trial of the space has it, or the adapter does not go onto the layer", async () => {
    weights("model.safetensors", tiny)
    expect(
      await problems(
        "{variant: [lora, pissa], rank: [8, 64]}",
        "constraints: [\"variant != 'pissa' || rank <= 32\"]\n",
      ),
    ).toEqual([])
    expect(await problems("{variant: [lora, pissa], rank: {values: [8, 64], when: \"variant == 'lora'\"}}")).toEqual([])
    expect(await problems("{variant: [lora, dora], rank: 64, oft_block_size: 24, trainable_layers: 9}")).toEqual([])
    const pissa = (target: string) => problems(`{variant: pissa, rank: 64, target_modules: {value: "${target}"}}`)
    expect(await pissa("q_proj, down_proj")).toEqual([])
    expect(await pissa("/.*\\\\.(q|down)_proj/")).toEqual([])
    expect(await pissa("/.*\\\\.[qk]_proj/")).toHaveLength(1)
    expect(await pissa("k_proj")).toHaveLength(1)
    expect(await problems("{variant: oft, oft_block_size: 24, target_modules: down_proj}")).toEqual([])
  })

  it("is found in a model of several files; what cannot be read is left to the trainer", async () => {
    weights("model-1.safetensors", block(0))
    weights("model-2.safetensors", {
      "model.layers.1.mlp.experts.0.down_proj": [4, 4],
      "model.layers.1.mlp.gate": [4, 64],
    })
    const map = { a: "model-1.safetensors", b: "model-2.safetensors", c: "../../elsewhere", d: "missing" }
    writeFileSync(join(folder, "base/model.safetensors.index.json"), JSON.stringify({ weight_map: map }))
    const large = "{variant: pissa, rank: 33}"
    expect(await problems(large)).toHaveLength(1)
    expect(await problems("{variant: pissa, rank: 32}")).toEqual([])
    writeFileSync(join(folder, "base/model.safetensors.index.json"), "no JSON")
    expect(await problems(large)).toEqual([])
    writeFileSync(join(folder, "base/model.safetensors"), Buffer.alloc(8, 255))
    expect(await problems(large)).toEqual([])
    config({ text_config: { num_hidden_layers: 4 } })
    expect(await problems("{variant: freeze, trainable_layers: 5}")).toHaveLength(1)
    config({ num_hidden_layers: "many" })
    expect(await problems("{variant: freeze, trainable_layers: 5}")).toEqual([])
  })
})
