// The functions the samplers are compared on. Owns their spaces, values, noise and optima: standard test functions of
// global optimisation (formulas: Surjanovic & Bingham's Virtual Library of Simulation Experiments), and three that look
// like fine-tuning (log-scaled learning rate, listed ranks, variants with parameters of their own).
import { Dimension, SearchSpace } from "@sweep/domain/SearchSpace"
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters } from "@sweep/domain/Parameter"
import { hash, random } from "@sweep/search/Random"

/** Exists only where the named parameter has this value. */
export interface Condition {
  readonly parameter: string
  readonly value: string
}

export interface TestDimension {
  readonly name: string
  readonly distribution: Distribution
  readonly when?: Condition
}

export interface TestFunction {
  readonly name: string
  readonly dimensions: ReadonlyArray<TestDimension>
  /** Without noise; smaller is better. */
  readonly value: (parameters: Parameters) => number
  /** The smallest value there is. */
  readonly optimum: number
  /** Standard deviation of the noise on what the samplers see. */
  readonly noise: number
  /** What kind of function it is, for figures by kind. */
  readonly family?: string
  /** Trials under way at any time; 1 unless given. */
  readonly parallel?: number
}

export const spaceOf = ({ dimensions }: Pick<TestFunction, "dimensions">): SearchSpace =>
  new SearchSpace({
    dimensions: dimensions.map(
      ({ name, distribution, when }) =>
        new Dimension({
          name,
          distribution,
          when: when === undefined ? null : `${when.parameter} == '${when.value}'`,
          prior: null,
        }),
    ),
    derived: [],
    constraints: [],
  })

/** What a sampler is told: the value with noise that depends on seed and trial alone, the same for every sampler. */
export const observedValue = (f: TestFunction, parameters: Parameters, seed: number, trial: number): number =>
  f.value(parameters) + (f.noise === 0 ? 0 : f.noise * random(seed, trial, "noise").normal())

export const uniform = (name: string, min: number, max: number): TestDimension => ({
  name,
  distribution: { _tag: "Uniform", min, max },
})
export const cube = (n: number, min: number, max: number) =>
  Array.from({ length: n }, (_, i) => uniform(`x${i + 1}`, min, max))
export const int = (name: string, min: number, max: number): TestDimension => ({
  name,
  distribution: { _tag: "IntUniform", min, max },
})
export const log = (name: string, min: number, max: number): TestDimension => ({
  name,
  distribution: { _tag: "LogUniform", min, max },
})
export const list = (name: string, ...values: [string | number, ...Array<string | number>]): TestDimension => ({
  name,
  distribution: { _tag: "Categorical", values, probabilities: null },
})
export const numbers = (parameters: Parameters): ReadonlyArray<number> =>
  Object.keys(parameters)
    .sort()
    .map((name) => parameters[name] as number)

const branin = ([x, y]: ReadonlyArray<number>): number =>
  (y! - (5.1 / (4 * Math.PI ** 2)) * x! ** 2 + (5 / Math.PI) * x! - 6) ** 2 +
  10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x!) +
  10

const hartmannA = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const hartmannP = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
]
export const hartmann6 = (x: ReadonlyArray<number>): number =>
  -[1, 1.2, 3, 3.2].reduce(
    (sum, weight, i) =>
      sum + weight * Math.exp(-x.reduce((s, v, k) => s + hartmannA[i]![k]! * (v - hartmannP[i]![k]! / 1e4) ** 2, 0)),
    0,
  )

export const ackley = (x: ReadonlyArray<number>): number =>
  -20 * Math.exp(-0.2 * Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length)) -
  Math.exp(x.reduce((s, v) => s + Math.cos(2 * Math.PI * v), 0) / x.length) +
  20 +
  Math.E

