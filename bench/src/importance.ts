// Whether the importance of parameters is what it is said to be: functions whose truth is known (Sobol's total indices over
// the space, from 4,096 draws) after trials that a random search, a Parzen estimator or a Gaussian process chose. Printed
// by sampler: the rank correlation with the truth, beside Optuna's fANOVA and PED-ANOVA of the same trials; how often the
// most important parameter is found and said to matter; how often one that does nothing is said to; and how often the 90 %
// intervals hold. `node bench/src/importance.ts [--seeds 10] [--from 1] [--trials 20,60] [--samplers random,tpe,gp]`.
import { parseArgs } from "node:util"
import { analyseImportance } from "@sweep/diagnosis/importance"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import type { Parameters } from "@sweep/domain/Parameter"
import { foldFacts } from "@sweep/domain/SweepState"
import { sampled } from "@sweep/domain/Origin"
import type { Observation } from "@sweep/search/History"
import { random } from "@sweep/search/Random"
import { samplers } from "@sweep/search/samplerFor"
import { compileSpace } from "@sweep/search/Space"
import {
  cube,
  finetune,
  finetuneSpace,
  hartmann6,
  list,
  log,
  observedValue,
  spaceOf,
  type TestFunction,
  uniform,
} from "./functions.ts"
import { startOptuna } from "./optuna.ts"
import { minimize } from "./ours.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10" },
    from: { type: "string", default: "1" },
    trials: { type: "string", default: "20,60" },
    samplers: { type: "string", default: "random,tpe,gp" },
  },
})

const at = (p: Parameters, name: string): number => p[name] as number

/** Each has parameters that do nothing. */
const functions: ReadonlyArray<TestFunction> = [
  {
    name: "valley",
    dimensions: [log("rate", 1e-5, 1e-1), ...cube(5, 0, 1)],
    value: (p) => 0.3 * (Math.log10(at(p, "rate")) + 3) ** 2 + 0.8 * (at(p, "x1") - 0.3) ** 2 + 0.2 * at(p, "x2"),
    optimum: 0,
    noise: 0.05,
  },
  {
    name: "pure interaction",
    dimensions: cube(6, -1, 1),
    value: (p) => at(p, "x1") * at(p, "x2") + 0.3 * at(p, "x3"),
    optimum: -1.3,
    noise: 0.05,
  },
  {
    name: "choices",
    dimensions: [
      list("kind", "a", "b", "c", "d"),
      list("size", 2, 4, 8, 16, 32),
      list("flag", "on", "off"),
      list("idle", "x", "y", "z"),
      uniform("drop", 0, 0.5),
      uniform("still", 0, 1),
    ],
    value: (p) =>
      ({ a: 0, b: 0.5, c: 0.2, d: 0.9 })[p["kind"] as string]! +
      0.15 * Math.abs(Math.log2(at(p, "size")) - 3) +
      (p["flag"] === "on" && p["kind"] === "b" ? -0.4 : 0) +
      0.5 * (at(p, "drop") - 0.1) ** 2,
    optimum: 0,
    noise: 0.05,
  },
  {
    name: "hartmann-6 of 9",
    dimensions: cube(9, 0, 1),
    value: (p) => hartmann6([1, 2, 3, 4, 5, 6].map((k) => at(p, `x${k}`))),
    optimum: -3.32,
    noise: 0.05,
  },
  {
    name: "finetune of 8",
    dimensions: [...finetuneSpace, uniform("idle1", 0, 1), log("idle2", 1e-4, 1)],
    value: finetune,
    optimum: 1.03,
    noise: 0.02,
  },
]

