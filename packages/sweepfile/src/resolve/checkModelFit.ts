// Whether an adapter's options fit the model's layers, as far as the model's folder tells: a rank, a block size, a number
// of layers that the trainer would refuse hours later. Owns these rules, which are the trainer's, and the sets of
// parameters they are tried on: only such as lie in the space, so that nothing is refused that would never run.
import { holds } from "@sweep/domain/Expression"
import { matchesWhole } from "@sweep/domain/evaluationBudget"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import { fromParameters, parameterDefaults, type TrainingConfig, variants } from "@sweep/domain/TrainingConfig"
import * as Result from "effect/Result"
import { tries } from "../keys/checkTraining.ts"
import { exampleParameters } from "../keys/exampleParameters.ts"
import type { LinearLayer, ModelLayers } from "./modelLayers.ts"
import type { ParsedSweep } from "../parse/parseSweepFile.ts"
import type { ReadParameter } from "../keys/readParameters.ts"
import type { ReadSpace } from "../keys/readSpace.ts"
import type { Report } from "../parse/Source.ts"

/** What has a say in it. */
const decisive = [
  "variant",
  "rank",
  "target_modules",
  "oft_block_size",
  "oft_rank",
  "trainable_layers",
] as const satisfies ReadonlyArray<keyof typeof parameterDefaults>
type Decisive = (typeof decisive)[number]

interface Misfit extends Report {
  /** The parameter that does not fit. */
  readonly name: Decisive
}

