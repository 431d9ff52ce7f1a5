// Functions of kinds on which a sampler that is good at smooth ones may not be: rugged mixed-integer ones, tables with few
// levels, conditional pipelines, twenty dimensions, 64 trials at once, and noise. Owns their spaces, values and optima;
// what is random in them is made from a fixed seed, and small tables are enumerated for their optimum.
import type { Parameters } from "@sweep/domain/Parameter"
import { hash, random } from "@sweep/search/Random"
import {
  ackley,
  cube,
  finetune,
  finetuneSpace,
  hartmann6,
  int,
  levy,
  list,
  log,
  numbers,
  plain,
  rastrigin,
  type TestDimension,
  type TestFunction,
  uniform,
} from "./functions.ts"

/** In [0, 1), of the numbers and a name: the same for the same ones, and unrelated between neighbours. */
const noise = (name: string, ...at: ReadonlyArray<number>): number => hash(11, 0, `${name} ${at.join()}`) / 2 ** 32

/** Kauffman's NK landscape ("The Origins of Order", 1993): every bit's worth depends on `k` neighbours. */
const landscape = (name: string, n: number, k: number): TestFunction => {
  const worth = (bits: ReadonlyArray<number>): number =>
    bits.reduce(
      (sum, _, i) => sum + noise(name, i, ...Array.from({ length: k + 1 }, (__, j) => bits[(i + j) % n]!)),
      0,
    ) / n
  let optimum = Infinity
  for (let code = 0; code < 2 ** n; code++) {
    optimum = Math.min(optimum, worth(Array.from({ length: n }, (_, i) => (code >> i) & 1)))
  }
  return {
    name,
    dimensions: Array.from({ length: n }, (_, i) => list(`b${String(i).padStart(2, "0")}`, "off", "on")),
    value: (p) =>
      worth(
        Object.keys(p)
          .sort()
          .map((key) => (p[key] === "on" ? 1 : 0)),
      ),
    optimum,
    noise: 0,
  }
}

/** A table over lists: main effects, effects of pairs, and a part of its own in every cell. */
const table = (name: string, levels: ReadonlyArray<number>, ordered: boolean, own: number): TestFunction => {
  const dimensions = levels.map((count, k) => {
    const values = Array.from({ length: count }, (_, i) => (ordered ? 2 ** i : `v${i}`))
    return list(`d${k}`, values[0]!, ...values.slice(1))
  })
  const indexOf = (value: unknown): number =>
    ordered ? Math.round(Math.log2(value as number)) : Number(String(value).slice(1))
  const cell = (at: ReadonlyArray<number>): number => {
    let sum = 0
    at.forEach((i, k) => {
      const share = i / Math.max(1, levels[k]! - 1)
      const centre = noise(name, 1, k)
      sum += ordered ? (0.5 + noise(name, 2, k)) * (share - centre) ** 2 : noise(name, 3, k, i)
      for (let m = 0; m < k; m++)
        sum +=
          0.3 *
          (ordered
            ? (share - centre) * (at[m]! / levels[m]! - 0.5) * noise(name, 4, k, m)
            : noise(name, 5, k, m, i, at[m]!))
    })
    return sum + own * noise(name, 6, ...at)
  }
  let optimum = Infinity
  const visit = (at: ReadonlyArray<number>): void => {
    if (at.length === levels.length) optimum = Math.min(optimum, cell(at))
    else for (let i = 0; i < levels[at.length]!; i++) visit([...at, i])
  }
  visit([])
  return { name, dimensions, value: (p) => cell(levels.map((_, k) => indexOf(p[`d${k}`]))), optimum, noise: 0 }
}

const schwefel = (x: number): number => 418.9828872721559 - x * Math.sin(Math.sqrt(Math.abs(x)))

const given = (parameter: string, value: string, dimension: TestDimension): TestDimension => ({
  ...dimension,
  when: { parameter, value },
})

/** Features, a model and its own parameters, a decision at each stage. */
const pipeline = (p: Parameters): number => {
  const scaler = {
    none: 0.4,
    standard: 0.1,
    quantile: 0.05 + (0.15 * Math.abs(((p["quantiles"] as number) ?? 0) - 64)) / 64,
  }[p["scaler"] as string]!
  const model = {
    linear: () => 0.5 + 0.1 * (Math.log10(p["l2"] as number) + 2) ** 2,
    forest: () =>
      0.25 +
      0.02 * Math.abs((p["depth"] as number) - 11) +
      0.05 * Math.abs(Math.log2((p["leaves"] as number) / 8)) +
      (p["scaler"] === "none" ? -0.35 : 0),
    boosted: () =>
      0.1 +
      0.35 * (Math.log10(p["rate"] as number) + 1.3) ** 2 +
      0.25 * Math.abs((p["rounds"] as number) / 300 - 10 ** (-1.3 - Math.log10(p["rate"] as number))) ** 0.7,
    network: () =>
      0.05 +
      0.3 * (Math.log10(p["step"] as number) + 2.7) ** 2 +
      0.04 * Math.abs((p["layers"] as number) - 4) +
      (p["scaler"] === "none" ? 0.5 : 0) +
      0.3 * ((p["drop"] as number) - 0.15) ** 2,
  }[p["model"] as string]!
  return scaler + model()
}
const pipelineSpace = [
  list("scaler", "none", "standard", "quantile"),
  given("scaler", "quantile", int("quantiles", 4, 128)),
  list("model", "linear", "forest", "boosted", "network"),
  given("model", "linear", log("l2", 1e-6, 10)),
  given("model", "forest", int("depth", 1, 24)),
  given("model", "forest", int("leaves", 1, 64)),
  given("model", "boosted", log("rate", 1e-3, 1)),
  given("model", "boosted", int("rounds", 10, 1000)),
  given("model", "network", log("step", 1e-5, 1e-1)),
  given("model", "network", int("layers", 1, 8)),
  given("model", "network", uniform("drop", 0, 0.6)),
]