/** Sobol's total indices over the space. */
const truthOf = (f: TestFunction): ReadonlyMap<string, number> => {
  const space = compileSpace(spaceOf(f))
  const d = space.axes.length
  const from = random(3, 0, "truth")
  const count = 4_096
  const point = () => Float64Array.from({ length: d }, () => from.uniform())
  const here = Array.from({ length: count }, point)
  const there = Array.from({ length: count }, point)
  const value = (u: Float64Array) => f.value(space.decode(u)!)
  const a = here.map(value)
  const mean = a.reduce((sum, y) => sum + y, 0) / count
  const variance = a.reduce((sum, y) => sum + (y - mean) ** 2, 0) / count
  return new Map(
    space.axes.map(({ name }, k) => {
      const left = here.reduce((sum, u, i) => {
        const moved = Float64Array.from(u)
        moved[k] = there[i]![k]!
        return sum + (a[i]! - value(moved)) ** 2
      }, 0)
      return [name, left / (2 * count * variance)]
    }),
  )
}

const sweep = SweepId.make("importance")
const stateOf = (trials: ReadonlyArray<Observation>) =>
  foldFacts([
    { _tag: "SweepSubmitted", at: 0, sweep, spec: exampleSpec(), versions: {} },
    ...trials.flatMap(({ number, parameters, objective }): ReadonlyArray<Fact> => {
      const of = { sweep, trial: TrialNumber.make(number) }
      const epoch = Epoch.make(number)
      return [
        { _tag: "TrialCreated", at: 1, ...of, parameters, seed: 0, revision: 1, origin: sampled },
        { _tag: "TrialAssigned", at: 2, ...of, epoch, attempt: 1, agent: AgentId.make("a"), slot: 0 },
        { _tag: "TrialCompleted", at: 3, ...of, epoch, objective, step: 1, values: {} },
      ]
    }),
  ]).get(sweep)!

const search = (method: keyof typeof samplers, f: TestFunction, seed: number, trials: number) => {
  const sampler = samplers[method]({ space: spaceOf(f), metric: minimize, seed })
  const history: Array<Observation> = []
  for (let number = 1; number <= trials; number++) {
    const suggestion = sampler.suggest(history, number)
    if (suggestion._tag !== "Suggested") break
    const { parameters } = suggestion
    const objective = observedValue(f, parameters, seed, number)
    history.push({ number, parameters, outcome: "completed", objective, values: {} })
  }
  return history
}

const mean = (xs: ReadonlyArray<number>): number => xs.reduce((sum, x) => sum + x, 0) / Math.max(1, xs.length)

const ranks = (xs: ReadonlyArray<number>): ReadonlyArray<number> =>
  xs.map((x) => xs.filter((y) => y < x).length + (xs.filter((y) => y === x).length - 1) / 2)

const correlation = (xs: ReadonlyArray<number>, ys: ReadonlyArray<number>): number => {
  const [a, b] = [ranks(xs), ranks(ys)]
  const [ma, mb] = [mean(a), mean(b)]
  const top = a.reduce((sum, x, i) => sum + (x - ma) * (b[i]! - mb), 0)
  const under = Math.sqrt(a.reduce((s, x) => s + (x - ma) ** 2, 0) * b.reduce((s, y) => s + (y - mb) ** 2, 0))
  return under === 0 ? 0 : top / under
}

/** A total index below this is that of a parameter that does nothing. */
const idle = 1e-3

interface Figures {
  readonly ours: Array<number>
  readonly fanova: Array<number>
  readonly ped: Array<number>
  readonly first: Array<number>
  readonly firstFanova: Array<number>
  readonly firstPed: Array<number>
  readonly detected: Array<number>
  readonly falsely: Array<number>
  readonly held: Array<number>
}

