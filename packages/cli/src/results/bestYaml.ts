// A configuration as the YAML block that `sweep best --yaml` prints, to paste into a sweep file or a configuration.
import { stringify } from "yaml"
import type { Configuration } from "@sweep/domain/configurations"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { result } from "../terminal/format.ts"

export const bestYaml = (spec: SweepSpec, best: Configuration, { trials, parameters } = best): string =>
  `# best of sweep ${trials[0].sweep}: trial ${trials.map(({ number }) => number).join(", ")}, ${spec.metric.name} ${result(best)}, seed ${trials.map(({ seed }) => seed).join(", ")}\n` +
  stringify({ model: spec.model, ...parameters }).trimEnd()
