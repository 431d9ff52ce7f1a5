// The configuration to run next as a sweep file of one trial, which `sweep best --yaml` prints: the best parameters, with
// as much training as helped. Paths in it are absolute, so that it runs wherever it is put.
import { stringify } from "yaml"
import type { Answer } from "@sweep/diagnosis/answer"
import type { Configuration } from "@sweep/domain/configurations"
import { owned } from "@sweep/domain/LlamaFactory"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { result } from "../terminal/format.ts"

/** Where it comes from, and what is not as the best trial had it. */
export const bestComment = (spec: SweepSpec, { trials, ...best }: Configuration, { next }: Answer): string =>
  `# best of sweep ${trials[0].sweep}: trial ${trials.map(({ number }) => number).join(", ")}, ${spec.metric.name} ${result(best)}, seed ${trials.map(({ seed }) => seed).join(", ")}\n` +
  (next.shorter === null
    ? ""
    : `# ${next.shorter.parameter}: ${next.shorter.to} instead of ${next.shorter.from}, because of ${next.shorter.because}\n`)

/** Dotted names as the nested groups they are. */
const nested = (parameters: Parameters, groups: ReadonlyArray<string>, prefix = ""): Record<string, unknown> => {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(parameters)) {
    if (!name.startsWith(prefix)) continue
    const rest = name.slice(prefix.length)
    const group = groups.find(
      (one) =>
        one.startsWith(prefix) &&
        !one.slice(prefix.length).includes(".") &&
        rest.startsWith(`${one.slice(prefix.length)}.`),
    )
    if (group === undefined) result[rest] = value
    else result[group.slice(prefix.length)] ??= { parameters: nested(parameters, groups, `${group}.`) }
  }
  return result
}

export const bestYaml = (spec: SweepSpec, best: Configuration, answer: Answer): string => {
  const { name, trainer, command, model, data, metric, groups = [], llamafactory } = spec
  const base = Object.entries(llamafactory?.base ?? {}).filter(([key]) => !owned.has(key))
  const file = {
    name: `${name.slice(0, 190)} best`,
    ...(trainer === "peft" ? {} : { trainer }),
    ...(command === null ? {} : { command }),
    ...(model === "" || llamafactory !== undefined ? {} : { model }),
    // LLaMA-Factory's own keys may stand in the sweep file.
    ...(llamafactory === undefined ? {} : { model_name_or_path: model, stage: "sft", ...Object.fromEntries(base) }),
    ...(data.train.path === "" ? {} : { data: { train: data.train.path, eval: data.eval.path } }),
    metric: { name: metric.name, goal: metric.goal },
    method: "grid",
    parameters: nested(answer.next.parameters, groups),
  }
  return bestComment(spec, best, answer) + stringify(file, { lineWidth: 0 }).trimEnd()
}
