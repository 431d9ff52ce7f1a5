// How the sweep searches: the method, and earlier sweeps that teach it.
import * as Schema from "effect/Schema"
import { SweepId } from "@sweep/domain/Id"
import type { Method } from "@sweep/domain/Method"
import { type Field, oneOf } from "../../parse/Field.ts"

const methods = [
  "grid",
  "random",
  "sobol",
  "tpe",
  "gp",
  "cmaes",
  "nsga2",
  "ehvi",
] as const satisfies ReadonlyArray<Method>

export const readMethod = (field: Field): Method | undefined => {
  const { node } = field
  const given = node.kind === "scalar" ? node.value : undefined
  // W&B's is a Gaussian process, too.
  if (given === "bayes") return "gp"
  if (given === "custom") {
    return field.report({
      message: "`method: custom` leaves the trials to a program of yours",
      expected: oneOf(methods),
      hint: "take one of these with `trainer: external`: `sweep ask` and `sweep tell` serve a program that runs its own trials",
    })
  }
  return field.word(methods)
}

/** What learns from results; the others would read them for nothing. */
const learners: ReadonlyArray<Method> = ["tpe", "gp", "cmaes", "nsga2", "ehvi"]

export const readWarmStart = (field: Field, method: Method | undefined): ReadonlyArray<SweepId> => {
  const items = field.node.kind === "scalar" ? [field] : (field.list("the id of a sweep, or a list of them") ?? [])
  const ids = items.flatMap((item) => {
    const expected = "the id of a sweep, as `sweep ls` shows it"
    const text = item.text(expected)
    if (text === undefined) return []
    return Schema.is(SweepId)(text) ? [text] : (item.wrong(expected, null) ?? [])
  })
  if (method !== undefined && !learners.includes(method)) {
    field.report({
      message: `\`${method}\` does not learn from results, and \`warm_start\` gives it some`,
      expected: `a method that does: ${oneOf(learners)}`,
    })
  }
  return ids
}
