// Replicas: each set of parameters is run `replicas` times with different seeds, in trials whose numbers follow each
// other, and samplers and stopping rules see their mean. Owns this numbering, the seeds, and the mean.
import { TrialNumber } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import { type Observation, observe, type Outcome } from "@sweep/search/History"
import type { Curves, Report } from "@sweep/search/Stopper"

/** The number of the set that a trial belongs to, from 1, and its place in it, from 0. */
export const placeOf = (trial: number, replicas: number) => ({
  set: Math.ceil(trial / replicas),
  replica: (trial - 1) % replicas,
})

export const firstOf = (set: number, replicas: number): TrialNumber => TrialNumber.make((set - 1) * replicas + 1)

/** Whether a person asked for the trial, or for the set it repeats, as a clone of another one. */
export const isClone = ({ spec: { replicas }, trials }: SweepState, number: TrialNumber): boolean =>
  trials.get(firstOf(placeOf(number, replicas).set, replicas))?.origin._tag === "Clone"

/**
 * The seed of a trial. Trials of different parameters share the seeds of their replicas: what differs between them is
 * then the parameters and not the order of the data (common random numbers).
 */
export const seedOf = (sweepSeed: number, replica: number): number => sweepSeed + replica

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const meanByName = (trials: ReadonlyArray<Observation>): Record<string, number> => {
  const columns = new Map<string, Array<number>>()
  for (const { values } of trials) {
    for (const [name, value] of Object.entries(values)) columns.set(name, [...(columns.get(name) ?? []), value])
  }
  return Object.fromEntries(Array.from(columns, ([name, values]) => [name, mean(values)]))
}

/** Open while one of its trials is; else the best-informed outcome of any of them. */
const ranking: ReadonlyArray<Outcome> = ["open", "completed", "stopped", "failed", "infeasible", "cancelled"]

/** The set that `number` belongs to as one observation, numbered by sets. */
export const observeSet = (sweep: SweepState, number: TrialNumber): Observation => {
  const { replicas } = sweep.spec
  const { set } = placeOf(number, replicas)
  const first = firstOf(set, replicas)
  const trials: Array<Observation> = []
  for (let i = 0; i < replicas; i++) {
    const trial: Trial | undefined = sweep.trials.get(TrialNumber.make(first + i))
    if (trial !== undefined) trials.push(observe(trial))
  }
  const outcome = ranking.find((candidate) => trials.some((trial) => trial.outcome === candidate))!
  const same = trials.filter((trial) => trial.outcome === outcome)
  const objectives = same.flatMap(({ objective }) => (objective === null ? [] : [objective]))
  return {
    number: set,
    parameters: trials[0]!.parameters,
    outcome,
    objective: objectives.length === 0 ? null : mean(objectives),
    values: meanByName(same),
  }
}

/** By sets, as samplers and rules count: at each step the mean of what the set's trials have reported there. */
export const curvesOfSets = (curves: Curves, replicas: number): Curves => {
  if (replicas === 1) return curves
  const sets = Map.groupBy(curves, ([trial]) => placeOf(trial, replicas).set)
  return new Map(
    Array.from(sets, ([set, members]) => {
      const steps = Map.groupBy(
        members.flatMap(([, curve]) => curve),
        ({ step }) => step,
      )
      const points = Array.from(steps, ([step, reports]): Report => ({
        trial: set,
        step,
        epoch: reports.find(({ epoch }) => epoch !== null)?.epoch ?? null,
        seconds: mean(reports.map(({ seconds }) => seconds)),
        value: mean(reports.map(({ value }) => value)),
      }))
      return [set, points.sort((a, b) => a.step - b.step)] as const
    }),
  )
}
