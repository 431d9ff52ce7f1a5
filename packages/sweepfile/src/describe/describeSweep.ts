// What a sweep file means, as plain values for `sweep check`: its dimensions, how many trials there are, what they cost
// and what is odd about it. Owns the description and its text; what needs a sampler (the first trials, the size, the
// conditions that never hold) is given by the caller.
import type { SharedSteps } from "@sweep/domain/beginning"
import type { Distribution } from "@sweep/domain/Distribution"
import { outcomeText } from "@sweep/domain/OutcomeConstraint"
import { canonicalText, type Parameters, type ParameterValue } from "@sweep/domain/Parameter"
import type { MethodReason } from "@sweep/domain/Method"
import { plannedRuns } from "@sweep/domain/plannedRuns"
import type { SweepSpec, Trainer } from "@sweep/domain/SweepSpec"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import { type PlannedPopulation, plannedPopulation, populationText } from "./plannedPopulation.ts"
import { plannedSharing } from "./plannedSharing.ts"
import type { SpecProblem } from "../parse/SpecProblem.ts"

export interface SamplerView {
  /** Sets of parameters in all; `null` when there is no end. */
  readonly size: number | null
  /** What the sampler tries first, before anything has a result. */
  readonly firstTrials: ReadonlyArray<Parameters>
  /** Every set of the sweep, in this order, the enqueued ones first; `null` where that depends on results, or is too much. */
  readonly order: ReadonlyArray<Parameters> | null
  /** Parameters whose condition was false in every draw. */
  readonly neverActive: ReadonlyArray<string>
}

export interface SweepDescription {
  readonly name: string
  readonly description: string
  readonly trainer: Trainer
  readonly model: string | null
  readonly command: ReadonlyArray<string> | null
  readonly data: {
    readonly train: { readonly path: string; readonly records: number }
    readonly eval: { readonly path: string; readonly records: number }
  } | null
  readonly metric: { readonly name: string; readonly goal: string; readonly target: number | null }
  /** Objectives beside it. */
  readonly further: ReadonlyArray<{ readonly name: string; readonly goal: "minimize" | "maximize" }>
  readonly method: string
  /** Why it was chosen; `null` where the file names it. */
  readonly methodBecause: MethodReason | null
  readonly dimensions: ReadonlyArray<{
    readonly name: string
    readonly takes: string
    /** How many different values; `null` when there is no end. */
    readonly values: number | null
    readonly when: string | null
  }>
  readonly derived: ReadonlyArray<{ readonly name: string; readonly expression: string; readonly when: string | null }>
  readonly constraints: ReadonlyArray<string>
  /** Limits on what trials report. */
  readonly outcomes: ReadonlyArray<string>
  /** Sets of parameters; `null`: endless. */
  readonly size: number | null
  readonly replicas: number
  /** Variables of the agent's environment that trainers are given. */
  readonly secrets: ReadonlyArray<string>
  readonly earlyTerminate: string | null
  readonly overfitting: "flag" | "stop"
  readonly budget: { readonly trials: number | null; readonly gpuHours: number | null; readonly hours: number | null }
  /**
   * At most, without early stopping: runs, and optimiser steps and training examples of all runs together, estimated
   * from the first trials. `null`: no end, or not known.
   */
  readonly cost: { readonly runs: number | null; readonly steps: number | null; readonly examples: number | null }
  /** What need not be trained twice; `null`: nothing that shares its prefix, or not known before there are results. */
  readonly shared: SharedSteps | null
  /** `null`: it trains none. */
  readonly population: PlannedPopulation | null
  /** Earlier sweeps that teach the sampler. */
  readonly warmStart: ReadonlyArray<string>
  /** Whether results of the same runs in earlier sweeps are taken. */
  readonly reuse: boolean
  readonly enqueued: ReadonlyArray<Parameters>
  readonly firstTrials: ReadonlyArray<Parameters>
  /** Values given twice, and first trials that are the same. */
  readonly duplicates: ReadonlyArray<string>
  readonly neverActive: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
}

/** Six digits, as people write them: 2e-4, 0.01, 1250000. */
const number = (x: number): string => {
  const short = Number(x.toPrecision(6))
  const size = Math.abs(short)
  return size !== 0 && (size < 1e-3 || size >= 1e9) ? short.toExponential().replace("e+", "e") : String(short)
}
const value = (v: ParameterValue | undefined): string =>
  v === undefined ? "–" : typeof v === "number" ? number(v) : v === null ? "null" : String(v)

