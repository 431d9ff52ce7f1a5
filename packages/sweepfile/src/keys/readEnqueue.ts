// Trials given by hand. Owns that each names every searched parameter it has and no other, lies within conditions and
// constraints, and gets its constants and derived parameters filled in.
import { holds } from "@sweep/domain/Expression"
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import * as Result from "effect/Result"
import { trainingProblem } from "./checkTraining.ts"
import { complete } from "./exampleParameters.ts"
import { didYouMean, type Field, oneOf } from "../parse/Field.ts"
import { readValue } from "./readDistribution.ts"
import type { ReadSpace } from "./readSpace.ts"

const outside = (distribution: Distribution, value: ParameterValue): boolean => {
  if (distribution._tag === "Constant") return value !== distribution.value
  if (distribution._tag === "Categorical") return !distribution.values.includes(value)
  return typeof value !== "number" || ("min" in distribution && (value < distribution.min || value > distribution.max))
}

/** The values of an entry by dotted name; groups may be nested or written with dots. */
const flatten = (field: Field, names: ReadonlySet<string>, prefix = ""): Map<string, Field> => {
  const flat = new Map<string, Field>()
  for (const [key, inner] of field.map(undefined, "a map of parameters") ?? []) {
    const name = `${prefix}${key}`
    if (!names.has(name) && inner.node.kind === "map") {
      for (const [nested, value] of flatten(inner, names, `${name}.`)) flat.set(nested, value)
    } else flat.set(name, inner)
  }
  return flat
}

const readOne = (entry: Field, read: ReadSpace, forTrainer: boolean): Parameters | undefined => {
  const names = new Set(read.parameters.map(({ name }) => name))
  const distributions = new Map(read.space.dimensions.map(({ name, distribution }) => [name, distribution]))
  const fields = flatten(entry, names)
  if (entry.node.kind !== "map") return undefined
  const given: Record<string, ParameterValue> = {}
  let good = true
  for (const [name, field] of fields) {
    if (!names.has(name)) {
      good = false
      field.report({
        message: `\`${name}\` is no parameter of this sweep`,
        expected: oneOf(names),
        hint: didYouMean(name, names) ?? "add it to `parameters` first",
      })
      continue
    }
    const value = readValue(field, !forTrainer)
    const problem = value === undefined || !forTrainer ? undefined : trainingProblem(name, { [name]: value })
    if (problem !== undefined) field.report(problem)
    if (value === undefined || problem !== undefined) {
      good = false
      continue
    }
    given[name] = value
    const distribution = distributions.get(name)
    if (distribution !== undefined && outside(distribution, value)) {
      field.warn({ message: `\`${name}\` lies outside what the sweep searches; the trial runs all the same` })
    }
  }
  if (!good) return undefined
  const missing: Array<string> = []
  const parameters = complete(read, given, ({ name, distribution }) => {
    if (distribution._tag === "Constant") return distribution.value
    missing.push(name)
    return undefined
  })
  if (missing.length > 0) {
    return entry.report({
      message: `${oneOf(missing).replace(/ or (?=[^ ]*$)/, " and ")} ${missing.length === 1 ? "is" : "are"} missing in \`${entry.path}\``,
      expected: "a value for every searched parameter",
    })
  }
  for (const [name, field] of fields) {
    if (Object.hasOwn(parameters, name)) continue
    good = false
    field.report({
      message: `\`${name}\` does not exist in this trial: its condition is false`,
      expected: `\`${read.conditions.get(name)?.text ?? ""}\``,
      hint: "leave it out",
    })
  }
  for (const constraint of read.constraints) {
    const truth = holds(constraint, parameters, true)
    if (Result.isSuccess(truth) && truth.success) continue
    good = false
    entry.report({ message: `\`${entry.path}\` is against the constraint \`${constraint.text}\`` })
  }
  return good ? parameters : undefined
}

/** `forTrainer`: the values are the PEFT trainer's and are checked as such. */
export const readEnqueue = (field: Field, read: ReadSpace, forTrainer: boolean): ReadonlyArray<Parameters> =>
  (field.list("a list of trials") ?? [])
    .map((entry) => readOne(entry, read, forTrainer))
    .filter((parameters) => parameters !== undefined)
