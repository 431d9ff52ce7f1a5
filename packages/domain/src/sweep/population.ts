// Population-based training as a sweep asks for it: members train up to a point and wait there for each other. Owns its
// options, where the points are, and what makes it impossible. Who resumes from whom is the search package's.
import { learnsFromResults } from "./Method.ts"
import type { SweepSpec } from "./SweepSpec.ts"
import { parameterDefaults } from "../training/TrainingConfig.ts"

/** The options of `early_terminate`, as the spec room checks them. */
export interface PopulationOptions {
  readonly resource: "epoch" | "step" | "seconds"
  readonly interval: number
  /** Trials 1 … population are the first population, the next as many the second, and so on. */
  readonly population: number
  readonly quantile: number
  /** Share of the parameters drawn again instead of perturbed. */
  readonly resample_probability: number
  /** Factors, one of which a number is multiplied with. */
  readonly perturb: ReadonlyArray<number>
  /** Which change; `null`: all of the space that may in the middle of training. */
  readonly parameters: ReadonlyArray<string> | null
}

/** `null` for a sweep that trains no population. */
export const populationOptions = ({ earlyTerminate }: Pick<SweepSpec, "earlyTerminate">): PopulationOptions | null =>
  earlyTerminate?.["type"] === "pbt" ? (earlyTerminate as unknown as PopulationOptions) : null

/** Which population a trial is of, from 1. */
export const populationOf = ({ population }: PopulationOptions, trial: number): number => Math.ceil(trial / population)

/** Where a member that has waited `rounds` times waits next. */
export const nextPoint = ({ resource, interval }: PopulationOptions, rounds: number) => ({
  resource,
  at: (rounds + 1) * interval,
})

/** How often a member of `length` epochs or steps waits: at its end nobody does. */
export const roundsWithin = ({ interval }: PopulationOptions, length: number): number =>
  Math.max(0, Math.ceil(length / interval - tolerance) - 1)

/** How many of `members` that wait resume from another one: as many as the best are of whom they draw one. */
export const replacedOf = ({ quantile }: Pick<PopulationOptions, "quantile">, members: number): number =>
  members < 2 ? 0 : Math.max(1, Math.floor(members * quantile))

/** Of a quotient of fractions. */
const tolerance = 1e-9

/**
 * Parameters that may change in the middle of a run: they shape no tensor of a checkpoint and not the plan of its steps.
 */
export const changeableInTraining: ReadonlyArray<string> = [
  "learning_rate",
  "weight_decay",
  "max_grad_norm",
  "dropout",
  "lr_ratio",
  "neftune_noise_alpha",
]

/** The value that a parameter has in every trial; `undefined` when there is none such. */
const fixedValue = ({ space, enqueue }: SweepSpec, name: keyof typeof parameterDefaults): unknown => {
  if (space.derived.some((derived) => derived.name === name)) return undefined
  const distribution = space.dimensions.find((dimension) => dimension.name === name)?.distribution
  if (distribution !== undefined && distribution._tag !== "Constant") return undefined
  const value = distribution === undefined ? parameterDefaults[name] : distribution.value
  return enqueue.every((set) => set[name] === undefined || set[name] === value) ? value : undefined
}

/** Epochs of every trial; `undefined` where they differ, or are counted in steps. */
export const epochsOfAll = (spec: SweepSpec): number | undefined => {
  const epochs = fixedValue(spec, "epochs")
  return typeof epochs === "number" && fixedValue(spec, "max_steps") === null ? epochs : undefined
}

const what = "population-based training"
const changeable = `what may change in the middle of a run is ${changeableInTraining.join(", ")}`

/** Why the sweep's population cannot be trained, and the key of its file that says so; `null` when it can. */
export const populationProblem = (spec: SweepSpec): { readonly where: string; readonly message: string } | null => {
  const options = populationOptions(spec)
  if (options === null) return null
  const { resource, interval, population, parameters } = options
  const problem = (where: string, message: string) => ({ where, message })
  if (spec.trainer !== "peft") {
    return problem(
      "early_terminate.type",
      `${what} needs a trainer that resumes from another trial's checkpoint, which peft does and ${spec.trainer} does not; take asha, hyperband, median or patience`,
    )
  }
  if (learnsFromResults(spec.method)) {
    return problem(
      "method",
      `${spec.method} learns which parameters do well, and those of a member change on the way, so that its result is no word on them; take random, sobol or grid`,
    )
  }
  if (resource === "seconds") {
    return problem(
      "early_terminate.resource",
      `${what} compares its members at the same point of their training, which seconds do not name; take epoch or step`,
    )
  }
  if (spec.artifacts === "none") {
    return problem("artifacts", `${what} hands checkpoints on, and \`artifacts: none\` keeps none; take best`)
  }
  if (spec.replicas > 1) return problem("seeds", "the members of a population are single trials; give `seeds: 1`")
  if (spec.reuse === true) {
    return problem("reuse", "the members of a population are trained together; take `reuse` away")
  }
  if ((spec.metrics?.length ?? 1) > 1) {
    return problem("metrics", `${what} compares its members by one metric; give one as \`metric\``)
  }
  const { trials } = spec.budget
  if (trials !== null && population > trials) {
    return problem(
      "early_terminate.population",
      `a population of ${population} needs as many trials, and the budget has ${trials}; give \`population: ${trials}\` or \`budget: {trials: ${population}}\``,
    )
  }
  const searched = new Set(
    spec.space.dimensions.flatMap(({ name, distribution: d }) =>
      d._tag === "Constant" || (d._tag === "Categorical" && d.values.length === 1) ? [] : [name],
    ),
  )
  for (const [i, name] of (parameters ?? []).entries()) {
    const where = `early_terminate.parameters[${i}]`
    if (!changeableInTraining.includes(name)) {
      return problem(where, `${name} cannot change in the middle of a run; ${changeable}`)
    }
    if (!searched.has(name)) return problem(where, `${name} is not searched, so that there is nothing to change it to`)
  }
  if (!(parameters ?? changeableInTraining).some((name) => searched.has(name))) {
    return problem("parameters", `${what} has nothing to change in this space: search one of what may; ${changeable}`)
  }
  if (resource === "step") return null
  const epochs = epochsOfAll(spec)
  if (epochs !== undefined && roundsWithin(options, epochs) === 0) {
    return problem(
      "early_terminate.interval",
      `nobody would wait for anybody: a trial has ${epochs} epochs, and the first point is at ${interval}; give less than ${epochs}`,
    )
  }
  const evals = fixedValue(spec, "evals_per_epoch")
  if (typeof evals === "number" && Math.abs(interval * evals - Math.round(interval * evals)) > tolerance) {
    return problem(
      "early_terminate.interval",
      `members wait at an evaluation, of which there are ${evals} an epoch, and ${interval} epochs lie between two; give a multiple of ${Number((1 / evals).toPrecision(6))}, or other \`evals_per_epoch\``,
    )
  }
  return null
}
