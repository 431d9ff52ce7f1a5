// The peak memory of a training run by part, in bytes, from the model's shape and the run's configuration alone. Owns
// the formulas; a measured peak is always better. What is counted is what autograd keeps: tensors saved for the backward
// pass of transformers' Llama layers (RMSNorm in fp32, scaled dot-product attention, a gated feed-forward layer), after
// the method of Korthikanti et al., arXiv 2205.05198, section 4.1, which counts the layers of GPT.
import type { TrainingConfig } from "@sweep/domain/TrainingConfig"
import { type Architecture, type Linear, linearsOf, parameterCounts } from "./Architecture.ts"

export type MemoryConfig = Pick<TrainingConfig, "precision" | "max_length" | "gradient_checkpointing"> & {
  readonly adapter: Pick<
    TrainingConfig["adapter"],
    "type" | "rank" | "target_modules" | "dropout" | "oft_block_size" | "oft_rank" | "trainable_layers"
  >
  readonly quantization: TrainingConfig["quantization"]
  readonly batch_size: number
}

export interface EstimateOptions {
  readonly microBatch: number
  /** `sdpa` (and flash attention) keeps no scores; `eager` keeps them, which grows with the square of the length. */
  readonly attention?: "sdpa" | "eager"
  /** Our trainer computes in the base's precision by autocast. Without it adapters in fp32 want their inputs in fp32. */
  readonly autocast?: boolean
  /** The loss keeps the logits in the model's precision, too, as transformers' does; ours drops them. */
  readonly keepsLogits?: boolean
  /** `full` and `freeze` train fp32 copies; `false`: weights in the base's precision, as "pure bf16" does. */
  readonly masterWeights?: boolean
  /** 0 for a CPU, and where a measurement leaves it out. */
  readonly context?: number
}

/** Bytes. `total` is the peak: parts that are not there at the same time are not added. */
export interface MemoryEstimate {
  readonly weights: number
  readonly adapter: number
  readonly gradients: number
  readonly optimizer: number
  readonly activations: number
  readonly logits: number
  readonly temporary: number
  readonly context: number
  readonly total: number
}

/** A CUDA context with the kernels of torch, cuBLAS workspaces and cuDNN: 0.4 to 0.6 GiB on cards from Ampere to Hopper. */
export const cudaContext = 0.5 * 2 ** 30

const bytesOf = { fp32: 4, bf16: 2, fp16: 2 } as const

/** Bytes a weight. NF4 with double quantisation, 4.127 bits: QLoRA, arXiv 2305.14314, section 3. AWQ and GPTQ: a 16-bit
 * scale and a 4-bit zero point for each 128 weights. int8: LLM.int8, arXiv 2208.07339, a scale a row, which is little. */
const packedBytes = { nf4: 4.127 / 8, int8: 1, awq: (4 + 20 / 128) / 8, gptq: (4 + 20 / 128) / 8 } as const

/** Which linear layers an adapter goes onto, by layer: names end with the given ones, or match between slashes. */
const targetsIn = (a: Architecture, targets: string): ReadonlyArray<ReadonlyArray<Linear>> => {
  const linears = linearsOf(a)
  const matches = matcher(targets)
  return Array.from({ length: a.layers }, (_, layer) =>
    linears.filter(({ name }) => matches(`model.layers.${layer}.${name}`)),
  )
}

const matcher = (targets: string): ((path: string) => boolean) => {
  if (targets === "all-linear") return () => true
  if (targets.startsWith("/")) {
    try {
      const pattern = new RegExp(`^(?:${targets.slice(1, -1)})$`)
      return (path) => pattern.test(path)
    } catch {
      // A Python expression that is none here: the most that it can match.
      return () => true
    }
  }
  const names = targets.split(",").map((name) => name.trim())
  return (path) => names.some((name) => path === name || path.endsWith(`.${name}`))
}

