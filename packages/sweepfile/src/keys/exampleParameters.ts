// A few sets of parameters of a space, without drawing: every dimension at its first or smallest, middle and last or
// largest value. What conditions and derived parameters come to for them shows mistakes before anything runs.
import { evaluate, type Expression, holds } from "@sweep/domain/Expression"
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import type { Dimension } from "@sweep/domain/SearchSpace"
import * as Result from "effect/Result"
import type { ReadSpace } from "./readSpace.ts"

type Place = "first" | "middle" | "last"

const valueAt = (distribution: Distribution, place: Place): ParameterValue => {
  const pick = <T>(first: T, middle: T, last: T): T => (place === "first" ? first : place === "last" ? last : middle)
  switch (distribution._tag) {
    case "Constant":
      return distribution.value
    case "Categorical": {
      const { values } = distribution
      return pick(values[0], values[values.length >> 1]!, values.at(-1)!)
    }
    case "Normal":
    case "QNormal":
      return distribution.mu + pick(-1, 0, 1) * distribution.sigma
    case "LogNormal":
    case "QLogNormal":
      return Math.exp(distribution.mu + pick(-1, 0, 1) * distribution.sigma)
    case "Beta":
    case "QBeta":
      return pick(0.25, 0.5, 0.75)
    case "IntUniform":
      return pick(distribution.min, Math.round((distribution.min + distribution.max) / 2), distribution.max)
    case "LogUniform":
    case "QLogUniform":
    case "InvLogUniform":
      return pick(distribution.min, Math.sqrt(distribution.min * distribution.max), distribution.max)
    default:
      return pick(distribution.min, (distribution.min + distribution.max) / 2, distribution.max)
  }
}

/**
 * `given` with everything filled in that follows from it: parameters whose condition is false removed, derived ones
 * computed. `choose` gives the value of a dimension that is not given; `undefined` leaves it out.
 */
export const complete = (
  read: ReadSpace,
  given: Parameters,
  choose: (dimension: Dimension) => ParameterValue | undefined,
): Parameters => {
  const parameters: Record<string, ParameterValue> = {}
  const dimensions = new Map(read.space.dimensions.map((dimension) => [dimension.name, dimension]))
  const holdsFor = (condition: Expression | undefined): boolean => {
    if (condition === undefined) return true
    const truth = holds(condition, parameters, false)
    return Result.isSuccess(truth) && truth.success
  }
  for (const name of read.order) {
    if (!holdsFor(read.conditions.get(name))) continue
    const dimension = dimensions.get(name)
    const derivation = read.derivations.get(name)
    if (given[name] !== undefined) parameters[name] = given[name]
    else if (dimension !== undefined) {
      const value = choose(dimension)
      if (value !== undefined) parameters[name] = value
    } else if (derivation !== undefined) {
      const value = evaluate(derivation, parameters)
      if (Result.isSuccess(value)) parameters[name] = value.success
    }
  }
  return parameters
}

/** With the values of `given` where its conditions let them be. */
export const exampleParameters = (read: ReadSpace, given: Parameters = {}): ReadonlyArray<Parameters> =>
  (["first", "middle", "last"] as const).map((place) =>
    complete(read, given, (dimension) => valueAt(dimension.distribution, place)),
  )
