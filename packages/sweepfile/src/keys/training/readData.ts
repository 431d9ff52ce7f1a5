// Where the model and the data are, as the file says it.
import type { Field } from "../../parse/Field.ts"
import type { Given, ReadSweep } from "../SweepDraft.ts"

export const given = (field: Field | undefined, expected: string): Given | undefined => {
  const value = field?.text(expected)
  return field === undefined || value === undefined ? undefined : { value, field }
}

const defaultSplit = { fraction: 0.1, seed: 7 }

export const readData = (field: Field): ReadSweep["data"] | undefined => {
  if (field.node.kind === "scalar")
    return field.wrong("a map with `train` and `eval`", field.isNull ? null : `write {train: ${field.node.source}}`)
  const fields = field.map(["train", "eval"])
  if (fields === undefined) return undefined
  const train = given(fields.require("train"), "the path of a data file")
  const evalField = fields.get("eval")
  if (evalField === undefined) return train === undefined ? undefined : { train, eval: defaultSplit }
  if (evalField.node.kind === "scalar") {
    const { value } = evalField.node
    const path =
      typeof value === "number"
        ? evalField.wrong("a path or `{fraction, seed}`", `write {fraction: ${evalField.node.source}}`)
        : given(evalField, "the path of a data file")
    return train === undefined || path === undefined ? undefined : { train, eval: path }
  }
  const split = evalField.map(["fraction", "seed"], "a path or `{fraction, seed}`")
  const fraction = split?.require("fraction")?.number({ above: 0, below: 1 })
  const seed = split?.optional("seed", defaultSplit.seed, (f) => f.number({ integer: true, min: 0 }))
  if (train === undefined || fraction === undefined || seed === undefined) return undefined
  return { train, eval: { fraction, seed } }
}
