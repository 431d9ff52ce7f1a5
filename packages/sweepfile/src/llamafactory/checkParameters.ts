// Whether LLaMA-Factory takes what a sweep file varies: its own keys, or this program's short names for them. Values are
// tried one by one, as for the built-in trainer.
import {
  keysOf,
  llamaFactoryShortNames,
  llamaFactoryStages,
  llamaFactoryVariants,
  owned,
} from "@sweep/domain/LlamaFactory"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import { trainingProblem, tries } from "../keys/checkTraining.ts"
import type { ReadParameter } from "../keys/readParameters.ts"
import { didYouMean, oneOf } from "../parse/Field.ts"
import type { Report } from "../parse/Source.ts"
import { keyProblem, unknownKey } from "./configuration.ts"
import { llamaFactoryKeys } from "./keys.ts"

const ownedHint = (name: string): string =>
  name === "model_name_or_path"
    ? "write `model`: a sweep has one"
    : ["dataset", "eval_dataset", "dataset_dir", "val_size"].includes(name)
      ? "write `data`: all trials are measured on the same eval set"
      : "leave it out"

const named = (
  what: string,
  table: Readonly<Record<string, unknown>>,
  value: ParameterValue | undefined,
): Report | undefined => {
  const known = Object.keys(table)
  if (typeof value === "string" && Object.hasOwn(table, value)) return undefined
  return {
    message: `LLaMA-Factory has no ${what} \`${String(value).slice(0, 60)}\``,
    expected: oneOf(known),
    hint: typeof value === "string" ? didYouMean(value, known) : null,
  }
}

/** Why `name` cannot be `value`. */
const llamaFactoryProblem = (name: string, value: ParameterValue): Report | undefined => {
  if (name === "variant") return named("variant", llamaFactoryVariants, value)
  if (name === "stage" && value !== "ppo") return named("stage", llamaFactoryStages, value)
  if (llamaFactoryShortNames.includes(name) && Object.hasOwn(parameterDefaults, name))
    return trainingProblem(name, { [name]: value })
  return Object.hasOwn(llamaFactoryKeys, name) ? keyProblem(name, value) : undefined
}

const shownValues = 3

export const checkLlamaFactory = (parameters: ReadonlyArray<ReadParameter>): void => {
  const names = [...llamaFactoryShortNames, ...Object.keys(llamaFactoryKeys)]
  const setBy = new Map<string, string>()
  for (const { name, key, field, takes } of parameters) {
    const { source } = field
    if (source.full) return
    if (owned.has(name)) {
      source.report(key, field.path, { message: `\`${name}\` is the sweep's to set`, hint: ownedHint(name) })
      continue
    }
    if (!names.includes(name)) {
      source.report(key, field.path, unknownKey(name, names))
      continue
    }
    // A variant unsets what it does not name; a key beside it is obeyed.
    for (const target of name === "variant" ? [] : keysOf(name, null)) {
      const other = setBy.get(target)
      if (other !== undefined) {
        source.report(key, field.path, { message: `\`${name}\` and \`${other}\` are the same key, \`${target}\`` })
      }
      setBy.set(target, name)
    }
    if (takes._tag !== "Searched") continue
    let wrong = 0
    for (const [value, path] of tries(takes.distribution, field)) {
      const problem = llamaFactoryProblem(name, value)
      if (problem === undefined) continue
      source.report(source.spanOf(path), path, problem)
      if (++wrong === shownValues) break
    }
  }
}