const trainsBase = ({ adapter }: MemoryConfig): boolean => adapter.type === "full" || adapter.type === "freeze"

/** AdaLoRA's, as our trainer sets it: Python rounds halves to the even number. */
const beginningRank = (rank: number): number => {
  const down = Math.floor(1.5 * rank)
  return Math.max(rank + 1, rank % 2 === 1 && down % 2 === 1 ? down + 1 : down)
}

/**
 * Trained weights that the run adds (adapter) or takes from the base (`full`, `freeze`). LoRA, arXiv 2106.09685: r(in +
 * out) a layer; DoRA, arXiv 2402.09353: out more; AdaLoRA, arXiv 2303.10512: half more rank at the start; OFT, arXiv
 * 2306.07280: b(b - 1)/2 for each block of b inputs; MokA, arXiv 2506.05191: an A for each of three modalities.
 */
export const trainedParameters = (a: Architecture, config: MemoryConfig): number => {
  const { type, rank } = config.adapter
  const counts = parameterCounts(a)
  if (type === "full") return counts.total
  if (type === "freeze") {
    const layers = Math.min(a.layers, config.adapter.trainable_layers ?? 2)
    return (layers * (counts.linear + 2 * a.layers * a.hidden)) / a.layers
  }
  const { oft_block_size: size = 32, oft_rank: blocks } = config.adapter
  const of = ({ inputs, outputs }: Linear): number => {
    switch (type) {
      case "oft": {
        const block = blocks === undefined || blocks === null ? size : Math.ceil(inputs / blocks)
        return (Math.ceil(inputs / block) * block * (block - 1)) / 2
      }
      case "adalora":
        return beginningRank(rank) * (inputs + outputs + 1)
      case "dora":
        return rank * (inputs + outputs) + outputs
      case "moka":
        return rank * (3 * inputs + outputs)
      default:
        return rank * (inputs + outputs)
    }
  }
  return targetsIn(a, config.adapter.target_modules)
    .flat()
    .reduce((sum, linear) => sum + of(linear), 0)
}

/** Bytes a token that the backward pass of layer `layer` needs, and those of its attention scores by position. */
const layerActivations = (
  a: Architecture,
  config: MemoryConfig,
  targets: ReadonlyArray<Linear>,
  isTrained: boolean,
  autocast: boolean,
): number => {
  const { hidden, intermediate, heads, headDim } = a
  const e = bytesOf[config.precision]
  // Two RMSNorms, each of which keeps its input in fp32; a trained one keeps what its weight is multiplied with, too.
  const norms = 2 * 4 * hidden + (isTrained ? 2 * e * hidden : 0)
  // Queries, keys and values after the heads of keys and values are repeated, and the result.
  const attention = 4 * heads * headDim * e
  // The gate's input and output, and what it is multiplied with.
  const gated = 3 * intermediate * e
  if (isTrained) {
    // The inputs of q/k/v, of o, of gate/up and of down.
    return norms + attention + gated + e * (2 * hidden + heads * headDim + intermediate)
  }
  // A frozen linear layer keeps nothing; the adapter on it keeps its input, a copy for each where it is cast.
  const isCast = e !== 4
  const inputBytes = isCast && !autocast ? 4 : e
  const inputs = new Map<string, number>()
  for (const { name, inputs: width } of targets) {
    const shared = /[qkv]_proj$/.test(name) ? "qkv" : /(gate|up)_proj$/.test(name) ? "ffn" : name
    inputs.set(isCast || config.adapter.dropout > 0 ? name : shared, width * inputBytes)
  }
  const kept = [...inputs.values()].reduce((sum, bytes) => sum + bytes, 0)
  // The mask of the dropout, a byte an input; DoRA keeps the base's result and the adapter's.
  const masks = config.adapter.dropout > 0 ? targets.reduce((sum, { inputs: width }) => sum + width, 0) : 0
  const results =
    config.adapter.type === "dora" ? targets.reduce((sum, { outputs }) => sum + outputs * (e + inputBytes), 0) : 0
  const narrow = config.adapter.type === "oft" ? 0 : targets.length * config.adapter.rank * inputBytes
  return norms + attention + gated + kept + masks + results + narrow
}

