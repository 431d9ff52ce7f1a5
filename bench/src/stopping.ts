// What early stopping saves: the real response table replayed trial by trial, eight at a time, one epoch after the
// other, under each rule. `node bench/src/stopping.ts [--seeds 20]`; the last line of stdout is one JSON object. Counted
// are the epochs trained until a trial within 1 % of the table's best has been found, against those that running
// everything takes; a rule that stops all such trials has not found one. With `overfitting: stop` on top, the real
// diagnosis judges every curve as it grows.
import { diagnose } from "@sweep/diagnosis/diagnose"
import { shouldStop } from "@sweep/diagnosis/shouldStop"
import { curveFeatures } from "@sweep/domain/Curve"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import { canonicalText } from "@sweep/domain/Parameter"
import { asha, type AshaOptions } from "@sweep/search/Asha"
import { bohb } from "@sweep/search/Bohb"
import type { Observation } from "@sweep/search/History"
import { medianRule } from "@sweep/search/MedianRule"
import { type PopulationOptions, populationOf } from "@sweep/domain/population"
import { said } from "@sweep/domain/Reason"
import { exploitations } from "@sweep/search/PopulationBased"
import type { Sampler } from "@sweep/search/Sampler"
import { samplers } from "@sweep/search/samplerFor"
import type { Report, Stopper } from "@sweep/search/Stopper"
import { type Judge, stopOnVerdict } from "@sweep/search/StopOnVerdict"
import { neverPromotes, proceed } from "@sweep/search/Stopper"
import { wandbHyperband } from "@sweep/search/WandbHyperband"
import { parseArgs } from "node:util"
import { minimize } from "./ours.ts"
import {
  byParameters,
  evaluations,
  objectiveOf,
  type Point,
  read,
  tableSpace,
  type TableTrial,
} from "./responseTable.ts"
import { median } from "./median.ts"

const { values } = parseArgs({ options: { seeds: { type: "string", default: "20" } } })
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1)
const workers = 8

const table = read()
if (table === null) {
  console.error("bench/data/response-table.json.gz is missing; `node bench/src/makeResponseTable.ts` makes it")
  process.exit(1)
}
const space = tableSpace(table)
const trials = byParameters(table)
const objectives = table.trials.map(objectiveOf).filter(Number.isFinite)
const best = Math.min(...objectives)
const goodEnough = best * 1.01
const epochsOf = (trial: TableTrial): number => evaluations(trial).at(-1)?.epoch ?? 0
const everything = table.trials.reduce((sum, trial) => sum + epochsOf(trial), 0)
const longest = Math.max(...table.trials.map(epochsOf))

interface Running {
  readonly number: number
  trial: TableTrial
  points: ReadonlyArray<Point>
  /** Reports made. */
  done: number
  state: "running" | "paused" | "completed" | "stopped"
}

interface Outcome {
  /** Share of all epochs until a good trial was found; 1 when none was. */
  readonly share: number
  readonly found: boolean
  /** Share of all epochs when everything had been started and stopped. */
  readonly whole: number
}

