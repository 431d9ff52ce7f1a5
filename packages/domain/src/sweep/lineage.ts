// Who resumed from whom in a population, read off its trials. Owns putting each takeover together with the parameters that
// both sides had then; deciding them is the search package's.
import type { Epoch, TrialNumber } from "../Id.ts"
import type { Parameters, ParameterValue } from "../space/Parameter.ts"
import type { Reason } from "../reason/Reason.ts"
import type { Trial } from "../trial/Trial.ts"

export interface Takeover {
  readonly trial: TrialNumber
  /** Whose checkpoint it resumed from. */
  readonly from: TrialNumber
  /** Optimiser steps. */
  readonly step: number
  readonly reason: Reason
  /** What was changed on the way: the trial's own value until then, the other one's, and the trial's since. */
  readonly changes: ReadonlyArray<{
    readonly name: string
    readonly before: ParameterValue | undefined
    readonly parent: ParameterValue | undefined
    readonly after: ParameterValue | undefined
  }>
}

/** What an attempt ran with. */
const parametersAt = ({ parameters, lineage }: Trial, epoch: Epoch): Parameters =>
  lineage.find(({ after }) => after !== null && after >= epoch)?.replaced ?? parameters

/** All of a trial, in their order. */
export const takeoversOf = (trials: ReadonlyMap<TrialNumber, Trial>, trial: Trial): ReadonlyArray<Takeover> =>
  trial.lineage.map(({ trial: from, epoch, step, reason, replaced }, i) => {
    const after = trial.lineage[i + 1]?.replaced ?? trial.parameters
    const giver = trials.get(from)
    const parent = giver === undefined ? {} : parametersAt(giver, epoch)
    const names = Object.keys({ ...parent, ...after }).filter((name) => parent[name] !== after[name])
    const changes = names.map((name) => ({ name, before: replaced[name], parent: parent[name], after: after[name] }))
    return { trial: trial.number, from, step, reason, changes }
  })

/** All of a sweep, the earliest in training first. */
export const takeovers = (trials: ReadonlyMap<TrialNumber, Trial>): ReadonlyArray<Takeover> =>
  Array.from(trials.values())
    .flatMap((trial) => takeoversOf(trials, trial))
    .sort((a, b) => a.step - b.step || a.trial - b.trial)
