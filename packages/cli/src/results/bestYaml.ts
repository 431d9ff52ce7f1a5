// The configuration to run next as the YAML block that `sweep best --yaml` prints, to paste into a sweep file or a
// configuration: the best parameters, with as much training as helped.
import { stringify } from "yaml"
import type { Answer } from "@sweep/diagnosis/answer"
import type { Configuration } from "@sweep/domain/configurations"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { result } from "../terminal/format.ts"

export const bestYaml = (spec: SweepSpec, { trials, ...best }: Configuration, { next }: Answer): string =>
  `# best of sweep ${trials[0].sweep}: trial ${trials.map(({ number }) => number).join(", ")}, ${spec.metric.name} ${result(best)}, seed ${trials.map(({ seed }) => seed).join(", ")}\n` +
  (next.shorter === null
    ? ""
    : `# ${next.shorter.parameter}: ${next.shorter.to} instead of ${next.shorter.from}, because of ${next.shorter.because}\n`) +
  stringify({ model: spec.model, ...next.parameters }).trimEnd()
