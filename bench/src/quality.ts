// How good the samplers are: ours against Optuna's on the test functions (simple regret after 25, 50, 100 and 200
// trials) and on the real response table, the same seeds for both; then the default against Optuna's default, family by
// family, on functions of further kinds (families.ts). `node bench/src/quality.ts [--seeds 20] [--from 1]
// [--methods random,tpe,cmaes,gp] [--function NAME] [--family-seeds 20] [--families-only] [--fresh]`; the last line of
// stdout is one JSON object.
// Optuna's side is read from bench/data (made with the pinned version; `--fresh` runs it again); 20 seeds of ours take
// a few minutes.
import { parseArgs } from "node:util"
import { chooseMethod } from "@sweep/domain/chooseMethod"
import { random } from "@sweep/search/Random"
import { samplers } from "@sweep/search/samplerFor"
import { families } from "./families.ts"
import { functions, type TestFunction } from "./functions.ts"
import { type Optuna, type OptunaSampler, startOptuna } from "./optuna.ts"
import { runOurs } from "./ours.ts"
import { tableFunction } from "./responseTable.ts"
import { checkpoints, keyOf, load, runOptuna, save } from "./traces.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    from: { type: "string", default: "1" },
    methods: { type: "string", default: "random,tpe,cmaes,gp" },
    function: { type: "string" },
    "family-seeds": { type: "string", default: "20" },
    "families-only": { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
  },
})
const optunaVersion = "5.0.0"
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + Number(values.from))

const all = [...functions, ...tableFunction()].filter(({ name }) => name.includes(values.function ?? ""))

let optuna: Optuna | undefined
const traces = load()
/** Regrets of Optuna's, from the traces or by running it; `null` where there is none to be had quickly. */
const theirs = async (
  sampler: OptunaSampler,
  f: TestFunction,
  seed: number,
  trials = 200,
): Promise<ReadonlyArray<number> | null> => {
  const key = keyOf(optunaVersion, sampler, f, seed)
  if (!values.fresh && traces[key] !== undefined) return traces[key]
  // Its GP takes minutes per function and seed under `--fresh` only.
  if (!values.fresh && sampler === "gp") return null
  optuna ??= await startOptuna()
  traces[key] = await runOptuna(optuna, sampler, f, seed, sampler === "gp" ? 50 : trials)
  save(traces)
  return traces[key]
}

/** Regret on a scale on which functions can be averaged: decades, against what random search has after 25 trials. */
const scoreOf = (regret: number, scale: number): number => Math.log10(regret / scale + 1e-3)

const mean = (xs: ReadonlyArray<number>): number => xs.reduce((sum, x) => sum + x, 0) / xs.length

/**
 * 95 % interval of the mean over functions (bootstrap, 2,000 draws). What is drawn again is the seed, for all functions
 * at once: one seed means the same first draws on every function of as many dimensions.
 */
const interval = (groups: ReadonlyArray<ReadonlyArray<number>>): readonly [number, number] => {
  const from = random(1, 0, "bootstrap")
  const most = Math.max(...groups.map((group) => group.length))
  const draws = Array.from({ length: 2_000 }, () => {
    const drawn = Array.from({ length: most }, () => from.index(most))
    return mean(groups.map((group) => mean(drawn.map((i) => group[i % group.length]!))))
  }).sort((a, b) => a - b)
  return [draws[50]!, draws[1_949]!]
}

interface Comparison {
  readonly ours: string
  readonly theirs: string
  readonly functions: number
  readonly seeds: number
  /** By number of trials: mean difference in decades of regret (negative: ours is better), its interval, wins. */
  readonly at: Record<
    number,
    { readonly difference: number; readonly interval: readonly [number, number]; readonly wins: number }
  >
  readonly overall: number
  readonly interval: readonly [number, number]
}

/** Our GP is compared twice, with Optuna's GP up to 50 trials and with Optuna's default up to 100: one run serves both. */
const ourTrials = (method: keyof typeof samplers): number => (method === "gp" ? 100 : 200)
const ourRegrets = new Map<string, ReadonlyArray<number>>()
const oursOf = (method: keyof typeof samplers, f: TestFunction, seed: number): ReadonlyArray<number> => {
  const key = `${method} ${f.name} ${seed}`
  const known = ourRegrets.get(key) ?? runOurs(samplers[method], f, seed, ourTrials(method))
  ourRegrets.set(key, known)
  return known
}

