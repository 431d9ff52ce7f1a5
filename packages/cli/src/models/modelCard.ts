// README.md of an exported model: where it comes from and what is known of it, in the form hubs read. Owns the text.
import { basename, isAbsolute } from "node:path"
import { stringify } from "yaml"
import { formatTrialRef } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import { evidenceSentence } from "@sweep/diagnosis/sentence"
import { version } from "../version.ts"

const table = (rows: ReadonlyArray<readonly [string, unknown]>): ReadonlyArray<string> => [
  "| | |",
  "| --- | --- |",
  ...rows.map(([name, value]) => `| ${name} | ${String(value).replaceAll("|", "\\|")} |`),
]

export const modelCard = (
  { id, spec }: Pick<SweepState, "id" | "spec">,
  trial: Trial,
  kind: "adapter" | "model",
): string => {
  // A folder of this machine says nothing to anybody else.
  const base = isAbsolute(spec.model) ? basename(spec.model) : spec.model
  const { verdict, parameters, objective, seed } = trial
  const front = {
    ...(isAbsolute(spec.model) ? {} : { base_model: spec.model }),
    ...(kind === "adapter" ? { library_name: "peft" } : { library_name: "transformers" }),
    tags: ["sweep", ...(kind === "adapter" ? ["lora"] : [])],
  }
  const { train, eval: evaluation } = spec.data
  return [
    "---",
    stringify(front).trimEnd(),
    "---",
    "",
    `# ${formatTrialRef({ sweep: id, trial: trial.number })}`,
    "",
    kind === "adapter"
      ? `An adapter for \`${base}\`, at its best evaluation.`
      : `\`${base}\`, fine-tuned: a model that needs no adapter.`,
    ...(spec.description === "" ? [] : ["", spec.description]),
    "",
    ...table([
      [spec.metric.name, objective ?? "unknown"],
      ["verdict", verdict?.kind ?? "none"],
      ["seed", seed],
      ["trainer", spec.trainer],
      ["training data", `${train.records} records, SHA-256 ${train.sha256}`],
      ["eval data", `${evaluation.records} records, SHA-256 ${evaluation.sha256}`],
      ["made with", `sweep ${version}`],
    ]),
    ...(verdict === null || verdict.evidence.length === 0
      ? []
      : ["", ...verdict.evidence.filter(({ holds }) => holds).map((one) => `- ${evidenceSentence(one, "en")}`)]),
    "",
    "## Parameters",
    "",
    ...table(Object.entries(parameters)),
    "",
  ].join("\n")
}