/** By PEFT's rules; `undefined` for a regular expression that only Python understands. */
const targeted = (target: string, { path }: LinearLayer): boolean | undefined => {
  if (target === "all-linear") return true
  if (target.length > 2 && target.startsWith("/") && target.endsWith("/")) {
    try {
      return matchesWhole(target.slice(1, -1), path)
    } catch {
      return undefined
    }
  }
  return target.split(",").some((name) => path === name.trim() || path.endsWith(`.${name.trim()}`))
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** Why the trainer would refuse the adapter on this model. */
const misfit = ({ depth, linear }: ModelLayers, { adapter }: TrainingConfig): Misfit | undefined => {
  const layers = linear.filter((layer) => targeted(adapter.target_modules.trim(), layer) === true)
  switch (adapter.type) {
    case "freeze": {
      const { trainable_layers: asked = 0 } = adapter
      if (depth === null || asked <= depth) return undefined
      return {
        name: "trainable_layers",
        message: `\`trainable_layers\`: ${asked} is more than the ${depth} layers of the model`,
        expected: `at most ${depth}`,
      }
    }
    case "pissa": {
      const most = (layer: LinearLayer) => Math.min(layer.inputs, layer.outputs)
      const layer = layers.find((one) => most(one) < adapter.rank)
      if (layer === undefined) return undefined
      const all = Math.min(...layers.map(most))
      return {
        name: "rank",
        message: `\`rank\`: ${adapter.rank} is more than the ${most(layer)} singular values of ${layer.path}`,
        expected: `with pissa at most ${all}`,
        hint: `where other variants may have more, add the constraint "variant != 'pissa' || rank <= ${all}"; \`target_modules\` can leave the layer out`,
      }
    }
    case "oft": {
      const { oft_block_size: size, oft_rank: blocks = null } = adapter
      const [name, asked] = blocks === null ? (["oft_block_size", size!] as const) : (["oft_rank", blocks] as const)
      const layer = layers.find(({ inputs }) => inputs % asked !== 0)
      if (layer === undefined) return undefined
      const common = layers.reduce((divisor, { inputs }) => gcd(divisor, inputs), 0)
      const divisors = Array.from({ length: common }, (_, i) => i + 1).filter(
        (n) => common % n === 0 && (n > 1 || name === "oft_rank"),
      )
      return {
        name,
        message: `\`${name}\`: ${asked} does not divide the ${layer.inputs} inputs of ${layer.path}`,
        expected:
          divisors.length === 0
            ? "fewer layers in `target_modules`: no number divides the inputs of all of them"
            : `what divides the inputs of every target layer: ${divisors.join(", ")}`,
      }
    }
    default:
      return undefined
  }
}

/** Whether the sweep has an adapter for which the model's layers matter. */
export const mayMisfit = ({ draft }: ParsedSweep): boolean => {
  const { dimensions, derived } = draft.space
  const among = (variant: ParameterValue | undefined): boolean =>
    ["pissa", "oft", "freeze"].includes(variants[String(variant)]?.adapter ?? "")
  const distribution = dimensions.find(({ name }) => name === "variant")?.distribution
  return (
    derived.some(({ name }) => name === "variant") ||
    (distribution?._tag === "Constant" && among(distribution.value)) ||
    (distribution?._tag === "Categorical" && distribution.values.some(among)) ||
    draft.enqueue.some(({ variant }) => among(variant))
  )
}

/** Sets of parameters that are tried; more take longer than a person waits. */
const mostTries = 4_096

/** Integers of a range between its ends that are tried. */
const mostBetween = 64

const valuesOf = ({ name, takes, field }: ReadParameter): ReadonlyArray<readonly [ParameterValue, string]> => {
  if (takes._tag !== "Searched") return []
  const { distribution } = takes
  const ends = tries(distribution, field)
  if (distribution._tag !== "IntUniform" || !name.startsWith("oft_")) return ends
  // The ends may divide what the numbers between do not.
  const between = Math.min(mostBetween, distribution.max - distribution.min - 1)
  return [
    ...ends,
    ...Array.from({ length: Math.max(0, between) }, (_, i) => [distribution.min + i + 1, field.path] as const),
  ]
}

/** Sets of parameters of the space in which every value of what is decisive occurs. */
function* candidates(read: ReadSpace): Generator<Parameters> {
  const searched = read.parameters.filter(
    ({ name, takes }) => takes._tag === "Searched" && (decisive as ReadonlyArray<string>).includes(name),
  )
  const combine = function* (rest: ReadonlyArray<ReadParameter>, given: Parameters): Generator<Parameters> {
    const [first, ...others] = rest
    if (first === undefined) return yield* exampleParameters(read, given)
    for (const [value] of valuesOf(first)) yield* combine(others, { ...given, [first.name]: value })
  }
  let left = mostTries
  for (const parameters of combine(searched, {})) {
    if (left-- === 0) return
    const allowed = read.constraints.every((constraint) => {
      const truth = holds(constraint, parameters, true)
      return Result.isSuccess(truth) && truth.success
    })
    if (allowed) yield parameters
  }
}

const run = { model: "model", train: "train", eval: "eval" }

/** Reports every value of the file that does not fit, once, and what `enqueue` gives. */
export const checkModelFit = ({ read, draft, source }: ParsedSweep, layers: ModelLayers): void => {
  const problemOf = (parameters: Parameters): Misfit | undefined => {
    const config = fromParameters(run, parameters)
    return Result.isFailure(config) ? undefined : misfit(layers, config.success)
  }
  const byName = new Map(read.parameters.map((parameter) => [parameter.name, parameter]))
  const placeOf = (name: Decisive, value: ParameterValue | undefined): string => {
    // A default of it comes with the variant.
    const parameter = byName.get(name) ?? byName.get("variant")!
    if (parameter.takes._tag === "Derived") return parameter.takes.derive.path
    return valuesOf(parameter).find(([tried]) => tried === value)?.[1] ?? parameter.field.path
  }
  const reported = new Set<string>()
  const report = (path: string, problem: Misfit) => {
    if (reported.has(path)) return
    reported.add(path)
    source.report(source.spanOf(path), path, problem)
  }
  for (const parameters of candidates(read)) {
    const problem = problemOf(parameters)
    if (problem !== undefined) {
      report(placeOf(problem.name, parameters[problem.name] ?? parameters["variant"]), problem)
    }
  }
  for (const [i, parameters] of draft.enqueue.entries()) {
    const problem = problemOf(parameters)
    if (problem !== undefined) report(`enqueue[${i}].${problem.name}`, problem)
  }
}