const takesOf = (d: Distribution): string => {
  switch (d._tag) {
    case "Constant":
      return `= ${value(d.value)}`
    case "Categorical": {
      const { values, probabilities } = d
      const shown = values.slice(0, 12).map((v, i) => {
        const p = probabilities?.[i]
        return p === undefined ? value(v) : `${value(v)} (${number(p * 100)} %)`
      })
      return shown.join(", ") + (values.length > shown.length ? `, … ${values.length} in all` : "")
    }
    case "IntUniform":
      return `integers ${d.min} … ${d.max}`
    case "Normal":
    case "LogNormal":
      return `${d._tag === "Normal" ? "normal" : "log-normal"}, mu ${number(d.mu)}, sigma ${number(d.sigma)}`
    case "QNormal":
    case "QLogNormal":
      return `${d._tag === "QNormal" ? "normal" : "log-normal"}, mu ${number(d.mu)}, sigma ${number(d.sigma)}, multiples of ${number(d.q)}`
    case "Beta":
      return `beta, a ${number(d.a)}, b ${number(d.b)}`
    case "QBeta":
      return `beta, a ${number(d.a)}, b ${number(d.b)}, multiples of ${number(d.q)}`
    default: {
      const scale = {
        Uniform: "",
        QUniform: "",
        LogUniform: ", log scale",
        QLogUniform: ", log scale",
        InvLogUniform: ", inverse log scale",
      }
      const step = "q" in d ? `, multiples of ${number(d.q)}` : ""
      return `${number(d.min)} … ${number(d.max)}${scale[d._tag]}${step}`
    }
  }
}

const valueCount = (d: Distribution): number | null => {
  switch (d._tag) {
    case "Constant":
      return 1
    case "Categorical":
      return new Set(d.values).size
    case "IntUniform":
      return d.max - d.min + 1
    case "QUniform":
    case "QLogUniform":
      return Math.round(d.max / d.q) - Math.round(d.min / d.q) + 1
    case "QBeta":
      return Math.round(1 / d.q) + 1
    default:
      return null
  }
}

const repeated = <T>(items: ReadonlyArray<T>, key: (item: T) => unknown): ReadonlyArray<T> => {
  const seen = new Set<unknown>()
  return items.filter((item) => {
    const has = seen.has(key(item))
    seen.add(key(item))
    return has
  })
}

const setText = (parameters: Parameters): string =>
  Object.entries(parameters)
    .map(([name, v]) => `${name} ${value(v)}`)
    .join(", ")

const duplicatesOf = (spec: SweepSpec, firstTrials: ReadonlyArray<Parameters>): ReadonlyArray<string> => {
  const values = spec.space.dimensions.flatMap(({ name, distribution }) =>
    distribution._tag === "Categorical"
      ? repeated(distribution.values, (v) => v).map((v) => `${name}: ${value(v)} is given twice`)
      : [],
  )
  const sets = [...spec.enqueue, ...firstTrials]
  return [...values, ...repeated(sets, canonicalText).map((set) => `tried twice: ${setText(set)}`)]
}

/** Optimiser steps of one run: ⌈⌈examples / batch size⌉ · epochs⌉, or `max_steps` when that is less. */
const stepsOf = (spec: SweepSpec, set: Parameters): number => {
  const of = (name: keyof typeof parameterDefaults): number | null => {
    const given = set[name] ?? parameterDefaults[name]
    return typeof given === "number" ? given : null
  }
  const examples = Math.min(spec.data.train.records, of("max_samples") ?? Infinity)
  const steps = Math.ceil(Math.ceil(examples / batchOf(set)) * (of("epochs") ?? 0))
  return Math.min(steps, of("max_steps") ?? Infinity)
}

const batchOf = (set: Parameters): number => Number(set["batch_size"] ?? parameterDefaults.batch_size)

/** The optimiser steps of every trial, as far as the first ones tell; `null` where they differ. */
const sameSteps = (spec: SweepSpec, { firstTrials }: SamplerView): number | null => {
  const steps = new Set([...spec.enqueue, ...firstTrials].map((set) => stepsOf(spec, set)))
  return steps.size === 1 ? Array.from(steps)[0]! : null
}

