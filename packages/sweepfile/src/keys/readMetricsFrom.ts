// `metrics_from`: where the metrics of a program are read that reports none itself. Owns its keys and the check of
// patterns; the reading is the SDK's (agents/python, sweep_sdk.watch), whose regular expressions these are.
import type { MetricsFrom } from "@sweep/domain/SweepSpec"
import type { Field } from "../parse/Field.ts"

const readPattern = (field: Field): string | undefined => {
  const text = field.text("a regular expression with a named group for each metric")
  if (text === undefined) return undefined
  try {
    // Python's named groups in JavaScript's form; what both understand is what is needed here.
    const groups = new RegExp(`${text.replaceAll("(?P<", "(?<")}|`).exec("")?.groups
    if (groups !== undefined) return text
  } catch (error) {
    return field.report({
      message: `\`${field.path}\` is no regular expression: ${(error as Error).message.replace(/^.*: /, "")}`,
    })
  }
  return field.report({
    message: `\`${field.path}\` names no metric`,
    found: JSON.stringify(text),
    expected: "a named group for each, such as `loss=(?P<loss>[-+.\\deE]+)`; `step` and `epoch` are theirs",
  })
}

const readPath = (field: Field): string | undefined => {
  const path = field.text("a path below the program's working directory")
  if (path === undefined) return undefined
  return path.split("/").includes("..")
    ? field.wrong("a path below the program's working directory, without `..`")
    : path
}

export const readMetricsFrom = (field: Field): MetricsFrom | undefined => {
  const fields = field.map(["stdout", "json", "csv", "tensorboard"])
  if (fields === undefined) return undefined
  if (Array.from(fields).length === 0) return field.wrong("`stdout`, `json`, `csv` or `tensorboard`")
  const stdout = fields.get("stdout")
  const patterns =
    stdout === undefined ? [] : (stdout.node.kind === "list" ? stdout.list()! : [stdout]).map(readPattern)
  const paths = (["json", "csv", "tensorboard"] as const).map((key) => {
    const given = fields.get(key)
    return [key, given === undefined ? null : readPath(given)] as const
  })
  if (patterns.includes(undefined) || paths.some(([, path]) => path === undefined)) return undefined
  return {
    ...(patterns.length > 0 ? { stdout: patterns as ReadonlyArray<string> } : {}),
    ...Object.fromEntries(paths.flatMap(([key, path]) => (path === null ? [] : [[key, path!]]))),
  }
}
