// What a model's folder says of its layers without any weight being loaded: how many there are, from config.json, and
// the shapes of the linear ones, from the headers of its safetensors files. Owns which weights count as linear layers
// that every adapter on `all-linear` goes onto; where that is not sure they are left out.
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"

export interface LinearLayer {
  /** The module's path, such as `model.layers.0.self_attn.q_proj`. */
  readonly path: string
  readonly inputs: number
  readonly outputs: number
}

export interface ModelLayers {
  /** Decoder layers; `null` where the configuration does not say. */
  readonly depth: number | null
  /** None where the folder has no safetensors files. */
  readonly linear: ReadonlyArray<LinearLayer>
}

const Index = Schema.fromJsonString(Schema.Struct({ weight_map: Schema.Record(Schema.String, Schema.String) }))
const JsonObject = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const Tensor = Schema.Struct({ shape: Schema.Array(Schema.Int) })
const Config = Schema.Struct({
  num_hidden_layers: Schema.optionalKey(Schema.Int),
  n_layer: Schema.optionalKey(Schema.Int),
})

/** In bytes: that of a model with 100,000 weights has some 15 MB. */
const largestHeader = 64 * 1024 * 1024

/** GPT-2's kind stores its layers the other way round, as convolutions. */
const transposed = new Set(["gpt2", "openai-gpt", "imagegpt", "decision_transformer"])

/** In a numbered block, and none of what has two dimensions there but is no linear layer, or is not loaded as one. */
const isLinear = (path: string): boolean =>
  /\.\d+\./.test(`.${path}`) && !/\.experts\.|(?:^|\.)(?:gate|router|relative_attention_bias|\w*embed\w*)$/.test(path)

const depthOf = (config: Readonly<Record<string, unknown>>): number | null => {
  const read = Schema.decodeUnknownOption(Config)(config["text_config"] ?? config)
  return Option.isNone(read) ? null : (read.value.num_hidden_layers ?? read.value.n_layer ?? null)
}

/** What cannot be read is as if it were not there. */
export const modelLayers = Effect.fn("modelLayers")(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path

  const config = yield* fs.readFileString(path.join(folder, "config.json")).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(JsonObject)),
    Effect.orElseSucceed(() => ({}) as typeof JsonObject.Type),
  )
  const index = yield* fs
    .readFileString(path.join(folder, "model.safetensors.index.json"))
    .pipe(Effect.flatMap(Schema.decodeUnknownEffect(Index)), Effect.option)
  const names = Option.isNone(index)
    ? ["model.safetensors"]
    : Array.from(new Set(Object.values(index.value.weight_map)))

  /** The header is behind its length: 8 bytes, the least first. */
  const headerOf = (name: string) =>
    Effect.scoped(
      Effect.gen(function* () {
        const file = yield* fs.open(path.join(folder, path.basename(name)), { flag: "r" })
        const size = Option.getOrElse(yield* file.readAlloc(8), () => new Uint8Array())
        const length = size.length < 8 ? 0 : Number(new DataView(size.buffer, size.byteOffset).getBigUint64(0, true))
        if (length === 0 || length > largestHeader) return {}
        const text = Option.getOrElse(yield* file.readAlloc(length), () => new Uint8Array())
        return yield* Schema.decodeUnknownEffect(JsonObject)(new TextDecoder().decode(text))
      }),
    ).pipe(Effect.orElseSucceed(() => ({})))

  const turned = transposed.has(String(config["model_type"]))
  const linear: Array<LinearLayer> = []
  for (const name of names) {
    for (const [tensor, described] of Object.entries(yield* headerOf(name))) {
      const layer = tensor.endsWith(".weight") ? tensor.slice(0, -".weight".length) : ""
      const { shape } = Option.getOrElse(Schema.decodeUnknownOption(Tensor)(described), () => ({ shape: [] }))
      if (shape.length !== 2 || !isLinear(layer)) continue
      const [outputs, inputs] = turned ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!]
      linear.push({ path: layer, inputs, outputs })
    }
  }
  return { depth: depthOf(config), linear } satisfies ModelLayers
})
