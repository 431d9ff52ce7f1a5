// Which trials of a sweep share a prefix: those that differ in their epochs alone, where nothing before the last phase
// depends on the length. The longer one can resume from where the shorter one's beginning ended. Owns what a beginning is
// known by; training it once is the trainer's work, the order that makes it possible the coordinator's.
import { canonicalText, type Parameters } from "../space/Parameter.ts"
import { populationOptions } from "./population.ts"
import type { TrialDetails } from "./SweepResults.ts"
import type { SweepSpec } from "./SweepSpec.ts"
import { parameterDefaults, variants } from "../training/TrainingConfig.ts"
import type { Trial } from "../trial/Trial.ts"

/**
 * With one number of epochs nothing would ever resume from what a trial leaves. Members of a population share no
 * beginnings: their parameters change on the way.
 */
export const searchesEpochs = ({ trainer, space, earlyTerminate }: SweepSpec): boolean =>
  trainer === "peft" &&
  populationOptions({ earlyTerminate }) === null &&
  (space.derived.some(({ name }) => name === "epochs") ||
    space.dimensions.some(({ name, distribution }) => name === "epochs" && distribution._tag !== "Constant"))

/** The greatest number of epochs a trial of the sweep may have; infinite where that is not known. */
export const mostEpochs = ({ space, enqueue }: SweepSpec): number => {
  if (space.derived.some(({ name }) => name === "epochs")) return Infinity
  const searched = space.dimensions.flatMap(({ name, distribution: d }): ReadonlyArray<number> => {
    if (name !== "epochs") return []
    if (d._tag === "Categorical") return d.values.map(Number)
    return [d._tag === "Constant" ? Number(d.value) : "max" in d ? d.max : Infinity]
  })
  return Math.max(...searched, ...enqueue.map(epochsOf))
}

const valueOf = (parameters: Parameters, name: keyof typeof parameterDefaults) =>
  parameters[name] === undefined ? parameterDefaults[name] : parameters[name]

export const epochsOf = (parameters: Parameters): number => Number(valueOf(parameters, "epochs"))

/** Share of all steps in which warmup-stable-decay decays: as the trainer plans it, which the tests ask of it. */
export const decayShare = 0.1

/** Of `steps`, those that a longer run has in common with this one. */
export const commonSteps = (parameters: Parameters, steps: number): number =>
  valueOf(parameters, "schedule") === "constant" ? steps : steps - Math.ceil(decayShare * steps)

/** The same text for the trials that share a prefix; `null` for one that shares its beginning with none. */
export const beginningOf = (spec: SweepSpec, trial: Pick<Trial, "parameters" | "seed">): string | null => {
  const { parameters, seed } = trial
  if (!searchesEpochs(spec)) return null
  const schedule = valueOf(parameters, "schedule")
  if (schedule !== "constant" && schedule !== "warmup_stable_decay") return null
  if (valueOf(parameters, "warmup_ratio") !== 0 || valueOf(parameters, "max_steps") !== null) return null
  // AdaLoRA plans its ranks over the whole run.
  if (variants[String(valueOf(parameters, "variant"))]?.adapter === "adalora") return null
  const { epochs: _, ...rest } = parameters
  return `${seed} ${canonicalText(rest)}`
}

export interface SharedSteps {
  /** That resume from another one. */
  readonly runs: number
  /** Optimiser steps that need not be trained again, of all steps. */
  readonly steps: number
  readonly of: number
}

/** What trials said of it; `null` when none resumed from another one. */
export const sharedSteps = (details: Iterable<TrialDetails>): SharedSteps | null => {
  let [runs, steps, all] = [0, 0, 0]
  for (const { started, finished } of details) {
    const shared = started?.shared_steps ?? 0
    if (shared > 0) runs++
    steps += shared
    all += finished?.step ?? started?.total_steps ?? 0
  }
  return runs === 0 ? null : { runs, steps, of: all }
}
