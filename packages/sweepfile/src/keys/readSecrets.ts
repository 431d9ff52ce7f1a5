// `secrets`: which of its environment's secrets an agent passes to the trials. Names only: a value has no place in a file.
import type { Field } from "../parse/Field.ts"

const expected = "the name of an environment variable such as HF_TOKEN, in capitals"
const variable = /^[A-Z_][A-Z0-9_]{0,99}$/
/** More is a mistake. */
const most = 32

const readOne = (item: Field): string | undefined => {
  const { node } = item
  if (node.kind !== "scalar" || typeof node.value !== "string") return item.wrong(expected)
  const name = node.value
  if (variable.test(name)) {
    return name.startsWith("SWEEP_")
      ? item.report({
          message: `\`${name}\` is sweep's own and goes to no trial`,
          expected: "a variable that the program that trains reads",
        })
      : name
  }
  const [before] = name.split("=", 1)
  return item.report({
    message: "an entry of `secrets` is no name of a variable",
    expected,
    hint:
      name.includes("=") && variable.test(before!)
        ? `write ${before} alone: its value is taken from the agent's environment`
        : "the value is taken from the agent's environment, never from the file",
  })
}

export const readSecrets = (field: Field): ReadonlyArray<string> | undefined => {
  const items = field.list("a list of names such as [HF_TOKEN]")
  if (items === undefined) return undefined
  if (items.length > most) return field.wrong(`at most ${most} names`)
  const names = items.map(readOne)
  return names.includes(undefined) ? undefined : Array.from(new Set(names as ReadonlyArray<string>)).sort()
}