const compare = async (method: keyof typeof samplers, sampler: OptunaSampler, trials: number): Promise<Comparison> => {
  const counted = checkpoints.filter((n) => n <= trials)
  const differences = counted.map((): Array<Array<number>> => [])
  const wins = counted.map((): Array<number> => [])
  let most = 0
  console.log(
    `\n${method} against Optuna's ${sampler}, log₁₀ regret (ours; difference) after ${counted.join(", ")} trials`,
  )
  for (const f of all) {
    const baseline: Array<number> = []
    for (const seed of seeds) baseline.push((await theirs("random", f, seed))![0]!)
    const scale = baseline.sort((a, b) => a - b)[Math.floor(baseline.length / 2)]! || 1e-9
    const pairs: Array<{ readonly mine: ReadonlyArray<number>; readonly other: ReadonlyArray<number> }> = []
    for (const seed of seeds) {
      const other = await theirs(sampler, f, seed)
      if (other !== null) pairs.push({ mine: oursOf(method, f, seed), other })
    }
    if (pairs.length === 0) continue
    most = Math.max(most, pairs.length)
    const cells = counted.map((_, c) => {
      const difference = pairs.map(({ mine, other }) => scoreOf(mine[c]!, scale) - scoreOf(other[c]!, scale))
      differences[c]!.push(difference)
      wins[c]!.push(mean(pairs.map(({ mine, other }) => (mine[c]! < other[c]! ? 1 : mine[c]! === other[c]! ? 0.5 : 0))))
      return `${mean(pairs.map(({ mine }) => scoreOf(mine[c]!, scale)))
        .toFixed(2)
        .padStart(6)} (${mean(difference).toFixed(2).padStart(5)})`
    })
    console.log(`  ${f.name.padEnd(26)} ${cells.join("  ")}   ${pairs.length} seeds`)
  }
  const at = Object.fromEntries(
    counted.map((n, c) => {
      const [low, high] = interval(differences[c]!)
      const difference = mean(differences[c]!.map(mean))
      console.log(
        `  after ${n}: ${difference.toFixed(3)} decades [${low.toFixed(3)}, ${high.toFixed(3)}], better in ${(100 * mean(wins[c]!)).toFixed(0)} %`,
      )
      return [n, { difference, interval: [low, high] as const, wins: mean(wins[c]!) }]
    }),
  )
  const pooled = differences[0]!.map((_, f) =>
    differences[0]![f]!.map((__, s) => mean(differences.map((d) => d[f]![s]!))),
  )
  const overall = mean(pooled.map(mean))
  const [low, high] = interval(pooled)
  console.log(`  all: ${overall.toFixed(3)} decades [${low.toFixed(3)}, ${high.toFixed(3)}]`)
  return { ours: method, theirs: sampler, functions: pooled.length, seeds: most, at, overall, interval: [low, high] }
}

interface FamilyFigures {
  readonly family: string
  readonly functions: number
  readonly seeds: number
  readonly difference: number
  readonly interval: readonly [number, number]
}

/** The default against Optuna's default after 25, 50 and 100 trials, averaged within each family. */
const compareFamilies = async (): Promise<ReadonlyArray<FamilyFigures>> => {
  const counted = checkpoints.filter((n) => n <= 100)
  const several = Array.from({ length: Number(values["family-seeds"]) }, (_, i) => i + Number(values.from))
  console.log(`\nthe default against Optuna's default, log₁₀ regret (difference) after ${counted.join(", ")} trials`)
  const found: Array<FamilyFigures> = []
  for (const [family, members] of Map.groupBy(families, (f) => f.family!)) {
    const differences: Array<ReadonlyArray<number>> = []
    for (const f of members.filter(({ name }) => name.includes(values.function ?? ""))) {
      const method = chooseMethod({ dimensions: f.dimensions.length, trials: 100, objectives: 1, earlyTerminate: null })
      const baseline: Array<number> = []
      for (const seed of several) baseline.push((await theirs("random", f, seed, 25))![0]!)
      const scale = baseline.sort((a, b) => a - b)[Math.floor(baseline.length / 2)]! || 1e-9
      const pairs: Array<{ readonly mine: ReadonlyArray<number>; readonly other: ReadonlyArray<number> }> = []
      for (const seed of several) {
        const other = (await theirs("tpe", f, seed, 100))!
        pairs.push({ mine: oursOf(method.method, f, seed), other })
      }
      const byCount = counted.map((_, c) =>
        pairs.map(({ mine, other }) => scoreOf(mine[c]!, scale) - scoreOf(other[c]!, scale)),
      )
      differences.push(pairs.map((_, i) => mean(byCount.map((one) => one[i]!))))
      console.log(
        `  ${family.padEnd(24)} ${f.name.padEnd(30)} ${byCount.map((one) => mean(one).toFixed(2).padStart(6)).join(" ")}`,
      )
    }
    if (differences.length === 0) continue
    const [low, high] = interval(differences)
    const difference = mean(differences.map(mean))
    console.log(`  ${family}: ${difference.toFixed(2)} decades [${low.toFixed(2)}, ${high.toFixed(2)}]`)
    found.push({
      family,
      functions: differences.length,
      seeds: several.length,
      difference: Number(difference.toFixed(3)),
      interval: [Number(low.toFixed(3)), Number(high.toFixed(3))],
    })
  }
  return found
}

const byFamily = await compareFamilies()
const noneBehind = byFamily.every(({ interval: [low] }) => low <= 0)
const familiesRatio = 10 ** -mean(byFamily.map(({ difference }) => difference))
if (values["families-only"]) {
  optuna?.close()
  const ratio = Number(familiesRatio.toFixed(3))
  console.log(JSON.stringify({ name: "quality", families_ratio: ratio, families: byFamily, ok: noneBehind }))
  process.exit(0)
}

const comparisons: Array<Comparison> = []
for (const method of values.methods.split(",") as Array<OptunaSampler>) {
  comparisons.push(await compare(method, method, method === "gp" ? 50 : 200))
}
// The default of a sweep file without `method` against the default of a study without `sampler`.
const standard = await compare("gp", "tpe", 100)
optuna?.close()

const round = (x: number) => Number(x.toFixed(3))
// At least as good: better on average, or not significantly worse.
const good = comparisons.every(({ overall, interval: [low] }) => overall <= 0 || low <= 0)
console.log(
  JSON.stringify({
    name: "quality",
    // Of Optuna's regret to ours, geometric mean over functions and numbers of trials, default against default.
    ratio: round(10 ** -standard.overall),
    default: { difference: round(standard.overall), interval: standard.interval.map(round) },
    comparisons: comparisons.map(({ ours, functions: count, seeds: n, overall, interval: ci }) => ({
      method: ours,
      functions: count,
      seeds: n,
      difference: round(overall),
      interval: ci.map(round),
    })),
    families_ratio: round(familiesRatio),
    families: byFamily,
    ok: good && standard.interval[1] < 0 && noneBehind,
  }),
)