const optuna = await startOptuna()
const truths = new Map(functions.map((f) => [f.name, truthOf(f)]))
const bySampler = new Map<string, Figures>()
const fresh = (): Figures => ({
  ours: [],
  fanova: [],
  ped: [],
  first: [],
  firstFanova: [],
  firstPed: [],
  detected: [],
  falsely: [],
  held: [],
})
for (const method of values.samplers.split(",") as Array<keyof typeof samplers>) {
  for (const trials of values.trials.split(",").map(Number)) {
    const key = `${method}, ${trials} trials`
    const figures = fresh()
    bySampler.set(key, figures)
    for (const f of functions) {
      const truth = truths.get(f.name)!
      const names = [...truth.keys()]
      const expected = names.map((name) => truth.get(name)!)
      const top = names[expected.indexOf(Math.max(...expected))]!
      const own: Array<number> = []
      for (let seed = Number(values.from); seed < Number(values.from) + Number(values.seeds); seed++) {
        const history = search(method, f, seed, trials)
        const found = analyseImportance(stateOf(history))
        if (found._tag !== "Known") continue
        const by = new Map(found.parameters.map((one) => [one.parameter, one]))
        const score = (shares: ReadonlyMap<string, number>) =>
          correlation(
            names.map((name) => shares.get(name) ?? 0),
            expected,
          )
        const leads = (shares: ReadonlyMap<string, number>) =>
          Number(names.every((name) => name === top || (shares.get(name) ?? 0) < (shares.get(top) ?? 0)))
        const ours = new Map(found.parameters.map((one) => [one.parameter, one.share]))
        figures.ours.push(score(ours))
        own.push(score(ours))
        figures.first.push(leads(ours))
        figures.detected.push(Number(by.get(top)?.finding === "matters"))
        for (const name of names) {
          if (truth.get(name)! < idle) figures.falsely.push(Number(by.get(name)?.finding === "matters"))
          else {
            const [low, high] = by.get(name)?.interval ?? [0, 0]
            figures.held.push(Number(truth.get(name)! >= low - 0.01 && truth.get(name)! <= high + 0.01))
          }
        }
        await optuna.study("random", seed, f.dimensions)
        await optuna.add(history.map(({ parameters, objective }) => ({ parameters, value: objective! })))
        const theirs = await optuna.importance()
        const fanova = new Map(Object.entries(theirs.fanova))
        const ped = new Map(Object.entries(theirs.ped_anova))
        figures.fanova.push(score(fanova))
        figures.ped.push(score(ped))
        figures.firstFanova.push(leads(fanova))
        figures.firstPed.push(leads(ped))
      }
      console.log(`  ${key.padEnd(18)} ${f.name.padEnd(18)} rank correlation ${mean(own).toFixed(2)}`)
    }
    const percent = (xs: ReadonlyArray<number>) => `${(100 * mean(xs)).toFixed(1)} %`
    console.log(
      `${key}: rank correlation ours ${mean(figures.ours).toFixed(2)}, fANOVA ${mean(figures.fanova).toFixed(2)}, ` +
        `PED-ANOVA ${mean(figures.ped).toFixed(2)}; the most important one first ${percent(figures.first)} ` +
        `(${percent(figures.firstFanova)}, ${percent(figures.firstPed)}), said to matter ${percent(figures.detected)}; ` +
        `false findings ${percent(figures.falsely)} of ${figures.falsely.length}; 90 % intervals hold ${percent(figures.held)}`,
    )
  }
}
optuna.close()

const round = (x: number): number => Number(x.toFixed(3))
const rows = Array.from(bySampler, ([sampler, one]) => ({
  sampler,
  ours: round(mean(one.ours)),
  fanova: round(mean(one.fanova)),
  ped_anova: round(mean(one.ped)),
  first: round(mean(one.first)),
  said_to_matter: round(mean(one.detected)),
  false_findings: round(mean(one.falsely)),
  intervals_hold: round(mean(one.held)),
}))
const overall = (name: "ours" | "fanova" | "ped_anova") => round(mean(rows.map((row) => row[name])))
console.log(
  JSON.stringify({
    name: "importance",
    ours: overall("ours"),
    fanova: overall("fanova"),
    ped_anova: overall("ped_anova"),
    rows,
    ok:
      rows.every((row) => row.false_findings <= 0.05) &&
      overall("ours") > Math.max(overall("fanova"), overall("ped_anova")),
  }),
)
