// Ranges and beliefs for the parameters of a fine-tuning run that published studies support (`prior: default`). Owns the
// numbers, each with its source; docs/priors.md lists them for users. What is a study's and what is between studies is said
// at each. They are where a search begins: belief fades as trials come in, and results decide.
import type { Distribution } from "../space/Distribution.ts"
import type { Dimension } from "../space/SearchSpace.ts"

/** What the defaults depend on. */
export interface Setting {
  /** Parameters of the base model; `null`: not known. */
  readonly size: number | null
  /** Training records; `null`: not known. */
  readonly records: number | null
  /** Whether the model's own weights are trained, an adapter's, or either. */
  readonly trains: "adapter" | "weights" | "either"
}

export interface Published {
  readonly distribution: Distribution
  readonly prior: NonNullable<Dimension["prior"]>
}

const values = (...all: ReadonlyArray<number>): Distribution => ({
  _tag: "Categorical",
  values: all as [number, ...Array<number>],
  probabilities: null,
})

/** Two significant digits, as people write them. */
const rounded = (x: number): number => Number(x.toPrecision(2))

const within = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x))

/** Between these the studies below have models; beyond them the nearest end stands. */
const smallest = 1e8
const largest = 7e10
/** Where the size is not known: the size that most of the studies use. */
const usual = 7e9

/**
 * Of an adapter with AdamW: 2e-4 for 7 and 13 billion parameters and 1e-4 for 33 and 65 (Dettmers et al., "QLoRA", 2023, table
 * 9); optima of rank-independent fits fall with the width of the model to the power 0.78 (Schulman et al., "LoRA Without
 * Regret", 2025, Llama models; hardly, 0.08, for Qwen models), which is about 0.27 in parameters. The line through 2.5e-4 at 7 billion lies between the two.
 * Full fine-tuning wants a tenth (the same two, and Biderman et al., "LoRA Learns Less and Forgets Less", 2024; 2e-5 for 7
 * billion in Taori et al., "Alpaca", 2023).
 */
const learningRate = ({ size, trains }: Setting): Published => {
  const ofAdapter = 2.5e-4 * (within(size ?? usual, smallest, largest) / usual) ** -0.27
  const center = rounded(
    trains === "adapter" ? ofAdapter : trains === "weights" ? ofAdapter / 10 : ofAdapter / Math.sqrt(10),
  )
  const spread = trains === "either" ? 30 : 10
  return {
    distribution: { _tag: "LogUniform", min: rounded(center / spread), max: rounded(center * spread) },
    // Decades: the best rates of the studies above lie within a factor of three for a model and data.
    prior: { center, width: trains === "either" ? 0.8 : 0.5 },
  }
}

/**
 * Ranks of 16 to 256 differ little for instruction data of some thousand records, and the larger ones learn more where there is
 * more to learn (Biderman et al., 2024, figures 2 and S2); capacity has to exceed what the data hold (Schulman et al., 2025).
 * Hu et al., "LoRA", 2021, find 4 to 8 enough for single tasks. The limits between sizes of data are ours.
 */
const rank = ({ records }: Setting): Published => {
  const center = records === null || records < 20_000 ? 16 : records < 200_000 ? 32 : 64
  return {
    distribution: values(...[4, 8, 16, 32, 64, 128, 256].filter((r) => r >= center / 4 && r <= center * 4)),
    prior: { center, width: center },
  }
}

/**
 * 16 records a step for 7 and 13 billion parameters (Dettmers et al., 2023), 32 for a thousand records (Zhou et al., "LIMA",
 * 2023), 128 for 52,000 (Taori et al., 2023); adapters bear large batches less than full fine-tuning (Schulman et al., 2025).
 */
const batchSize = ({ records, trains }: Setting): Published =>
  records !== null && records >= 50_000 && trains === "weights"
    ? { distribution: values(32, 64, 128, 256), prior: { center: 128, width: 64 } }
    : { distribution: values(8, 16, 32, 64), prior: { center: 16, width: 16 } }