const rosenbrock = (x: ReadonlyArray<number>): number =>
  x.slice(1).reduce((s, v, i) => s + 100 * (v - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2, 0)

export const levy = (x: ReadonlyArray<number>): number => {
  const w = x.map((v) => 1 + (v - 1) / 4)
  const last = w.at(-1)!
  return (
    Math.sin(Math.PI * w[0]!) ** 2 +
    w.slice(0, -1).reduce((s, v) => s + (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2), 0) +
    (last - 1) ** 2 * (1 + Math.sin(2 * Math.PI * last) ** 2)
  )
}

export const rastrigin = (x: ReadonlyArray<number>): number =>
  x.reduce((s, v) => s + v * v - 10 * Math.cos(2 * Math.PI * v) + 10, 0)

const styblinskiTang = (x: ReadonlyArray<number>): number =>
  0.5 * x.reduce((s, v) => s + v ** 4 - 16 * v ** 2 + 5 * v, 0)

const michalewicz = (x: ReadonlyArray<number>): number =>
  -x.reduce((s, v, i) => s + Math.sin(v) * Math.sin(((i + 1) * v * v) / Math.PI) ** 20, 0)

/**
 * Eval loss as fine-tuning shows it: a valley in log learning rate that moves with alpha / rank and the variant, a
 * rank that saturates, epochs that overfit the more the higher the learning rate, a dropout that helps then.
 */
export const finetune = (p: Parameters): number => {
  const lr = Math.log10(p["learning_rate"] as number)
  const rank = Math.log2(p["rank"] as number)
  const scale = Math.log2((p["alpha"] as number) / (p["rank"] as number))
  const epochs = p["epochs"] as number
  const dropout = p["dropout"] as number
  const best = { lora: -3.6, dora: -3.7, oft: -2.9, full: -4.9 }[p["variant"] as string]!
  const offset = { lora: 0.02, dora: 0, oft: 0.05, full: 0.03 }[p["variant"] as string]!
  const valley = 0.35 * (lr + 0.3 * (scale - 1) - best) ** 2
  const capacity = 0.15 * Math.exp(-0.5 * (rank - 1))
  const undertrained = 0.25 / (epochs * 10 ** (0.4 * (lr - best)))
  const overfit = Math.max(0, epochs - 3) * 0.03 * 10 ** (0.5 * (lr - best)) * (1 + 0.2 * rank)
  return 1 + offset + valley + capacity + undertrained + overfit * (1 - dropout) + 0.3 * (dropout - 0.1) ** 2
}
export const finetuneSpace = [
  log("learning_rate", 1e-6, 1e-1),
  list("rank", 4, 8, 16, 32, 64, 128),
  list("alpha", 8, 16, 32, 64, 128),
  list("variant", "lora", "dora", "oft", "full"),
  int("epochs", 1, 8),
  uniform("dropout", 0, 0.4),
]

/** Each optimiser with parameters of its own, as a sweep file's `when` has it. */
const conditional = (p: Parameters): number => {
  switch (p["optimizer"]) {
    case "adamw":
      return (
        0.1 +
        0.4 * (Math.log10(p["adamw_lr"] as number) + 3.5) ** 2 +
        2 * ((p["beta2"] as number) - 0.98) ** 2 * 100 +
        0.2 * (Math.log10(p["decay"] as number) + 2) ** 2
      )
    case "sgd":
      return (
        0.25 +
        0.3 * (Math.log10(p["sgd_lr"] as number) + 1.5) ** 2 +
        8 * ((p["momentum"] as number) - 0.9) ** 2 +
        0.2 * (Math.log10(p["decay"] as number) + 3) ** 2
      )
    default:
      return 0.6 + 0.2 * ((p["batches"] as number) - 12) ** 2 * 0.05 + 0.2 * (Math.log10(p["decay"] as number) + 1) ** 2
  }
}

const integerAckley = (p: Parameters): number => {
  const shift = { north: [3, -2], east: [-4, 5], south: [0, 0], west: [6, 6] }[p["region"] as string]!
  return (
    ackley([0, 1, 2, 3].map((i) => ((p[`n${i + 1}`] as number) - shift[i % 2]!) / 4)) +
    { north: 1, east: 0.5, south: 2, west: 0 }[p["region"] as string]!
  )
}

export const plain = (
  name: string,
  dimensions: ReadonlyArray<TestDimension>,
  value: (x: ReadonlyArray<number>) => number,
  optimum: number,
  noise = 0,
): TestFunction => ({ name, dimensions, value: (p) => value(numbers(p)), optimum, noise })

const braninSpace = [uniform("x1", -5, 10), uniform("x2", 0, 15)]

/** Smooth and mixed ones on which methods are compared one by one; families.ts has the others. */
export const functions: ReadonlyArray<TestFunction> = [
  plain("branin", braninSpace, branin, 0.39788735772973816),
  plain("hartmann-6", cube(6, 0, 1), hartmann6, -3.322368011391339),
  plain("ackley-5", cube(5, -20, 30), ackley, 0),
  plain("rosenbrock-4", cube(4, -5, 10), rosenbrock, 0),
  plain("levy-4", cube(4, -10, 10), levy, 0),
  plain("rastrigin-3", cube(3, -4.12, 6.12), rastrigin, 0),
  plain("styblinski-tang-5", cube(5, -5, 5), styblinskiTang, -39.16616570377142 * 5),
  plain("michalewicz-5", cube(5, 0, Math.PI), michalewicz, -4.687658179),
  { name: "finetune (mixed)", dimensions: finetuneSpace, value: finetune, optimum: 1.028141465225488, noise: 0 },
  {
    name: "optimizers (conditional)",
    dimensions: [
      list("optimizer", "adamw", "sgd", "lion"),
      log("decay", 1e-5, 1),
      { ...log("adamw_lr", 1e-6, 1e-1), when: { parameter: "optimizer", value: "adamw" } },
      { ...uniform("beta2", 0.8, 1), when: { parameter: "optimizer", value: "adamw" } },
      { ...log("sgd_lr", 1e-4, 10), when: { parameter: "optimizer", value: "sgd" } },
      { ...uniform("momentum", 0, 1), when: { parameter: "optimizer", value: "sgd" } },
      { ...int("batches", 1, 64), when: { parameter: "optimizer", value: "lion" } },
    ],
    value: conditional,
    optimum: 0.1,
    noise: 0,
  },
  {
    name: "integer ackley (mixed)",
    dimensions: [
      int("n1", -20, 20),
      int("n2", -20, 20),
      int("n3", -20, 20),
      int("n4", -20, 20),
      list("region", "north", "east", "south", "west"),
    ],
    value: integerAckley,
    optimum: 0,
    noise: 0,
  },
  plain("branin (noisy)", braninSpace, branin, 0.39788735772973816, 2),
  { name: "finetune (noisy)", dimensions: finetuneSpace, value: finetune, optimum: 1.028141465225488, noise: 0.02 },
]

/** Sum of the values at 50 fixed points: traces of a function that has changed since are not used again. */
export const checksum = (f: TestFunction): string => {
  let sum = 0
  const from = random(1, 0, f.name)
  for (let i = 0; i < 50; i++) {
    const parameters: Record<string, string | number> = {}
    for (const { name, distribution: d, when } of f.dimensions) {
      const u = from.uniform()
      if (when !== undefined && parameters[when.parameter] !== when.value) continue
      if (d._tag === "Categorical") parameters[name] = d.values[Math.floor(u * d.values.length)] as string | number
      else if (d._tag === "IntUniform") parameters[name] = Math.floor(d.min + u * (d.max - d.min + 1))
      else if (d._tag === "LogUniform") parameters[name] = d.min * (d.max / d.min) ** u
      else if (d._tag === "Uniform") parameters[name] = d.min + u * (d.max - d.min)
    }
    sum += f.value(parameters)
  }
  return hash(0, 0, `${sum.toPrecision(12)} ${f.optimum} ${f.noise}`)
    .toString(16)
    .padStart(8, "0")
}
