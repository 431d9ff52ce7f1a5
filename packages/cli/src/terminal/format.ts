// How numbers, durations and parameters are written for people, everywhere in the terminal. Pure.
import type { Configuration } from "@sweep/domain/configurations"
import type { Distribution } from "@sweep/domain/Distribution"
import type { Takeover } from "@sweep/domain/lineage"
import type { ParameterValue, Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { SweepState } from "@sweep/domain/SweepState"
import type { StepSize } from "@sweep/domain/OutOfMemory"
import type { Failure } from "@sweep/domain/Trial"
import type { TrialWarning } from "@sweep/domain/TrialWarning"
import { reasonSentence } from "@sweep/domain/reasonSentence"

/** `0:07`, `4:31`, `2:03:11`, `3 d 04:12`. */
export const duration = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const two = (n: number) => String(n).padStart(2, "0")
  const s = seconds % 60
  const m = Math.floor(seconds / 60) % 60
  const h = Math.floor(seconds / 3600)
  if (h >= 48) return `${Math.floor(h / 24)} d ${two(h % 24)}:${two(m)}`
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** Four significant digits, without trailing zeros: `1.702`, `2.5e-5`, `12`. */
export const number = (value: number): string => {
  if (!Number.isFinite(value)) return String(value)
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value)
  const magnitude = Math.abs(value)
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e7)) {
    return value
      .toExponential(3)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e")
  }
  return String(Number(value.toPrecision(4)))
}

const stepText = ({ microBatchSize, gradientCheckpointing }: StepSize): string =>
  `micro_batch_size ${microBatchSize}${gradientCheckpointing ? " and gradient checkpointing" : ""}`

/** What became of a trial that has no result: what does not fit has not failed. */
export const failureText = (failure: Pick<Failure, "class" | "message">): string => {
  const message = printable(reasonSentence(failure.message))
  return failure.class === "oom" ? `does not fit: ${message}` : `failed (${failure.class}): ${message}`
}

/** A warning on a trial, as a sentence. */
export const warningText = (warning: TrialWarning): string => {
  if (warning._tag === "StepMadeSmaller") {
    return `out of memory with ${stepText(warning.before)}: it continues with ${stepText(warning.after)}, with the same result`
  }
  const { unreadable, missing, problem } = warning
  const lines = [
    ...(unreadable === 0 ? [] : [`${unreadable} lines of its events.jsonl could not be read`]),
    ...(missing === 0 ? [] : [`${missing} line numbers are missing`]),
  ]
  const what = lines.length === 0 ? "part of its events.jsonl was not sent" : lines.join(", ")
  return problem === null ? what : `${what}; the first: ${problem}`
}

export const bytes = (value: number): string => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"]
  let unit = 0
  let scaled = value
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024
    unit++
  }
  return `${scaled >= 100 || unit === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${units[unit]}`
}

export const parameterValue = (value: ParameterValue): string =>
  typeof value === "number" ? number(value) : String(value)

const shortNames: Readonly<Record<string, string>> = { learning_rate: "lr", batch_size: "batch", weight_decay: "decay" }

const isConstant = (distribution: Distribution): boolean =>
  distribution._tag === "Constant" || (distribution._tag === "Categorical" && distribution.values.length === 1)

const onlyValue = (distribution: Distribution): ParameterValue | undefined =>
  distribution._tag === "Constant"
    ? distribution.value
    : distribution._tag === "Categorical"
      ? distribution.values[0]
      : undefined

/** The parameters that the sweep varies, in the order of its file, and those that a person varied by hand. */
export const varying = ({ spec, trials }: SweepState): ReadonlyArray<string> => {
  const { dimensions, derived } = spec.space
  const names = new Set([
    ...dimensions.filter((d) => !isConstant(d.distribution)).map((d) => d.name),
    ...derived.map((d) => d.name),
  ])
  const fixed = new Map(dimensions.map(({ name, distribution }) => [name, onlyValue(distribution)]))
  for (const { origin, parameters } of trials.values()) {
    if (origin._tag === "Sampler") continue
    for (const [name, value] of Object.entries(parameters)) {
      if (!names.has(name) && fixed.get(name) !== value) names.add(name)
    }
  }
  return Array.from(names)
}

/** `rank 8 · alpha 16 · lr 0.003` */
export const parameters = (names: ReadonlyArray<string>, values: Parameters): string =>
  names
    .filter((name) => name in values)
    .map((name) => `${shortNames[name] ?? name} ${parameterValue(values[name]!)}`)
    .join(" · ")

/** `1.702`, of several runs `1.702 ± 0.013`. */
export const result = ({ mean, deviation }: Pick<Configuration, "mean" | "deviation">): string =>
  deviation === null ? number(mean) : `${number(mean)} ± ${Number(deviation.toPrecision(2))}`

/** ` (mean of 2 runs)`, ` (1 of 3 runs)`; nothing for the only one. */
export const runsOf = ({ trials }: Pick<Configuration, "trials">, { replicas }: SweepSpec): string => {
  const runs =
    trials.length < replicas ? `${trials.length} of ${plural(replicas, "run")}` : plural(trials.length, "run")
  if (trials.length > 1) return ` (mean of ${runs})`
  return replicas > 1 ? ` (${runs})` : ""
}

/** `#3`, of several runs `#3 #4`. */
export const trialNumbers = ({ trials }: Pick<Configuration, "trials">): string =>
  trials.map(({ number }) => `#${number}`).join(" ")

/** `#2 from #1 at step 32: lr 0.0048 → 0.0095, had 1.6e-4` */
export const takeoverText = ({ trial, from, step, changes }: Takeover): string => {
  const value = (of: ParameterValue | undefined) => (of === undefined ? "–" : parameterValue(of))
  const changed = changes.map(
    ({ name, before, parent, after }) =>
      `${shortNames[name] ?? name} ${value(parent)} → ${value(after)}, had ${value(before)}`,
  )
  return `#${trial} from #${from} at step ${step}${changed.length === 0 ? "" : `: ${changed.join("; ")}`}`
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** Control characters out: names, logs and answers are data, and never steer the terminal. */
export const printable = (text: string): string =>
  text
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "")
