// What a sweep file means before anything is run: its dimensions, how many trials, the first of them, what training them
// takes. Pure; the first trials are those the sampler will really ask for while none has ended.
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import type { Observation } from "@sweep/search/History"
import { samplerFor } from "@sweep/search/samplerFor"
import { plannedOf } from "./plannedTrials.ts"
import { number, parameterValue, plural, varying } from "./terminal/format.ts"
import { table } from "./terminal/table.ts"

const mostShown = 10
/** Enough to estimate the mean cost of a trial in an endless space. */
const mostSampled = 200

/** The first trials in the order they will be asked for, as long as none has ended. */
const firstTrials = (spec: SweepSpec, most: number): ReadonlyArray<Parameters> => {
  const sampler = samplerFor(spec)
  const history: Array<Observation> = []
  for (const parameters of spec.enqueue) history.push(open(history.length + 1, parameters))
  while (history.length < most) {
    const suggestion = sampler.suggest(history, history.length + 1)
    if (suggestion._tag !== "Suggested") break
    history.push(open(history.length + 1, suggestion.parameters))
  }
  return history.slice(0, most).map(({ parameters }) => parameters)
}

const open = (number: number, parameters: Parameters): Observation => ({
  number,
  parameters,
  outcome: "open",
  objective: null,
  values: {},
})

/** Optimiser steps of one trial: ⌈examples / batch size⌉ · epochs, or `max_steps` when that is less. */
const stepsOf = (spec: SweepSpec, parameters: Parameters): number => {
  const value = (name: keyof typeof parameterDefaults) => Number(parameters[name] ?? parameterDefaults[name])
  const examples = Math.min(spec.data.train.records, value("max_samples") || Number.POSITIVE_INFINITY)
  const steps = Math.ceil(Math.ceil(examples / value("batch_size")) * value("epochs"))
  return Math.min(steps, value("max_steps") || Number.POSITIVE_INFINITY)
}

export interface Preview {
  readonly name: string
  readonly model: string
  readonly method: string
  readonly metric: { readonly name: string; readonly goal: string }
  readonly data: { readonly train_records: number; readonly eval_records: number }
  readonly dimensions: ReadonlyArray<{ readonly name: string; readonly domain: string; readonly when: string | null }>
  readonly derived: ReadonlyArray<{ readonly name: string; readonly expression: string }>
  readonly constraints: ReadonlyArray<string>
  /** `null`: without end. */
  readonly trials: number | null
  readonly replicas: number
  readonly first_trials: ReadonlyArray<Parameters>
  /** Of all trials, estimated from those that could be listed; `null` without end. */
  readonly optimizer_steps: number | null
  readonly warnings: ReadonlyArray<string>
}

const domainOf = (distribution: Distribution): string => {
  const range = (d: { readonly min: number; readonly max: number }) => `${number(d.min)} … ${number(d.max)}`
  switch (distribution._tag) {
    case "Constant":
      return parameterValue(distribution.value)
    case "Categorical": {
      const { probabilities } = distribution
      return distribution.values
        .map((value, i) => parameterValue(value) + (probabilities === null ? "" : ` (${number(probabilities[i]!)})`))
        .join(", ")
    }
    case "IntUniform":
      return `${range(distribution)}, whole numbers`
    case "Uniform":
      return range(distribution)
    case "QUniform":
      return `${range(distribution)} in steps of ${number(distribution.q)}`
    case "LogUniform":
      return `${range(distribution)}, evenly on a logarithmic scale`
    case "QLogUniform":
      return `${range(distribution)}, logarithmic, in steps of ${number(distribution.q)}`
    case "InvLogUniform":
      return `${range(distribution)}, inverse logarithmic`
    case "Normal":
    case "QNormal":
      return `normal, mean ${number(distribution.mu)}, deviation ${number(distribution.sigma)}`
    case "LogNormal":
    case "QLogNormal":
      return `log-normal, mu ${number(distribution.mu)}, sigma ${number(distribution.sigma)}`
    case "Beta":
    case "QBeta":
      return `beta, a ${number(distribution.a)}, b ${number(distribution.b)}`
  }
}

export const preview = (spec: SweepSpec, warnings: ReadonlyArray<string> = []): Preview => {
  const trials = plannedOf(spec)
  const replicas = Math.max(1, spec.replicas)
  const sampled = firstTrials(
    spec,
    Math.min(mostSampled, trials === null ? mostSampled : Math.max(1, Math.ceil(trials / replicas))),
  )
  const steps = sampled.map((parameters) => stepsOf(spec, parameters))
  const mean = steps.length === 0 ? 0 : steps.reduce((a, b) => a + b, 0) / steps.length
  return {
    name: spec.name,
    model: spec.model,
    method: spec.method,
    metric: { name: spec.metric.name, goal: spec.metric.goal },
    data: { train_records: spec.data.train.records, eval_records: spec.data.eval.records },
    dimensions: spec.space.dimensions.map(({ name, distribution, when }) => ({
      name,
      domain: domainOf(distribution),
      when,
    })),
    derived: spec.space.derived.map(({ name, expression }) => ({ name, expression })),
    constraints: spec.space.constraints,
    trials,
    replicas,
    first_trials: sampled.slice(0, mostShown),
    optimizer_steps: trials === null || spec.trainer !== "peft" ? null : Math.round(mean * trials),
    warnings,
  }
}

export const previewLines = (file: string, spec: SweepSpec, seen: Preview): ReadonlyArray<string> => {
  const names = varying(spec)
  return [
    `${file} is a valid sweep.`,
    "",
    `model      ${seen.model}`,
    `data       ${plural(seen.data.train_records, "training record")}, ${plural(seen.data.eval_records, "eval record")}`,
    `objective  ${seen.metric.goal} ${seen.metric.name}`,
    `search     ${seen.method}, ${seen.trials === null ? "without end: set budget.trials or stop it by hand" : plural(seen.trials, "trial")}${seen.replicas > 1 ? ` (${seen.replicas} seeds per set of parameters)` : ""}`,
    ...(seen.optimizer_steps === null ? [] : [`training   ${number(seen.optimizer_steps)} optimiser steps in all`]),
    "",
    ...table(
      [{ title: "parameter" }, { title: "takes" }],
      [
        ...seen.dimensions.map(({ name, domain, when }) => [name, when === null ? domain : `${domain}  when ${when}`]),
        ...seen.derived.map(({ name, expression }) => [name, `= ${expression}`]),
      ],
    ),
    ...(seen.constraints.length === 0 ? [] : ["", ...seen.constraints.map((text) => `always: ${text}`)]),
    "",
    ...table(
      [{ title: "trial", align: "right" as const }, ...names.map((title) => ({ title, align: "right" as const }))],
      seen.first_trials.map((parameters, i) => [
        `#${i * seen.replicas + 1}`,
        ...names.map((name) => (name in parameters ? parameterValue(parameters[name]!) : "")),
      ]),
    ),
    ...(seen.trials === null || seen.trials > seen.first_trials.length * seen.replicas ? ["…"] : []),
  ]
}
