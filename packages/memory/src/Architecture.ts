// The shape of a decoder-only transformer: what its config.json says of it, and the parameters that follow from it. Owns
// the reading of a configuration and the counting; what a training run adds is estimate.ts's.

export interface Architecture {
  readonly hidden: number
  readonly intermediate: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly vocabulary: number
  /** The output layer shares the embedding's weights. */
  readonly tied: boolean
}

export interface Linear {
  /** Within a layer, such as `self_attn.q_proj`. */
  readonly name: string
  readonly inputs: number
  readonly outputs: number
}

/** Why a configuration cannot be estimated: a key that is missing or no positive number, or a kind that is not known. */
export type ArchitectureProblem =
  | { readonly _tag: "MissingKey"; readonly key: string }
  | { readonly _tag: "UnknownKind"; readonly kind: string }

/** Kinds whose layers are no attention and gated feed-forward layer of one width. */
const otherKinds = /gpt2|gpt_neo|opt|bloom|t5|bert|mamba|rwkv|falcon|moe|mixtral|deepseek|dbrx|jamba|whisper/

const object = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined

/** The shape that a parsed config.json describes; of a model that reads images, its text part. */
export const fromConfig = (config: Readonly<Record<string, unknown>>): Architecture | ArchitectureProblem => {
  const text = object(config["text_config"]) ?? config
  const kind = String(text["model_type"] ?? config["model_type"] ?? "")
  const experts = text["num_local_experts"] ?? text["num_experts"] ?? text["n_routed_experts"]
  if (otherKinds.test(kind) || (typeof experts === "number" && experts > 1)) return { _tag: "UnknownKind", kind }
  const positive = (key: string): number | undefined => {
    const value = text[key]
    return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined
  }
  const needed = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"] as const
  for (const key of needed) if (positive(key) === undefined) return { _tag: "MissingKey", key }
  const [hidden, intermediate, layers, heads, vocabulary] = needed.map((key) => positive(key)!) as [
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    hidden,
    intermediate,
    layers,
    heads,
    vocabulary,
    kvHeads: positive("num_key_value_heads") ?? heads,
    headDim: positive("head_dim") ?? Math.floor(hidden / heads),
    tied: (text["tie_word_embeddings"] ?? config["tie_word_embeddings"]) === true,
  }
}

/** The linear layers of one decoder layer. */
export const linearsOf = ({ hidden, intermediate, heads, kvHeads, headDim }: Architecture): ReadonlyArray<Linear> => [
  { name: "self_attn.q_proj", inputs: hidden, outputs: heads * headDim },
  { name: "self_attn.k_proj", inputs: hidden, outputs: kvHeads * headDim },
  { name: "self_attn.v_proj", inputs: hidden, outputs: kvHeads * headDim },
  { name: "self_attn.o_proj", inputs: heads * headDim, outputs: hidden },
  { name: "mlp.gate_proj", inputs: hidden, outputs: intermediate },
  { name: "mlp.up_proj", inputs: hidden, outputs: intermediate },
  { name: "mlp.down_proj", inputs: intermediate, outputs: hidden },
]

export interface ParameterCounts {
  /** In linear layers of decoder layers: what quantisation packs. */
  readonly linear: number
  /** Embedding and output layer. */
  readonly embedding: number
  readonly norms: number
  readonly total: number
}

export const parameterCounts = (a: Architecture): ParameterCounts => {
  const linear = a.layers * linearsOf(a).reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0)
  const embedding = a.vocabulary * a.hidden * (a.tied ? 1 : 2)
  const norms = (2 * a.layers + 1) * a.hidden
  return { linear, embedding, norms, total: linear + embedding + norms }
}
