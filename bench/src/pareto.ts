// Several objectives at once: the share of the hypervolume (up to a reference point) that is still missing after 50 and 100
// trials, ours against Optuna's default (its TPE) and its NSGA-II, on test problems of two objectives (Deb, "Multi-Objective
// Optimization Using Evolutionary Algorithms", 2001) and one that looks like fine-tuning: loss against cost.
// `node bench/src/pareto.ts [--seeds 10] [--from 1]`; the last line is one JSON object.
import { parseArgs } from "node:util"
import { Metric } from "@sweep/domain/Metric"
import type { Parameters } from "@sweep/domain/Parameter"
import type { Observation } from "@sweep/search/History"
import { hypervolume, type Pair } from "@sweep/search/Hypervolume"
import { random } from "@sweep/search/Random"
import { samplers } from "@sweep/search/samplerFor"
import { compileSpace } from "@sweep/search/Space"
import { cube, finetune, finetuneSpace, numbers, spaceOf, type TestDimension } from "./functions.ts"
import { startOptuna } from "./optuna.ts"

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "10" }, from: { type: "string", default: "1" } },
})

interface Problem {
  readonly name: string
  readonly dimensions: ReadonlyArray<TestDimension>
  readonly losses: (p: Parameters) => Pair
  readonly reference: Pair
}

const of = (f: (x: ReadonlyArray<number>) => Pair) => (p: Parameters) => f(numbers(p))
const sum = (xs: ReadonlyArray<number>): number => xs.reduce((s, x) => s + x, 0)
const rest = (x: ReadonlyArray<number>): number => 1 + (9 * sum(x.slice(1))) / (x.length - 1)

const problems: ReadonlyArray<Problem> = [
  {
    name: "zdt1-6",
    dimensions: cube(6, 0, 1),
    losses: of((x) => [x[0]!, rest(x) * (1 - Math.sqrt(x[0]! / rest(x)))]),
    reference: [1.1, 6],
  },
  {
    name: "zdt2-6",
    dimensions: cube(6, 0, 1),
    losses: of((x) => [x[0]!, rest(x) * (1 - (x[0]! / rest(x)) ** 2)]),
    reference: [1.1, 6],
  },
  {
    name: "fonseca-3",
    dimensions: cube(3, -4, 4),
    losses: of((x) => [
      1 - Math.exp(-sum(x.map((v) => (v - 1 / Math.sqrt(3)) ** 2))),
      1 - Math.exp(-sum(x.map((v) => (v + 1 / Math.sqrt(3)) ** 2))),
    ]),
    reference: [1.1, 1.1],
  },
  {
    name: "kursawe-3",
    dimensions: cube(3, -5, 5),
    losses: of((x) => [
      sum(x.slice(1).map((v, i) => -10 * Math.exp(-0.2 * Math.hypot(x[i]!, v)))),
      sum(x.map((v) => Math.abs(v) ** 0.8 + 5 * Math.sin(v ** 3))),
    ]),
    reference: [-10, 5],
  },
  {
    name: "finetune (loss, cost)",
    dimensions: finetuneSpace,
    losses: (p) => [
      Math.log(finetune(p)),
      Math.log2((p["epochs"] as number) * (1 + (p["rank"] as number) / 32) * (p["variant"] === "full" ? 4 : 1)),
    ],
    reference: [1.5, 6],
  },
]

const metrics = ["first", "second"].map((name) => new Metric({ name, goal: "minimize", summary: "last", target: null }))
const counts = [50, 100]

const ours = (
  method: "nsga2" | "ehvi" | "random",
  { dimensions, losses }: Problem,
  seed: number,
): ReadonlyArray<Pair> => {
  const sampler = samplers[method]({ space: spaceOf({ dimensions }), metric: metrics[0]!, metrics, seed })
  const history: Array<Observation> = []
  const found: Array<Pair> = []
  for (let number = 1; number <= counts.at(-1)!; number++) {
    const suggestion = sampler.suggest(history, number)
    if (suggestion._tag !== "Suggested") break
    const { parameters } = suggestion
    const [first, second] = losses(parameters)
    found.push([first, second])
    history.push({ number, parameters, outcome: "completed", objective: first, values: { first, second } })
  }
  return found
}

const optuna = await startOptuna()
const theirs = async (sampler: "tpe" | "nsga2", { dimensions, losses }: Problem, seed: number) => {
  await optuna.study(sampler, seed, dimensions, 2)
  const found: Array<Pair> = []
  for (let number = 1; number <= counts.at(-1)!; number++) {
    const { parameters } = await optuna.ask()
    found.push(losses(parameters))
    await optuna.tell(found.at(-1)!)
  }
  return found
}

/** The most there is, as far as 20,000 draws and everything that any search has found tell. */
const mostOf = ({ dimensions, losses, reference }: Problem, found: ReadonlyArray<Pair>): number => {
  const space = compileSpace(spaceOf({ dimensions }))
  const from = random(1, 0, "pareto")
  const drawn = Array.from({ length: 20_000 }, () =>
    losses(space.decode(Float64Array.from(space.axes, () => from.uniform()))!),
  )
  return hypervolume([...drawn, ...found], reference)
}

const mean = (xs: ReadonlyArray<number>): number => xs.reduce((s, x) => s + x, 0) / xs.length
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + Number(values.from))
const sides = ["ehvi", "nsga2", "random", "Optuna's tpe", "Optuna's nsga2"] as const
const rows: Array<{ readonly problem: string; readonly missing: Record<string, ReadonlyArray<number>> }> = []
const gaps: Array<number> = []
for (const problem of problems) {
  const runs = new Map<string, ReadonlyArray<ReadonlyArray<Pair>>>()
  for (const side of sides) {
    const found: Array<ReadonlyArray<Pair>> = []
    for (const seed of seeds) {
      found.push(
        side === "Optuna's tpe"
          ? await theirs("tpe", problem, seed)
          : side === "Optuna's nsga2"
            ? await theirs("nsga2", problem, seed)
            : ours(side, problem, seed),
      )
    }
    runs.set(side, found)
  }
  const most = mostOf(problem, Array.from(runs.values()).flat(2))
  const missing = Object.fromEntries(
    Array.from(runs, ([side, found]) => [
      side,
      counts.map((n) => mean(found.map((points) => 1 - hypervolume(points.slice(0, n), problem.reference) / most))),
    ]),
  )
  rows.push({ problem: problem.name, missing })
  counts.forEach((_, c) => gaps.push(Math.log10((missing["ehvi"]![c]! + 1e-4) / (missing["Optuna's tpe"]![c]! + 1e-4))))
  console.log(
    `${problem.name.padEnd(22)} ${sides.map((side) => `${side} ${missing[side]!.map((x) => (100 * x).toFixed(1)).join(" → ")} %`).join(", ")}`,
  )
}
optuna.close()
const behind = (side: "ehvi" | "nsga2") =>
  rows.filter(({ missing }) => missing[side]!.at(-1)! > missing["Optuna's tpe"]!.at(-1)!).map(({ problem }) => problem)
console.log(
  JSON.stringify({
    name: "pareto",
    seeds: seeds.length,
    // Of what Optuna's default leaves to what ours leaves, geometric mean over problems and numbers of trials.
    ratio: Number((10 ** -mean(gaps)).toFixed(3)),
    ehvi_behind: behind("ehvi"),
    nsga2_behind: behind("nsga2"),
    ok: behind("ehvi").length === 0,
  }),
)