const costOf = (spec: SweepSpec, { size, firstTrials }: SamplerView): SweepDescription["cost"] => {
  const runs = plannedRuns(spec, size)
  const trained = [...spec.enqueue, ...firstTrials]
  if (runs === null || spec.trainer !== "peft" || trained.length === 0) return { runs, steps: null, examples: null }
  const perRun = (measure: (set: Parameters) => number): number =>
    trained.reduce((total, set) => total + measure(set), 0) / trained.length
  return {
    runs,
    steps: Math.round(runs * perRun((set) => stepsOf(spec, set))),
    examples: Math.round(runs * perRun((set) => stepsOf(spec, set) * batchOf(set))),
  }
}

const earlyText = (options: SweepSpec["earlyTerminate"]): string | null =>
  options === null
    ? null
    : Object.entries(options)
        .filter(([, option]) => option !== null)
        .map(([key, option]) =>
          key === "type" ? String(option) : `${key} ${typeof option === "string" ? option : JSON.stringify(option)}`,
        )
        .join(", ")

export const describeSweep = (
  spec: SweepSpec,
  view: SamplerView,
  warnings: ReadonlyArray<SpecProblem> = [],
): SweepDescription => ({
  name: spec.name,
  description: spec.description,
  trainer: spec.trainer,
  model: spec.model === "" ? null : spec.model,
  command: spec.command,
  data:
    spec.data.train.path === ""
      ? null
      : {
          train: { path: spec.data.train.path, records: spec.data.train.records },
          eval: { path: spec.data.eval.path, records: spec.data.eval.records },
        },
  further: (spec.metrics ?? []).slice(1).map(({ name, goal }) => ({ name, goal })),
  metric: { name: spec.metric.name, goal: spec.metric.goal, target: spec.metric.target },
  method: spec.method,
  methodBecause: spec.methodBecause ?? null,
  dimensions: spec.space.dimensions.map(({ name, distribution, when, prior }) => ({
    name,
    takes: prior === null ? takesOf(distribution) : `${takesOf(distribution)}; believed near ${number(prior.center)}`,
    values: valueCount(distribution),
    when,
  })),
  derived: spec.space.derived.map(({ name, expression, when }) => ({ name, expression, when })),
  constraints: spec.space.constraints,
  outcomes: (spec.outcomes ?? []).map(outcomeText),
  size: view.size,
  replicas: spec.replicas,
  secrets: spec.secrets ?? [],
  earlyTerminate: earlyText(spec.earlyTerminate),
  overfitting: spec.overfitting.action,
  budget: spec.budget,
  cost: costOf(spec, view),
  shared: view.order === null ? null : plannedSharing(spec, view.order, (set) => stepsOf(spec, set)),
  population: plannedPopulation(spec, sameSteps(spec, view)),
  warmStart: spec.warmStart ?? [],
  reuse: spec.reuse === true,
  enqueued: spec.enqueue,
  firstTrials: view.firstTrials,
  duplicates: duplicatesOf(spec, view.firstTrials),
  neverActive: view.neverActive,
  warnings: warnings.map(({ line, column, message }) => `${line}:${column}: ${message}`),
})

