// How long a suggestion takes, ours against Optuna's in the same run: 6 parameters, one of them a choice, after 100,
// 1,000 and 10,000 finished trials. `node bench/src/suggest.ts [--repeats 31]`; the last line of stdout is one JSON
// object. Optuna's times are CPU time of the thread that suggests, which other load on the machine does not stretch; ours
// are time on the clock, as Node's thread time ticks too coarsely for less than a millisecond: load can only make ours
// look worse. Measured as a sweep runs: ask, tell, ask again, so that what either side caches counts; the first answer of
// a fresh sampler (a restarted coordinator) is printed beside it.
import { parseArgs } from "node:util"
import type { Observation } from "@sweep/search/History"
import type { SamplerFactory } from "@sweep/search/Sampler"
import { randomSearch } from "@sweep/search/RandomSearch"
import { samplers } from "@sweep/search/samplerFor"
import { functions, spaceOf } from "./functions.ts"
import { type OptunaSampler, startOptuna } from "./optuna.ts"
import { minimize } from "./ours.ts"
import { median } from "./median.ts"

const { values } = parseArgs({ options: { repeats: { type: "string", default: "31" } } })
const repeats = Number(values.repeats)

const f = functions.find(({ name }) => name === "finetune (mixed)")!
// Ranks and alphas as choices would make three: here they are integers, and the variant is the one choice.
const dimensions = f.dimensions.map((dimension) =>
  dimension.name === "rank" || dimension.name === "alpha"
    ? { ...dimension, distribution: { _tag: "IntUniform" as const, min: 4, max: 128 } }
    : dimension,
)
const space = spaceOf({ dimensions })

const finished = (n: number): Array<Observation> => {
  const draws = randomSearch({ space, metric: minimize, seed: 1 })
  return Array.from({ length: n }, (_, i): Observation => {
    const suggestion = draws.suggest([], i + 1)
    if (suggestion._tag !== "Suggested") throw new Error(suggestion._tag)
    const { parameters } = suggestion
    return { number: i + 1, parameters, outcome: "completed", objective: f.value(parameters), values: {} }
  })
}

interface Timing {
  readonly first: number
  readonly next: number
}

const ours = (factory: SamplerFactory, n: number): Timing => {
  // Once for nothing: the machine code is there, as it is in a coordinator that has been up for a minute.
  const history = finished(n)
  const warm = factory({ space, metric: minimize, seed: 2 })
  for (let i = 0; i < 50; i++) warm.suggest(history, n + 1 + i)
  const sampler = factory({ space, metric: minimize, seed: 3 })
  const times: Array<number> = []
  for (let i = 0; i <= repeats; i++) {
    const number = history.length + 1
    const before = performance.now()
    const suggestion = sampler.suggest(history, number)
    times.push(performance.now() - before)
    if (suggestion._tag !== "Suggested") throw new Error(suggestion._tag)
    const { parameters } = suggestion
    history.push({ number, parameters, outcome: "completed", objective: f.value(parameters), values: {} })
  }
  return { first: times[0]!, next: median(times.slice(1)) }
}

const optuna = await startOptuna()
const theirs = async (sampler: OptunaSampler, n: number): Promise<Timing> => {
  await optuna.study(sampler, 3, dimensions)
  await optuna.add(finished(n).map(({ parameters, objective }) => ({ parameters, value: objective! })))
  const times: Array<number> = []
  for (let i = 0; i <= repeats; i++) {
    const { parameters, seconds } = await optuna.ask()
    times.push(seconds * 1000)
    await optuna.tell(f.value(parameters))
  }
  return { first: times[0]!, next: median(times.slice(1)) }
}

const ms = (x: number) => Number(x.toPrecision(3))
const rows: Array<Record<string, unknown>> = []
const row = async (sampler: "tpe" | "gp", n: number, against: boolean) => {
  const us = ours(samplers[sampler], n)
  const them = against ? await theirs(sampler, n) : null
  const line = {
    sampler,
    trials: n,
    ms: ms(us.next),
    first_ms: ms(us.first),
    optuna_ms: them === null ? null : ms(them.next),
    optuna_first_ms: them === null ? null : ms(them.first),
    ratio: them === null ? null : ms(them.next / us.next),
  }
  rows.push(line)
  console.log(
    `${sampler} ${String(n).padStart(6)}  ${line.ms} ms (first ${line.first_ms} ms)` +
      (them === null ? "" : `   Optuna ${line.optuna_ms} ms   ${line.ratio}×`),
  )
  return { us, them }
}

await row("tpe", 100, true)
const thousand = await row("tpe", 1_000, true)
const tenThousand = await row("tpe", 10_000, true)
const gp = await row("gp", 100, true)
// Optuna's takes the better part of a minute here; ours knows at most 250 trials.
await row("gp", 1_000, false)
await row("gp", 10_000, false)
optuna.close()

const ratio = { tpe_1000: thousand.them!.next / thousand.us.next, gp_100: gp.them!.next / gp.us.next }
const ok = ratio.tpe_1000 >= 20 && tenThousand.us.next < 15 && gp.them!.next / gp.us.next >= 10
console.log(
  JSON.stringify({
    name: "suggest",
    ratio: ms(ratio.tpe_1000),
    gp_ratio: ms(ratio.gp_100),
    tpe_10000_ms: ms(tenThousand.us.next),
    optuna: optuna.version,
    rows,
    ok,
  }),
)
