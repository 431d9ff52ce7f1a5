// The shapes of well-known public models, so that the question "what fits?" needs no hub. Owns the table: facts from
// the models' own config.json files. A hub id is known by its last part.
import type { Architecture } from "./Architecture.ts"

type Row = readonly [
  hidden: number,
  intermediate: number,
  layers: number,
  heads: number,
  kvHeads: number,
  headDim: number,
  vocabulary: number,
  tied: boolean,
]

const rows: Readonly<Record<string, Row>> = {
  "smollm2-135m": [576, 1536, 30, 9, 3, 64, 49_152, true],
  "smollm2-360m": [960, 2560, 32, 15, 5, 64, 49_152, true],
  "smollm2-1.7b": [2048, 8192, 24, 32, 32, 64, 49_152, true],
  "tinyllama-1.1b": [2048, 5632, 22, 32, 4, 64, 32_000, false],
  "qwen2.5-0.5b": [896, 4864, 24, 14, 2, 64, 151_936, true],
  "qwen2.5-1.5b": [1536, 8960, 28, 12, 2, 128, 151_936, true],
  "qwen2.5-3b": [2048, 11_008, 36, 16, 2, 128, 151_936, true],
  "qwen2.5-7b": [3584, 18_944, 28, 28, 4, 128, 152_064, false],
  "qwen2.5-14b": [5120, 13_824, 48, 40, 8, 128, 152_064, false],
  "qwen2.5-32b": [5120, 27_648, 64, 40, 8, 128, 152_064, false],
  "qwen2.5-72b": [8192, 29_568, 80, 64, 8, 128, 152_064, false],
  "qwen3-0.6b": [1024, 3072, 28, 16, 8, 128, 151_936, true],
  "qwen3-1.7b": [2048, 6144, 28, 16, 8, 128, 151_936, true],
  "qwen3-4b": [2560, 9728, 36, 32, 8, 128, 151_936, true],
  "qwen3-8b": [4096, 12_288, 36, 32, 8, 128, 151_936, false],
  "qwen3-14b": [5120, 17_408, 40, 40, 8, 128, 151_936, false],
  "qwen3-32b": [5120, 25_600, 64, 64, 8, 128, 151_936, false],
  "llama-7b": [4096, 11_008, 32, 32, 32, 128, 32_000, false],
  "llama-13b": [5120, 13_824, 40, 40, 40, 128, 32_000, false],
  "llama-33b": [6656, 17_920, 60, 52, 52, 128, 32_000, false],
  "llama-65b": [8192, 22_016, 80, 64, 64, 128, 32_000, false],
  "llama-2-7b": [4096, 11_008, 32, 32, 32, 128, 32_000, false],
  "llama-2-13b": [5120, 13_824, 40, 40, 40, 128, 32_000, false],
  "llama-2-70b": [8192, 28_672, 80, 64, 8, 128, 32_000, false],
  "llama-3-8b": [4096, 14_336, 32, 32, 8, 128, 128_256, false],
  "llama-3-70b": [8192, 28_672, 80, 64, 8, 128, 128_256, false],
  "llama-3.1-8b": [4096, 14_336, 32, 32, 8, 128, 128_256, false],
  "llama-3.1-70b": [8192, 28_672, 80, 64, 8, 128, 128_256, false],
  "llama-3.2-1b": [2048, 8192, 16, 32, 8, 64, 128_256, true],
  "llama-3.2-3b": [3072, 8192, 28, 24, 8, 128, 128_256, true],
  "llama-3.3-70b": [8192, 28_672, 80, 64, 8, 128, 128_256, false],
  "mistral-7b": [4096, 14_336, 32, 32, 8, 128, 32_768, false],
  "mistral-nemo-12b": [5120, 14_336, 40, 32, 8, 128, 131_072, false],
  "mistral-small-24b": [5120, 32_768, 40, 32, 8, 128, 131_072, false],
  "gemma-2-2b": [2304, 9216, 26, 8, 4, 256, 256_000, true],
  "gemma-2-9b": [3584, 14_336, 42, 16, 8, 256, 256_000, true],
  "gemma-2-27b": [4608, 36_864, 46, 32, 16, 128, 256_000, true],
  "gemma-3-1b": [1152, 6912, 26, 4, 1, 256, 262_144, true],
  "gemma-3-4b": [2560, 10_240, 34, 8, 4, 256, 262_208, true],
  "gemma-3-12b": [3840, 15_360, 48, 16, 8, 256, 262_208, true],
  "gemma-3-27b": [5376, 21_504, 62, 32, 16, 128, 262_208, true],
  "phi-3-mini": [3072, 8192, 32, 32, 32, 96, 32_064, false],
  "phi-4": [5120, 17_920, 40, 40, 10, 128, 100_352, false],
}

export const knownModels: ReadonlyArray<string> = Object.keys(rows)

const shapeOf = ([hidden, intermediate, layers, heads, kvHeads, headDim, vocabulary, tied]: Row): Architecture => ({
  hidden,
  intermediate,
  layers,
  heads,
  kvHeads,
  headDim,
  vocabulary,
  tied,
})

/** `Qwen/Qwen2.5-7B-Instruct` is `qwen2.5-7b`: the longest known name that the id's last part begins with. */
export const knownArchitecture = (
  id: string,
): { readonly name: string; readonly architecture: Architecture } | undefined => {
  const last = id
    .replace(/^modelscope:/, "")
    .split("/")
    .at(-1)!
    .toLowerCase()
    .replace(/^meta-/, "")
  const names = knownModels.filter((known) => last === known || last.startsWith(`${known}-`))
  const name = names.toSorted((a, b) => b.length - a.length)[0]
  return name === undefined ? undefined : { name, architecture: shapeOf(rows[name]!) }
}