/** Columns as wide as their widest cell. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]!.length))) ?? []
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}`.trimEnd())
}

const trialTable = (trials: ReadonlyArray<Parameters>): ReadonlyArray<string> => {
  const names = [...new Set(trials.flatMap((trial) => Object.keys(trial)))]
  return table([
    ["", ...names],
    ...trials.map((trial, i) => [String(i + 1), ...names.map((name) => value(trial[name]))]),
  ])
}

const count = (n: number, one: string): string => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`

const budgetText = ({ trials, gpuHours, hours }: SweepDescription["budget"]): string =>
  [
    trials === null ? [] : [count(trials, "trial")],
    gpuHours === null ? [] : [count(gpuHours, "GPU hour")],
    hours === null ? [] : [count(hours, "hour")],
  ]
    .flat()
    .join(", ") || "none"

const costText = ({ runs, steps, examples }: SweepDescription["cost"]): string =>
  runs === null
    ? "no end"
    : [
        `at most ${count(runs, "run")}`,
        ...(steps === null ? [] : [`about ${count(steps, "optimiser step")}`]),
        ...(examples === null ? [] : [`${count(examples, "training example")}`]),
      ].join(", ")

const sharedText = ({ runs, steps, of }: SharedSteps): string =>
  runs === 0
    ? "nothing: the shorter runs are over before there is anything to resume from"
    : `${count(runs, "run")} ${runs === 1 ? "resumes" : "resume"} from ${runs === 1 ? "a shorter one" : "shorter ones"}: about ${steps.toLocaleString("en")} of ${count(of, "step")} ${steps === 1 ? "is" : "are"} not trained twice`

const methodReasons: Readonly<Record<MethodReason, string>> = {
  population: "members of a population change on the way, and teach nothing",
  rule: "the stopping rule is made for it",
  objectives: "there are several metrics",
  "few trials": "the trials are over before a model would begin",
  "many trials": "there are more than 1,000 trials",
  "many parameters": "there are more than 60 parameters",
  model: "the fewest trials to a good result",
}

/** What `sweep check` prints. */
export const renderDescription = (d: SweepDescription): string => {
  const facts: ReadonlyArray<ReadonlyArray<string>> = [
    ...(d.trainer === "external"
      ? [["trainer", "external: a program of yours asks for trials and tells their values"]]
      : [["model", d.model ?? "–"]]),
    ...(d.command === null ? [] : [["command", d.command.join(" ")]]),
    ...(d.data === null
      ? []
      : [
          ["train", `${d.data.train.path}, ${count(d.data.train.records, "record")}`],
          ["eval", `${d.data.eval.path}, ${count(d.data.eval.records, "record")}`],
        ]),
    [
      "metric",
      [
        `${d.metric.name}, ${d.metric.goal}${d.metric.target === null ? "" : `, until ${number(d.metric.target)}`}`,
        ...d.further.map(({ name, goal }) => `${name}, ${goal}`),
      ].join("; "),
    ],
    ["method", d.methodBecause === null ? d.method : `${d.method}, chosen: ${methodReasons[d.methodBecause]}`],
    ["size", d.size === null ? "endless" : count(d.size, "set") + " of parameters"],
    ...(d.replicas === 1 ? [] : [["seeds", `${d.replicas} runs of each`]]),
    ...(d.secrets.length === 0 ? [] : [["secrets", `${d.secrets.join(", ")}, from each agent's environment`]]),
    ["early stop", d.earlyTerminate ?? "none"],
    ["overfitting", d.overfitting],
    ...(d.warmStart.length === 0 ? [] : [["warm start", d.warmStart.join(", ")]]),
    ...(d.reuse ? [["reuse", "results of the same runs in earlier sweeps"]] : []),
    ["budget", budgetText(d.budget)],
    ["cost", costText(d.cost)],
    ...(d.shared === null ? [] : [["shared", sharedText(d.shared)]]),
    ...(d.population === null ? [] : [["population", populationText(d.population)]]),
  ]
  const when = (condition: string | null): string => (condition === null ? "" : `when ${condition}`)
  const sections: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    [
      "Parameters",
      table([
        ...d.dimensions.map((dimension) => [dimension.name, dimension.takes, when(dimension.when)]),
        ...d.derived.map((derived) => [derived.name, `= ${derived.expression}`, when(derived.when)]),
      ]),
    ],
    ["Constraints", d.constraints.map((text) => `  ${text}`)],
    ["Constraints on outcomes", d.outcomes.map((text) => `  ${text}`)],
    ["Enqueued", d.enqueued.length === 0 ? [] : trialTable(d.enqueued)],
    ["First trials", d.firstTrials.length === 0 ? [] : trialTable(d.firstTrials)],
    ["Never used", d.neverActive.map((name) => `  ${name}: its condition was false in every draw`)],
    ["Duplicates", d.duplicates.map((text) => `  ${text}`)],
    ["Warnings", d.warnings.map((text) => `  ${text}`)],
  ]
  return [
    [d.name, ...(d.description === "" ? [] : [d.description]), ...table(facts)].join("\n"),
    ...sections.filter(([, lines]) => lines.length > 0).map(([title, lines]) => [title, ...lines].join("\n")),
  ].join("\n\n")
}
