// The values of the sweep's metric that every trial reported, for early-stopping rules. Owns these curves in memory, of
// those sweeps alone that have a rule: a rule looks at all of them at every report.
import * as Effect from "effect/Effect"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { TrialEventOf } from "@sweep/domain/TrialEvent"
import type { Report } from "@sweep/search/Stopper"
import { type EventBatch, Store, type StoreError } from "@sweep/store/Store"

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
  /** Of each trial, the optimiser steps it is to do. */
  readonly #totals = new Map<string, number>()

  has(sweep: SweepId): boolean {
    return this.#sweeps.has(sweep)
  }

  of(sweep: SweepId): Curves {
    return this.#sweeps.get(sweep) ?? new Map()
  }

  /** Begins to keep the reports of a sweep that has none yet. */
  begin(sweep: SweepId): void {
    if (!this.#sweeps.has(sweep)) this.#sweeps.set(sweep, new Map())
  }

  /** Begins to keep the reports of a sweep, with what is stored of it. When those came is not known any more. */
  readonly resume = (sweep: SweepState): Effect.Effect<void, StoreError, Store> =>
    Effect.gen({ self: this }, function* () {
      const curves: Curves = new Map()
      this.#sweeps.set(sweep.id, curves)
      const store = yield* Store
      for (const { trial, started } of yield* store.details(sweep.id)) this.#noteTotal(sweep.id, trial, started)
      const metrics = [sweep.spec.metric.name]
      for (const { trial, points } of yield* store.curves(sweep.id, { metrics, maxPoints: 100_000 })) {
        const total = this.#totals.get(`${sweep.id}/${trial}`) ?? null
        const of = sweep.trials.get(trial)
        curves.set(
          trial,
          points.map(({ step, value }) => ({ trial, step, epoch: epochAt(of, step, total), seconds: 0, value })),
        )
      }
    })

  /** Takes a committed batch in; returns the new reports. */
  take(batch: EventBatch, metric: string, trial: Trial | undefined): ReadonlyArray<Report> {
    const curves = this.#sweeps.get(batch.sweep)
    if (curves === undefined) return []
    for (const event of batch.events) {
      if (event.type === "started") this.#noteTotal(batch.sweep, batch.trial, event)
    }
    const { points } = batch
    const index = points.metrics.indexOf(metric)
    if (index < 0) return []
    const known = curves.get(batch.trial) ?? []
    curves.set(batch.trial, known)
    const key = `${batch.sweep}/${batch.trial}`
    const total = this.#totals.get(key) ?? null
    const fresh: Array<Report> = []
    for (let i = 0; i < points.seq.length; i++) {
      if (points.metric[i] !== index) continue
      const at = points.at[i]!
      const start = this.#starts.get(key) ?? at
      this.#starts.set(key, start)
      const step = points.step[i]!
      // A later attempt goes on from a checkpoint: what it repeats takes the place of what was there.
      while (known.length > 0 && known.at(-1)!.step >= step) known.pop()
      const seconds = Math.max(0, (at - start) / 1_000)
      const report = { trial: batch.trial, step, epoch: epochAt(trial, step, total), seconds, value: points.value[i]! }
      known.push(report)
      fresh.push(report)
    }
    return fresh
  }

  #noteTotal(sweep: SweepId, trial: TrialNumber, started: TrialEventOf<"started"> | null): void {
    if (started?.total_steps !== undefined) this.#totals.set(`${sweep}/${trial}`, started.total_steps)
  }
}
