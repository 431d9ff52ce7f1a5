// A configuration as the YAML block that `sweep best --yaml` prints, to paste into a sweep file or a configuration.
import { stringify } from "yaml"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { Trial } from "@sweep/domain/Trial"
import { number } from "./terminal/format.ts"

export const bestYaml = (spec: SweepSpec, trial: Trial): string =>
  `# best of sweep ${trial.sweep}: trial ${trial.number}, ${spec.metric.name} ${number(trial.objective!)}, seed ${trial.seed}\n` +
  stringify({ model: spec.model, ...trial.parameters }).trimEnd()
