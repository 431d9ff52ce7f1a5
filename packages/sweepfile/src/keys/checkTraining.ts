// Whether the built-in trainer can take what a sweep file gives it: known parameter names, and values its configuration
// accepts. Values are tried one by one against `TrainingConfig`, which owns the rules; a range is tried at its ends and
// at a fraction within.
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import { fromParameters, parameterDefaults, parameterNames, variants } from "@sweep/domain/TrainingConfig"
import * as Result from "effect/Result"
import { didYouMean, type Field, oneOf } from "../parse/Field.ts"
import type { ReadParameter } from "./readParameters.ts"
import type { Report } from "../parse/Source.ts"

/** What other tools call them. */
const aliases: Readonly<Record<string, keyof typeof parameterDefaults>> = {
  cutoff_len: "max_length",
  effective_batch_size: "batch_size",
  lora_alpha: "alpha",
  lora_dropout: "dropout",
  lora_r: "rank",
  lora_rank: "rank",
  lora_target: "target_modules",
  lr: "learning_rate",
  lr_scheduler_type: "schedule",
  max_seq_length: "max_length",
  num_epochs: "epochs",
  num_train_epochs: "epochs",
  per_device_train_batch_size: "micro_batch_size",
  r: "rank",
  warmup: "warmup_ratio",
}

const trainerParameterHint = (name: string): string | null => {
  const last = name.slice(name.lastIndexOf(".") + 1).toLowerCase()
  const alias = aliases[last]
  return alias === undefined ? didYouMean(last, parameterNames) : `here it is called \`${alias}\``
}

const typeWords: Readonly<Record<string, string>> = { number: "a number", string: "text", boolean: "true or false" }

const run = { model: "model", train: "train", eval: "eval" }

const show = (value: ParameterValue | undefined): string =>
  typeof value === "string"
    ? `the text "${value.slice(0, 60)}"`
    : String(typeof value === "number" ? Number(value.toPrecision(6)) : value)

/** Why the trainer does not take `parameters`, in which only `name` may be wrong. */
export const trainingProblem = (name: string, parameters: Parameters): Report | undefined => {
  const value = parameters[name]
  if (name === "variant" && !(typeof value === "string" && Object.hasOwn(variants, value))) {
    const known = Object.keys(variants)
    return {
      message: `there is no variant ${typeof value === "string" ? `\`${value.slice(0, 60)}\`` : String(value)}`,
      expected: oneOf(known),
      hint: typeof value === "string" ? didYouMean(value, known) : null,
    }
  }
  const config = fromParameters(run, parameters)
  if (Result.isSuccess(config)) return undefined
  const reason = config.failure.message.split("\n", 1)[0]!.replace(/^Expected /, "")
  const words = Array.from(reason.matchAll(/"([^"]*)"/g), (match) => match[1]!)
  return {
    message: `\`${name}\` cannot be ${show(value)}`,
    expected: words.length > 0 ? oneOf(words) : (typeWords[reason] ?? reason),
    hint: typeof value === "string" ? didYouMean(value, words) : null,
  }
}

/** Values to try of a distribution, with the part of the parameter each stands in. */
export const tries = (distribution: Distribution, field: Field): ReadonlyArray<readonly [ParameterValue, string]> => {
  switch (distribution._tag) {
    case "Constant":
      return [[distribution.value, field.node.kind === "map" ? `${field.path}.value` : field.path]]
    case "Categorical": {
      const path = field.node.kind === "map" ? `${field.path}.values` : field.path
      return distribution.values.map((value, i) => [value, `${path}[${i}]`] as const)
    }
    case "Normal":
      return [[distribution.mu, `${field.path}.mu`]]
    case "LogNormal":
      return [[Math.exp(distribution.mu), `${field.path}.mu`]]
    case "QNormal":
    case "QLogNormal":
      return [[distribution.q, `${field.path}.q`]]
    case "Beta":
      return [[0.5, `${field.path}.distribution`]]
    case "QBeta":
      return [[distribution.q, `${field.path}.q`]]
    default: {
      const quantize = (x: number): number =>
        "q" in distribution ? Math.round(x / distribution.q) * distribution.q : x
      return [
        [quantize(distribution.min), `${field.path}.min`],
        [quantize(distribution.max), `${field.path}.max`],
      ]
    }
  }
}

/** A value within the range that is no integer, for distributions that draw such. */
const fraction = (distribution: Distribution): number | undefined => {
  switch (distribution._tag) {
    case "Uniform":
    case "LogUniform":
    case "InvLogUniform":
      return distribution.min + (distribution.max - distribution.min) * 0.3819660112501051
    case "QUniform":
    case "QLogUniform":
      return Number.isInteger(distribution.q)
        ? undefined
        : Math.ceil(distribution.min / distribution.q) * distribution.q
    default:
      return undefined
  }
}

/** Wrong values reported of one parameter: they tend to be wrong for one reason. */
const shownValues = 3

const checkValues = (name: string, distribution: Distribution, field: Field): void => {
  let wrong = 0
  for (const [value, path] of tries(distribution, field)) {
    const problem = trainingProblem(name, { [name]: value })
    if (problem === undefined) continue
    field.source.report(field.source.spanOf(path), path, problem)
    if (++wrong === shownValues) break
  }
  const between = fraction(distribution)
  if (wrong > 0 || between === undefined) return
  const problem = trainingProblem(name, { [name]: between })
  if (problem === undefined) return
  field.report({
    message: `\`${name}\` takes ${problem.expected === "an integer" ? "integers" : problem.expected}, and this distribution draws fractions`,
    found: `a draw such as ${Number(between.toPrecision(6))}`,
    expected: problem.expected,
    hint: "write integer bounds, `values`, or a `q_` distribution with an integer `q`",
  })
}

/** `examples`: sets of parameters of this space, tried for what derived parameters come to. */
export const checkTraining = (parameters: ReadonlyArray<ReadParameter>, examples: ReadonlyArray<Parameters>): void => {
  for (const { name, key, field, takes } of parameters) {
    if (field.source.full) return
    if (!Object.hasOwn(parameterDefaults, name)) {
      const hint = trainerParameterHint(name)
      field.source.report(key, field.path, {
        message: `the PEFT trainer has no parameter \`${name}\``,
        expected: hint === null ? oneOf(parameterNames) : null,
        hint,
      })
    } else if (takes._tag === "Searched") checkValues(name, takes.distribution, field)
    else if (takes._tag === "Derived") {
      for (const example of examples) {
        if (example[name] === undefined) continue
        const problem = trainingProblem(name, { [name]: example[name] })
        if (problem === undefined) continue
        const others = Object.entries(example).filter(([other]) => other !== name)
        const shown = others.slice(0, 6).map(([other, value]) => `${other}: ${show(value)}`)
        takes.derive.report({ ...problem, found: `${show(example[name])}, with ${shown.join(", ")}` })
        break
      }
    }
  }
}
