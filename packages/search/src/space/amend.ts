// A set of parameters with some of them changed. Owns that derived parameters follow, that conditions decide again which
// there are, and the words for a change that leads nowhere. Values outside the ranges are a person's to try.
import { evaluate, holds } from "@sweep/domain/Expression"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import * as Result from "effect/Result"
import { InvalidSpace, type Node, type Space } from "./Space.ts"

/** Fails with one sentence. Parameters that the space does not know are set as they are. */
export const amend = (space: Space, from: Parameters, changes: Parameters): Result.Result<Parameters, string> => {
  const parameters: Record<string, ParameterValue> = {}
  const isActive = ({ when }: Node): boolean => {
    if (when === null) return true
    const truth = holds(when, parameters, false)
    return Result.isSuccess(truth) && truth.success
  }
  for (const node of space.nodes) {
    const { name } = node
    const changed = Object.hasOwn(changes, name)
    if (!isActive(node)) {
      if (changed) {
        return Result.fail(`\`${name}\` does not exist in this trial: its condition, \`${node.when!.text}\`, is false`)
      }
      continue
    }
    if (changed) {
      parameters[name] = changes[name]!
      continue
    }
    if (node._tag === "Derived") {
      const value = evaluate(node.value, parameters)
      if (Result.isSuccess(value)) parameters[name] = value.success
      else if (value.failure._tag !== "ParameterAbsent") return Result.fail(`${name}: ${value.failure.message}`)
      continue
    }
    const value = from[name] ?? (node._tag === "Fixed" ? node.value : undefined)
    if (value === undefined) {
      return Result.fail(`\`${name}\` exists with these changes, and the trial has no value for it: set it, too`)
    }
    parameters[name] = value
  }
  const known = new Set(space.nodes.map(({ name }) => name))
  for (const [name, value] of Object.entries({ ...from, ...changes })) if (!known.has(name)) parameters[name] = value
  let against: string | undefined
  try {
    against = space.violated(parameters)
  } catch (error) {
    // A value of another type than the constraint compares.
    if (error instanceof InvalidSpace) return Result.fail(error.message)
    throw error
  }
  return against === undefined
    ? Result.succeed(parameters)
    : Result.fail(`this is against the constraint \`${against}\``)
}