const replay = (sampler: Sampler, rule: (all: ReadonlyMap<number, Running>) => Stopper): Outcome => {
  const all = new Map<number, Running>()
  const stopper = rule(all)
  const curves = new Map<number, Array<Report>>()
  const history: Array<Observation> = []
  let spent = 0
  let foundAt: number | undefined
  let exhausted = false
  const observe = ({ number, trial, state, points, done }: Running): void => {
    const seen = points.slice(0, done).map((point) => point.eval)
    const objective = seen.filter(Number.isFinite).reduce((min, loss) => Math.min(min, loss), Infinity)
    const ended = state === "completed" || state === "stopped"
    history[number - 1] = {
      number,
      parameters: trial.parameters,
      outcome: !ended ? "open" : Number.isFinite(objective) ? state : "failed",
      objective: ended && Number.isFinite(objective) ? objective : null,
      values: {},
    }
  }
  const start = (): Running | undefined => {
    // A paused trial that has earned it goes first.
    for (const number of stopper.promote(history, curves)) {
      const paused = all.get(number)!
      if (paused.state === "paused") {
        paused.state = "running"
        return paused
      }
    }
    if (exhausted) return undefined
    const suggestion = sampler.suggest(history, history.length + 1, curves)
    if (suggestion._tag !== "Suggested") {
      exhausted = true
      return undefined
    }
    const trial = trials.get(canonicalText(suggestion.parameters))
    // A point that the table lacks costs nothing and says nothing.
    const number = history.length + 1
    const running: Running = {
      number,
      trial: trial ?? {
        ...table.trials[0]!,
        parameters: suggestion.parameters,
        step: [],
        epoch: [],
        train_loss: [],
        eval_loss: [],
      },
      points: trial === undefined ? [] : evaluations(trial),
      done: 0,
      state: "running",
    }
    all.set(number, running)
    curves.set(number, [])
    observe(running)
    return running
  }
  // Workers take turns, an epoch each: what is asked of a rule is what it would be asked in a sweep of eight agents.
  const slots: Array<Running | undefined> = Array.from({ length: workers }, () => undefined)
  for (;;) {
    for (let w = 0; w < workers; w++) if (slots[w]?.state !== "running") slots[w] = start()
    if (slots.every((slot) => slot === undefined)) break
    for (const running of slots) {
      if (running === undefined) continue
      const point = running.points[running.done]
      if (point === undefined) {
        running.state = "completed"
        observe(running)
        continue
      }
      const before = running.done > 0 ? running.points[running.done - 1]!.epoch : 0
      spent += point.epoch - before
      running.done++
      if (point.eval <= goodEnough) foundAt ??= spent
      const report: Report = {
        trial: running.number,
        step: point.step,
        epoch: point.epoch,
        seconds: point.epoch,
        value: point.eval,
      }
      curves.get(running.number)!.push(report)
      const decision = stopper.decide(history, curves, report)
      if (running.done >= running.points.length) running.state = "completed"
      else if (decision._tag === "Stop") running.state = "stopped"
      else if (decision._tag === "Pause") running.state = "paused"
      observe(running)
    }
  }
  return { share: (foundAt ?? everything) / everything, found: foundAt !== undefined, whole: spent / everything }
}

const options = (change: Partial<AshaOptions>): AshaOptions => ({
  resource: "epoch",
  min_resource: 1,
  max_resource: longest,
  eta: 3,
  mode: "promote",
  brackets: 1,
  ...change,
})

const nothing: Stopper = { decide: () => proceed, promote: neverPromotes }
const rules: Readonly<Record<string, Stopper>> = {
  "run everything": nothing,
  asha: asha("minimize", "best", options({})),
  "asha, mode: stop": asha("minimize", "best", options({ mode: "stop" })),
  hyperband: asha("minimize", "best", options({ brackets: null })),
  "hyperband, mode: stop": asha("minimize", "best", options({ brackets: null, mode: "stop" })),
  "W&B hyperband": wandbHyperband("minimize", {
    min_iter: 1,
    max_iter: null,
    s: null,
    eta: 3,
    strict: true,
    action: "stop",
  }),
  median: medianRule("minimize", { resource: "epoch", min_resource: 1, min_trials: 5, percentile: 50, action: "stop" }),
}

const sweep = SweepId.make("table")
/** The verdict on the curve so far, as the coordinator asks for it at every evaluation. */
const judge =
  (all: ReadonlyMap<number, Running>): Judge =>
  (_, report) => {
    const { trial, points, done } = all.get(report.trial)!
    const features = curveFeatures(
      sweep,
      TrialNumber.make(report.trial),
      points.slice(0, done).map(({ step, eval: value }) => ({ step, value })),
      trial.step.flatMap((step, i) =>
        step <= report.step && trial.train_loss[i] !== null ? [{ step, value: Number(trial.train_loss[i]) }] : [],
      ),
    )
    const verdict = diagnose(features, {
      finished: false,
      parameters: trial.parameters,
      trainer: "peft",
      totalSteps: points.at(-1)!.step,
      metric: "eval/loss",
      goal: "minimize",
    })
    return shouldStop(verdict, "stop") ? { _tag: "Judged", verdict: verdict.kind, sinceStep: verdict.sinceStep } : null
  }

const methods: Readonly<Record<string, (seed: number) => Sampler>> = {
  random: (seed) => samplers.random({ space, metric: minimize, seed }),
  tpe: (seed) => samplers.tpe({ space, metric: minimize, seed }),
}

const round = (x: number): number => Number(x.toFixed(3))
const percent = (x: number): string => `${(100 * x).toFixed(1).padStart(5)} %`