/**
 * The peak of one run at `microBatch` sequences of `max_length` tokens. It is the larger of two moments: the end of the
 * forward pass, where activations and logits are there (and, with accumulation, the gradients of earlier micro-batches),
 * and the optimiser's step, where all gradients are.
 */
export const estimateMemory = (a: Architecture, config: MemoryConfig, options: EstimateOptions): MemoryEstimate => {
  const { microBatch, attention = "sdpa", autocast = true, keepsLogits = false, masterWeights = true } = options
  const e = bytesOf[config.precision]
  const counts = parameterCounts(a)
  const { type: packing } = config.quantization
  const linearBytes = packing === "none" ? e : packedBytes[packing]
  const trained = trainedParameters(a, config)
  const isBase = trainsBase(config)
  const trainedBytes = isBase && !masterWeights ? e : 4
  const held = counts.linear * linearBytes + (counts.embedding + counts.norms) * e
  // What is trained of the base lies there in fp32 in place of its own precision.
  const weights = isBase ? held + trained * (trainedBytes - e) : held
  const adapter = isBase ? 0 : trained * trainedBytes
  const gradients = trained * trainedBytes
  // AdamW, arXiv 1711.05101: two moments, each in the weight's own precision.
  const optimizer = 2 * trained * trainedBytes

  const tokens = microBatch * config.max_length
  const scores =
    attention === "eager" ? a.heads * config.max_length * (2 * e + (config.adapter.dropout > 0 ? 1 : 0)) : 0
  const trainedFrom =
    config.adapter.type === "full" ? 0 : isBase ? a.layers - (config.adapter.trainable_layers ?? 2) : a.layers
  const adapted = isBase ? [] : targetsIn(a, config.adapter.target_modules)
  // Before the first trained layer nothing is kept.
  const first = isBase ? Math.max(0, trainedFrom) : adapted.findIndex((targets) => targets.length > 0)
  const perLayer = Array.from({ length: a.layers }, (_, layer) =>
    layer < first || first < 0
      ? 0
      : layerActivations(a, config, adapted[layer] ?? [], isBase && layer >= trainedFrom, autocast) + scores,
  )
  const sum = perLayer.reduce((total, bytes) => total + bytes, 0)
  const largest = Math.max(...perLayer)
  // With checkpointing each layer keeps its input, and one at a time the rest: arXiv 1604.06174.
  const activations = tokens * (config.gradient_checkpointing ? a.layers * a.hidden * e + largest : sum)
  // Log-probabilities and two gradients in fp32, as cross_entropy makes them.
  const logits = tokens * a.vocabulary * (12 + (keepsLogits ? e : 0))
  // A packed layer is unpacked for its use; autocast keeps 16-bit copies of what is trained in fp32.
  const unpacked = packing === "none" ? 0 : Math.max(...linearsOf(a).map((l) => l.inputs * l.outputs)) * e
  const copies = isBase && masterWeights && e !== 4 ? trained * e : adapter > 0 && e !== 4 && autocast ? trained * e : 0
  const temporary = unpacked + copies
  const context = options.context ?? cudaContext

  const accumulates = microBatch < config.batch_size
  // Checkpointed layers are computed again one at a time, when the logits are gone.
  const apart = config.gradient_checkpointing ? Math.min(tokens * largest, logits) : 0
  const standing = weights + adapter + optimizer + context
  const forward = standing + activations + logits - apart + temporary + (accumulates ? gradients : 0)
  const step = standing + gradients
  const total = Math.max(forward, step)
  return { weights, adapter, gradients, optimizer, activations, logits, temporary, context, total }
}