/**
 * 15 for a thousand records (Zhou et al., 2023), 3 for 52,000 (Taori et al., 2023); up to four passes over the same data are
 * worth nearly as much as new data, and later ones ever less (Muennighoff et al., "Scaling Data-Constrained Language Models",
 * 2023, for pre-training). What lies between is ours.
 */
const epochs = ({ records }: Setting): Published => {
  const [min, max, center, width] =
    records !== null && records < 2_000
      ? [2, 15, 6, 4]
      : records !== null && records < 20_000
        ? [1, 8, 3, 2]
        : records !== null && records >= 200_000
          ? [1, 3, 1, 1]
          : [1, 5, 3, 1]
  return { distribution: { _tag: "IntUniform", min, max }, prior: { center, width } }
}

/** 0.1 for 7 and 13 billion parameters, 0.05 for 33 and 65 (Dettmers et al., 2023). */
const dropout = ({ size }: Setting): Published => ({
  distribution: values(0, 0.05, 0.1),
  prior: { center: size !== null && size > 2e10 ? 0.05 : 0.1, width: 0.05 },
})

const published = {
  learning_rate: learningRate,
  rank,
  batch_size: batchSize,
  epochs,
  dropout,
} as const satisfies Readonly<Record<string, (setting: Setting) => Published>>

/** `alpha` has a rule of its own (`alphaRule`) and no range. */
export const publishedNames: ReadonlyArray<string> = [...Object.keys(published), "alpha"]

export const publishedFor = (name: string, setting: Setting): Published | null =>
  Object.hasOwn(published, name) ? published[name as keyof typeof published](setting) : null

/**
 * Twice the rank, so that the update's scale α / r does not depend on it (Biderman et al., 2024, section 4.3, where it is the
 * best of those tried). rsLoRA scales by α / √r, and keeps α at 16 (Kalajdzievski, "A Rank Stabilization Scaling Factor",
 * 2023). As an expression of the sweep file; a number where no rank is varied.
 */
export const alphaRule = (variants: ReadonlyArray<unknown>, hasRank: boolean): string => {
  const twice = hasRank ? "2 * rank" : "32"
  if (!variants.includes("rslora")) return twice
  return variants.length === 1 ? "16" : `variant == 'rslora' ? 16 : ${twice}`
}

const ofWeights: ReadonlySet<unknown> = new Set(["full", "freeze"])

export const trainsOf = (variants: ReadonlyArray<unknown>): Setting["trains"] => {
  const weights = variants.filter((variant) => ofWeights.has(variant)).length
  return weights === 0 ? "adapter" : weights === variants.length ? "weights" : "either"
}

/** Parameters of a model as its name says them: `Qwen2.5-1.5B-Instruct`, `SmolLM-135M`; `null` where it does not. */
export const sizeInName = (model: string): number | null => {
  const name = model.split(/[/\\:]/).findLast((part) => part !== "") ?? ""
  // 8x7B: experts share little, and what is trained is all of them.
  const found = /(?:^|[-_.])(?:(\d+)x)?(\d+(?:[._]\d+)?)([bm])(?=$|[-_.])/i.exec(name)
  if (found === null) return null
  const [, experts = "1", number, unit] = found
  const size = Number(experts) * Number(number!.replace("_", ".")) * (unit!.toLowerCase() === "b" ? 1e9 : 1e6)
  return size > 0 ? size : null
}

/** The belief of a study within a range of the user's own: its centre is drawn to the nearest end. */
export const beliefWithin = (
  { distribution: theirs, prior: { center, width } }: Published,
  own: Distribution,
): Published["prior"] => {
  const numbers = own._tag === "Categorical" ? own.values.filter((value) => typeof value === "number") : []
  const [min, max] =
    "min" in own
      ? [own.min, own.max]
      : numbers.length > 0
        ? [Math.min(...numbers), Math.max(...numbers)]
        : [-Infinity, Infinity]
  // A width is in decades for log distributions, and in the parameter's unit for the others.
  const isLog = (distribution: Distribution): boolean => /Log/.test(distribution._tag)
  const fitting = isLog(own) === isLog(theirs) ? width : isLog(own) ? 0.5 : center
  return { center: within(center, min, max), width: fitting }
}
