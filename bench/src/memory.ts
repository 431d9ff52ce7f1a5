// Whether the estimate of memory holds: published peaks and figures (data/peak-memory.json, each with its source), and
// peaks of our own trainer on this CPU. Printed: each pair, the median error and the share within 15 %, of measurements
// and of figures that others only quote. On a CPU the process' own memory is not the model's: what is compared is how
// much more a configuration takes than the smallest one. `node bench/src/memory.ts [--no-cpu]`.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { fromConfig } from "@sweep/memory/Architecture"
import { knownArchitecture } from "@sweep/memory/architectures"
import { estimateMemory, type EstimateOptions, type MemoryConfig, type MemoryEstimate } from "@sweep/memory/estimate"
import { cpuPeak } from "./memoryTrial.ts"
import { root } from "./root.ts"

const { values } = parseArgs({ options: { "no-cpu": { type: "boolean", default: false } } })

interface Row {
  readonly source: string
  readonly name: string
  readonly model: string
  readonly variant: string
  readonly rank?: number
  readonly targets?: string
  readonly micro?: number
  readonly length?: number
  readonly bytes: number
  readonly part?: keyof MemoryEstimate
  readonly pure?: boolean
}

const data = JSON.parse(readFileSync(join(root, "bench/data/peak-memory.json"), "utf8")) as {
  readonly sources: Readonly<Record<string, string>>
  readonly measured: ReadonlyArray<Row>
  readonly quoted: ReadonlyArray<Row>
}

const quantizations = { qlora: "nf4", "int8-lora": "int8" } as const

const configOf = (row: Row): MemoryConfig => ({
  precision: "bf16",
  max_length: row.length ?? 512,
  // Where a source says nothing: one sequence of 512 tokens, with checkpointing, rank 8 on all linear layers.
  gradient_checkpointing: row.length === undefined,
  batch_size: row.micro ?? 1,
  quantization: { type: quantizations[row.variant as keyof typeof quantizations] ?? "none" },
  adapter: {
    type: (row.variant in quantizations ? "lora" : row.variant) as MemoryConfig["adapter"]["type"],
    rank: row.rank ?? 8,
    oft_rank: row.rank ?? null,
    target_modules: row.targets ?? "all-linear",
    dropout: 0,
  },
})

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(2).padStart(8)
const percent = (share: number): string => `${share >= 0 ? "+" : ""}${(100 * share).toFixed(1)} %`.padStart(9)

const compared = (
  title: string,
  pairs: ReadonlyArray<readonly [name: string, measured: number, estimated: number]>,
) => {
  console.log(`\n${title}\n${"measured".padStart(8)} ${"estimate".padStart(8)} ${"error".padStart(9)}  GiB`)
  const errors = pairs.map(([name, measured, estimated]) => {
    const error = estimated / measured - 1
    console.log(`${gib(measured)} ${gib(estimated)} ${percent(error)}  ${name}`)
    return Math.abs(error)
  })
  const sorted = errors.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  const within = errors.filter((error) => error <= 0.15).length
  console.log(`median error ${percent(median).trim()}, ${within} of ${errors.length} within 15 %`)
  return { pairs: errors.length, medianError: median, within15: within / errors.length }
}

const published = (row: Row, options: Partial<EstimateOptions>): readonly [string, number, number] => {
  const { architecture } = knownArchitecture(row.model)!
  const estimate = estimateMemory(architecture, configOf(row), {
    microBatch: row.micro ?? 1,
    ...options,
    ...(row.pure === true ? { masterWeights: false } : {}),
  })
  return [`${row.name} (${row.source})`, row.bytes, estimate[row.part ?? "total"]]
}

const theirs = { autocast: false, keepsLogits: true, masterWeights: false, context: 0 }
const result = {
  measured: compared(
    "Published measurements",
    data.measured.map((row) => published(row, theirs)),
  ),
  quoted: compared(
    "Figures that their sources call estimates, or that are of a part",
    data.quoted.map((row) => published(row, { autocast: false })),
  ),
  cpu: values["no-cpu"] ? null : compared("Measured on this CPU, beyond the smallest run", await cpuPairs()),
}

async function cpuPairs() {
  const shape = fromConfig(
    JSON.parse(readFileSync(join(root, "sweeps/quickstart/base-model/config.json"), "utf8")) as Record<string, unknown>,
  )
  if ("_tag" in shape) throw new Error(`the quickstart's model is not read: ${JSON.stringify(shape)}`)
  const settings = [
    ["lora", 8, false],
    ["lora", 16, false],
    ["lora", 32, false],
    ["lora", 16, true],
    ["lora", 32, true],
    ["dora", 16, false],
    ["rslora", 32, false],
    ["full", 16, false],
    ["full", 32, false],
    ["freeze", 32, false],
  ] as const
  const length = 256
  const of = async (type: MemoryConfig["adapter"]["type"], micro: number, checkpointing: boolean) => {
    const config: MemoryConfig = {
      precision: "fp32",
      max_length: length,
      gradient_checkpointing: checkpointing,
      batch_size: micro,
      quantization: { type: "none" },
      adapter: { type, rank: 8, target_modules: "all-linear", dropout: 0 },
    }
    const measured = await cpuPeak(config)
    return { measured, estimated: estimateMemory(shape, config, { microBatch: micro, context: 0 }).total }
  }
  const least = await of("lora", 1, false)
  const pairs: Array<readonly [string, number, number]> = []
  for (const [type, micro, checkpointing] of settings) {
    const { measured, estimated } = await of(type, micro, checkpointing)
    const name = `${type}, ${micro} sequences of ${length}${checkpointing ? ", checkpointing" : ""}`
    pairs.push([name, measured - least.measured, estimated - least.estimated])
  }
  return pairs
}

console.log()
console.log(JSON.stringify({ bench: "memory", ...result }))