/** Each adapter with a rank and a rate of its own, and a schedule with its own parameter. */
const adapters = (p: Parameters): number => {
  const own = {
    lora: () =>
      0.3 * (Math.log10(p["lora_lr"] as number) + 3.6) ** 2 +
      0.1 * Math.abs(Math.log2((p["lora_rank"] as number) / 16)),
    full: () => 0.04 + 0.5 * (Math.log10(p["full_lr"] as number) + 4.9) ** 2,
    prompt: () =>
      0.2 + 0.1 * (Math.log10(p["prompt_lr"] as number) + 1.8) ** 2 + 0.002 * Math.abs((p["tokens"] as number) - 40),
  }[p["adapter"] as string]!
  const schedule = {
    cosine: () => 0.02,
    linear: () => 0.4 * ((p["warmup"] as number) - 0.08) ** 2,
    constant: () => 0.08,
  }[p["schedule"] as string]!
  return 1 + own() + schedule()
}
const adapterSpace = [
  list("adapter", "lora", "full", "prompt"),
  given("adapter", "lora", log("lora_lr", 1e-6, 1e-1)),
  given("adapter", "lora", list("lora_rank", 2, 4, 8, 16, 32, 64, 128)),
  given("adapter", "full", log("full_lr", 1e-7, 1e-2)),
  given("adapter", "prompt", log("prompt_lr", 1e-4, 1)),
  given("adapter", "prompt", int("tokens", 1, 200)),
  list("schedule", "cosine", "linear", "constant"),
  given("schedule", "linear", uniform("warmup", 0, 0.5)),
]

const integers = (count: number, min: number, max: number) =>
  Array.from({ length: count }, (_, i) => int(`n${i + 1}`, min, max))

const sparse = (x: ReadonlyArray<number>): number => hartmann6([1, 4, 7, 10, 13, 16].map((k) => x[k]!))

/** The same function, with `parallel` trials under way at any time. */
const atOnce = (f: TestFunction, parallel: number): TestFunction => ({
  ...f,
  name: `${f.name} × ${parallel}`,
  family: `${parallel} parallel`,
  parallel,
})

const inFamily = (family: string, all: ReadonlyArray<TestFunction>): ReadonlyArray<TestFunction> =>
  all.map((f) => ({ ...f, family }))

const shifted = Array.from({ length: 20 }, (_, k) => 2 * random(5, k, "shift").uniform() - 1)

export const families: ReadonlyArray<TestFunction> = [
  ...inFamily("mixed-integer, rugged", [
    landscape("nk-10-3", 10, 3),
    landscape("nk-13-2", 13, 2),
    {
      name: "integer rastrigin-6",
      dimensions: integers(6, -12, 12),
      value: (p) => rastrigin(numbers(p).map((n, k) => (n - [3, -4, 2, 5, -1, 0][k]!) * 0.42)),
      optimum: 0,
      noise: 0,
    },
    {
      name: "schwefel (mixed)",
      dimensions: [...cube(3, -500, 500), ...integers(2, -25, 25), list("side", "left", "right", "middle")],
      value: (p) =>
        ["x1", "x2", "x3"].reduce((sum, name) => sum + schwefel(p[name] as number), 0) +
        ["n1", "n2"].reduce((sum, name) => sum + schwefel(20 * (p[name] as number)), 0) +
        { left: 0, right: 150, middle: 60 }[p["side"] as string]!,
      // 20 · 21 is the best of the integers.
      optimum: 3 * schwefel(420.968746) + 2 * schwefel(420),
      noise: 0,
    },
  ]),
  ...inFamily("tables with few levels", [
    table("table 3 × 4 × 3 × 4", [3, 4, 3, 4], true, 0.15),
    table("table 5 × 3 × 2 × 4 × 3", [5, 3, 2, 4, 3], true, 0.3),
    table("choices 4 × 4 × 4 × 4", [4, 4, 4, 4], false, 0.2),
    table("choices 3⁶", [3, 3, 3, 3, 3, 3], false, 0.4),
  ]),
  ...inFamily("conditional pipelines", [
    { name: "pipeline", dimensions: pipelineSpace, value: pipeline, optimum: 0.15, noise: 0 },
    { name: "adapters", dimensions: adapterSpace, value: adapters, optimum: 1, noise: 0 },
    { name: "pipeline (noisy)", dimensions: pipelineSpace, value: pipeline, optimum: 0.15, noise: 0.03 },
  ]),
  ...inFamily("20 dimensions", [
    plain("ackley-20", cube(20, -5, 10), (x) => ackley(x.map((v, k) => v - shifted[k]!)), 0),
    plain("levy-20", cube(20, -10, 10), levy, 0),
    plain("hartmann-6 of 20", cube(20, 0, 1), sparse, -3.322368011391339),
  ]),
  atOnce(plain("hartmann-6", cube(6, 0, 1), hartmann6, -3.322368011391339), 64),
  atOnce(plain("levy-4", cube(4, -10, 10), levy, 0), 64),
  atOnce(
    { name: "finetune (mixed)", dimensions: finetuneSpace, value: finetune, optimum: 1.028141465225488, noise: 0 },
    64,
  ),
  ...inFamily("noisy", [
    plain("hartmann-6 (noisy)", cube(6, 0, 1), hartmann6, -3.322368011391339, 0.3),
    { ...table("table 3 × 4 × 3 × 4 (noisy)", [3, 4, 3, 4], true, 0.15), noise: 0.1 },
  ]),
]
