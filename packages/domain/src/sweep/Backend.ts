// Which training runs a backend can carry out: for each axis of a TrainingConfig the values it has. Owns the
// declaration, so that an impossible sweep is refused when it is read and not after a GPU hour. That it is true of the
// trainer is tested against what the trainer says of itself (`python -m sweep_trainer describe`).
import * as Result from "effect/Result"
import type { ParameterValue } from "../space/Parameter.ts"
import type { SweepSpec } from "./SweepSpec.ts"
import { fromParameters, type TrainingConfig, variants } from "../training/TrainingConfig.ts"

interface Backend {
  readonly adapter: ReadonlyArray<TrainingConfig["adapter"]["type"]>
  readonly quantization: ReadonlyArray<TrainingConfig["quantization"]["type"]>
  readonly objective: ReadonlyArray<TrainingConfig["objective"]["type"]>
  readonly post: ReadonlyArray<TrainingConfig["post"]["type"]>
}

export const peft: Backend = {
  adapter: ["lora", "rslora", "dora", "lora+", "pissa", "adalora", "oft", "moka", "freeze", "full"],
  quantization: ["none", "nf4", "int8"],
  objective: ["sft", "upft"],
  post: ["none", "norm"],
}

/** The axes on which `backend` lacks what `config` asks for: `quantization nf4`. Empty when it can run. */
export const lacking = (
  backend: Backend,
  config: Pick<TrainingConfig, "adapter" | "quantization" | "objective" | "post">,
): ReadonlyArray<string> =>
  (["adapter", "quantization", "objective", "post"] as const).flatMap((axis) => {
    const { type } = config[axis]
    return (backend[axis] as ReadonlyArray<string>).includes(type) ? [] : [`${axis} ${type}`]
  })

const lackingVariant = (backend: Backend, variant: ParameterValue): ReadonlyArray<string> => {
  const config = fromParameters({ model: "", train: "", eval: "" }, { variant })
  return Result.isSuccess(config) ? lacking(backend, config.success) : []
}

/** Why the sweep cannot run on its backend: a sentence per variant in its space that cannot. */
export const unrunnable = (spec: SweepSpec): ReadonlyArray<string> => {
  if (spec.trainer !== "peft") return []
  const distribution = spec.space.dimensions.find(({ name }) => name === "variant")?.distribution
  const values =
    distribution?._tag === "Categorical"
      ? distribution.values
      : distribution?._tag === "Constant"
        ? [distribution.value]
        : []
  const able = Object.keys(variants).filter((variant) => lackingVariant(peft, variant).length === 0)
  return values.flatMap((value) => {
    const missing = lackingVariant(peft, value)
    return missing.length === 0
      ? []
      : [
          `the PEFT trainer cannot run ${String(value)} yet: it lacks ${missing.join(" and ")}; it runs ${able.join(", ")}`,
        ]
  })
}
