// The values of the sweep's metric that every trial reported, for early-stopping rules. Owns these curves in memory, of
// those sweeps alone that have a rule: a rule looks at all of them at every report.
import * as Effect from "effect/Effect"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import type { Trial } from "@sweep/domain/Trial"
import type { Report } from "@sweep/search/Stopper"
import { type EventBatch, Store, type StoreError } from "@sweep/store/Store"
import type { State } from "./State.ts"

type Curves = Map<number, Array<Report>>

/** Epochs done after `step`, by the planned number of steps; `null` when the trainer does not say how many. */
const epochAt = (trial: Trial | undefined, step: number, totalSteps: number | null): number | null => {
  if (totalSteps === null || totalSteps <= 0) return null
  const epochs = trial?.parameters["epochs"] ?? parameterDefaults.epochs
  return typeof epochs === "number" ? (step / totalSteps) * epochs : null
}

export class Reports {
  readonly #sweeps = new Map<SweepId, Curves>()
  /** Of each trial, when its first report came on its agent's clock. */
  readonly #starts = new Map<string, number>()

  has(sweep: SweepId): boolean {
    return this.#sweeps.has(sweep)
  }

  of(sweep: SweepId): ReadonlyMap<number, ReadonlyArray<Report>> {
    return this.#sweeps.get(sweep) ?? new Map()
  }

  /** Begins to keep the reports of a sweep, with what is stored of it. Of those the time is not known. */
  readonly keep = (sweep: SweepId, metric: string): Effect.Effect<void, StoreError, Store> =>
    Effect.gen({ self: this }, function* () {
      if (this.#sweeps.has(sweep)) return
      const curves: Curves = new Map()
      this.#sweeps.set(sweep, curves)
      const store = yield* Store
      for (const { trial, points } of yield* store.curves(sweep, { metrics: [metric], maxPoints: 100_000 })) {
        curves.set(
          trial,
          points.map(({ step, value }) => ({ trial, step, epoch: null, seconds: 0, value })),
        )
      }
    })

  /** Takes a committed batch in; returns the new reports. */
  take(batch: EventBatch, metric: string, state: State, totalSteps: number | null): ReadonlyArray<Report> {
    const curves = this.#sweeps.get(batch.sweep)
    const { points, trial } = batch
    const index = points.metrics.indexOf(metric)
    if (curves === undefined || index < 0) return []
    const known = curves.get(trial) ?? []
    curves.set(trial, known)
    const key = `${batch.sweep}/${trial}`
    const fresh: Array<Report> = []
    for (let i = 0; i < points.seq.length; i++) {
      if (points.metric[i] !== index) continue
      const at = points.at[i]!
      const start = this.#starts.get(key) ?? at
      this.#starts.set(key, start)
      const step = points.step[i]!
      // A later attempt goes on from a checkpoint: what it repeats takes the place of what was there.
      while (known.length > 0 && known.at(-1)!.step >= step) known.pop()
      const epoch = epochAt(state.trial(batch.sweep, trial), step, totalSteps)
      const report = { trial, step, epoch, seconds: Math.max(0, (at - start) / 1_000), value: points.value[i]! }
      known.push(report)
      fresh.push(report)
    }
    return fresh
  }

  forget(sweep: SweepId): void {
    const trials: Iterable<number> = this.#sweeps.get(sweep)?.keys() ?? []
    for (const trial of trials) this.#starts.delete(`${sweep}/${trial as TrialNumber}`)
    this.#sweeps.delete(sweep)
  }
}
