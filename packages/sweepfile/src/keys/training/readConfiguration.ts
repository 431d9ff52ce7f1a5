// A LLaMA-Factory configuration: named by `base`, standing in the sweep file itself, or taken for a sweep file.
import { readConfiguration } from "../../llamafactory/configuration.ts"
import type { Field, Fields } from "../../parse/Field.ts"
import type { YamlNode } from "../../parse/YamlTree.ts"
import type { Trainer } from "@sweep/domain/SweepSpec"
import type { ReadSweep } from "../SweepDraft.ts"
import { topLevelKeys } from "../topLevelKeys.ts"
import { given } from "./readData.ts"

/** Whether a parameter has a list or map among its values. */
export const holdsStructures = (node: YamlNode): boolean => {
  if (node.kind === "list") return node.items.some(({ kind }) => kind !== "scalar")
  if (node.kind === "scalar") return false
  return node.entries.some(
    ({ key, value }) =>
      (key === "value" && value.kind !== "scalar") ||
      (key === "values" && value.kind === "list" && holdsStructures(value)),
  )
}

/** A LLaMA-Factory configuration alone says how one model is trained, and not what is varied. */
export const reportConfiguration = (root: Field): undefined => {
  const at = root.source.path
  const name = at.replace(/^.*[/\\]/, "")
  return root.source.report({ start: root.node.start, end: root.node.start + 1 }, "", {
    message: "this is a LLaMA-Factory configuration: it says how one model is trained, not what the sweep varies",
    expected: "`parameters` with at least one range, for example {learning_rate: {min: 2.0e-5, max: 5.0e-4}}",
    hint: `add \`parameters\` to this file, or let 'sweep init --from ${at}' write a sweep file with \`trainer: llamafactory\` and \`base: ${name}\``,
  })
}

export const readLlamaFactory = (top: Fields, inline: boolean): NonNullable<ReadSweep["llamafactory"]> => {
  const base = given(top.get("base"), "the path of a LLaMA-Factory configuration") ?? null
  const own = new Set(topLevelKeys)
  const entries = inline ? Array.from(top).filter(([key]) => !own.has(key)) : []
  return { base, inline: readConfiguration(entries) }
}

export const refuseConfiguration = (top: Fields, trainer: Trainer, inline: boolean): void => {
  top.get("base")?.report({
    message: `\`base\` belongs to \`trainer: llamafactory\`, and this sweep's is \`${trainer}\``,
  })
  if (!inline) return
  top.get("model_name_or_path")?.report({
    message: `\`model_name_or_path\` belongs to \`trainer: llamafactory\`, and this sweep's is \`${trainer}\``,
    hint: "write `model`, or take `trainer: llamafactory`",
  })
}