interface Row {
  readonly method: string
  readonly rule: string
  readonly found: number
  readonly median: number
  readonly worst: number
  readonly whole: number
  /** Epochs of all trials together, mean over the seeds. */
  readonly epochs: number
}
const rows: Array<Row> = []
const row = (method: string, name: string, run: (seed: number) => Outcome): Row => {
  const outcomes = seeds.map(run)
  const shares = outcomes.map(({ share }) => share)
  const line: Row = {
    method,
    rule: name,
    found: outcomes.filter(({ found }) => found).length,
    median: round(median(shares)),
    worst: round(Math.max(...shares)),
    whole: round(median(outcomes.map(({ whole }) => whole))),
    epochs: round((everything * outcomes.reduce((sum, { whole }) => sum + whole, 0)) / outcomes.length),
  }
  rows.push(line)
  console.log(
    `${method.padEnd(7)} ${name.padEnd(30)} found in ${line.found} of ${seeds.length}   median ${percent(line.median)}   worst ${percent(line.worst)}   all trials ${percent(line.whole)}`,
  )
  return line
}

console.log(
  `${table.trials.length} trials, ${everything.toFixed(0)} epochs; best eval loss ${best}, ${objectives.filter((x) => x <= goodEnough).length} within 1 %`,
)
for (const [method, sampler] of Object.entries(methods)) {
  for (const [name, stopper] of Object.entries(rules)) {
    row(method, name, (seed) => replay(sampler(seed), () => stopper))
    if (name === "asha" || name === "hyperband") {
      row(method, `${name} + overfitting: stop`, (seed) =>
        replay(sampler(seed), (all) => stopOnVerdict(judge(all), stopper)),
      )
    }
  }
}
const bohbOptions = options({ brackets: null })
row("tpe", "bohb", (seed) =>
  replay(bohb({ space, metric: minimize, seed }, minimize, bohbOptions), () => asha("minimize", "best", bohbOptions)),
)

const populationRule: PopulationOptions = {
  resource: "epoch",
  interval: 1,
  population: workers,
  quantile: 0.25,
  resample_probability: 0.25,
  perturb: [0.8, 1.25],
  parameters: ["learning_rate", "dropout"],
}

/** Members wait for each other after every epoch, as the coordinator has them do. */
const populations =
  (seed: number) =>
  (all: ReadonlyMap<number, Running>): Stopper => {
    /** Members whose round is over. */
    const ready = new Set<number>()
    const endRound = (members: ReadonlyArray<Running>) => {
      const waiting = members.map(({ number, trial, points, done }) => ({
        trial: number,
        parameters: trial.parameters,
        value: points[done - 1]!.eval,
        mayGive: true,
      }))
      const round = Math.round(members[0]!.points[members[0]!.done - 1]!.epoch)
      const sweep = { space, metric: minimize, seed }
      for (const { trial, parameters } of exploitations(sweep, populationRule, waiting, round)) {
        // From here on the curve of its new parameters, as if the checkpoint it took over were theirs.
        const next = trials.get(canonicalText(parameters))
        if (next !== undefined) Object.assign(all.get(trial)!, { trial: next, points: evaluations(next) })
      }
      for (const { number } of members) ready.add(number)
    }
    return {
      decide: (_, __, { trial, epoch }) => {
        ready.delete(trial)
        return epoch !== null && Number.isInteger(epoch)
          ? { _tag: "Pause", reason: said("it waits for the others") }
          : proceed
      },
      promote: () => {
        for (const members of Map.groupBy(all.values(), ({ number }) =>
          populationOf(populationRule, number),
        ).values()) {
          const open = members.filter(({ state }) => state === "running" || state === "paused")
          const isWhole = members.length === workers && open.length > 0
          if (isWhole && open.every(({ state, number }) => state === "paused" && !ready.has(number))) endRound(open)
        }
        return Array.from(ready).sort((a, b) => a - b)
      },
    }
  }
row("random", "pbt", (seed) => replay(methods["random"]!(seed), populations(seed)))

const of = (rule: string): Row => rows.find((line) => line.method === "tpe" && line.rule === rule)!
const [halving, band] = [of("asha"), of("hyperband")]
const ok =
  [halving, band].every(
    ({ found, median: middle, worst }) => found === seeds.length && middle <= 1 / 3 && worst <= 1 / 3,
  ) && ["asha", "hyperband"].every((rule) => of(`${rule} + overfitting: stop`).epochs < of(rule).epochs)
console.log(
  JSON.stringify({
    name: "stopping",
    // How many times fewer epochs than running everything, median over the seeds, ASHA with TPE.
    ratio: round(1 / halving.median),
    epochs: everything,
    trials: table.trials.length,
    rows,
    ok,
  }),
)
