// The registry of early-stopping rules: from `early_terminate` of a sweep file to the rule that carries it out. The
// spec room has checked the options and filled in their defaults (docs/sweep-file.md).
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { asha, type AshaOptions } from "./Asha.ts"
import { medianRule, type MedianOptions } from "./MedianRule.ts"
import { patience, type PatienceOptions } from "./Patience.ts"
import { neverPromotes, proceed, type Stopper } from "./Stopper.ts"
import { threshold, type ThresholdOptions } from "./Threshold.ts"
import { wandbHyperband, type WandbHyperbandOptions } from "./WandbHyperband.ts"

type Options = NonNullable<SweepSpec["earlyTerminate"]>

/** The options as the rule's own type: the spec room vouches for it. */
const as = <T>(options: Options): T => options as unknown as T

export const ashaOptionsOf = (options: Options): AshaOptions => as<AshaOptions>(options)

const rules: Readonly<Record<string, (options: Options, spec: SweepSpec) => Stopper>> = {
  asha: (options, { metric }) => asha(metric.goal, metric.summary, as<AshaOptions>(options)),
  bohb: (options, { metric }) => asha(metric.goal, metric.summary, as<AshaOptions>(options)),
  hyperband: (options, { metric }) => wandbHyperband(metric.goal, as<WandbHyperbandOptions>(options)),
  median: (options, { metric }) => medianRule(metric.goal, as<MedianOptions>(options)),
  patience: (options, { metric }) => patience(metric.goal, as<PatienceOptions>(options)),
  threshold: (options) => threshold(as<ThresholdOptions>(options)),
  // It ends nobody: its members wait for each other, and what follows is PopulationBased.ts'.
  pbt: () => ({ decide: () => proceed, promote: neverPromotes }),
}

/** `null` when the sweep names no rule. */
export const stopperFor = (spec: SweepSpec): Stopper | null => {
  const options = spec.earlyTerminate
  if (options === null) return null
  const rule = rules[String(options["type"])]
  if (rule === undefined) throw new TypeError(`no early-stopping rule is called ${JSON.stringify(options["type"])}`)
  return rule(options, spec)
}
