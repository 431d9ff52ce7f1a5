// The values of the sweep's metric that every trial reported, for early-stopping rules. Owns these curves in memory, of
// those sweeps alone that have a rule: a rule looks at all of them at every report.
import * as Effect from "effect/Effect"
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import type { SweepState } from "@sweep/domain/SweepState"
import type { Trial } from "@sweep/domain/Trial"
import type { TrialEventOf } from "@sweep/domain/TrialEvent"
import type { Report } from "@sweep/search/Stopper"
import type { EventBatch } from "@sweep/store/EventBatch"
import { Store, type StoreError } from "@sweep/store/Store"

type Curves = Map<number, Array<Report>>

/** Epochs done after `step`, by the planned number of steps; `null` when the trainer does not say how many. */
const epochAt = (trial: Trial | undefined, step: number, totalSteps: number | null): number | null => {
  if (totalSteps === null || totalSteps <= 0) return null
  const epochs = trial?.parameters["epochs"] ?? parameterDefaults.epochs
  return typeof epochs === "number" ? (step / totalSteps) * epochs : null
}

const addTo = (curves: Curves, report: Report): void => {
  const curve = curves.get(report.trial) ?? []
  curves.set(report.trial, curve)
  // A later attempt resumes from a checkpoint: what it repeats takes the place of what was there.
  while (curve.length > 0 && curve.at(-1)!.step >= report.step) curve.pop()
  curve.push(report)
}

export class Reports {
  readonly #sweeps = new Map<SweepId, Curves>()
  /** Of each trial, when its first report came on its agent's clock. */
  readonly #starts = new Map<string, number>()
  /** Of each trial, the optimiser steps it is to do. */
  readonly #totals = new Map<string, number>()
  /** Of each trial, up to where the lines of its newest attempt were read. */
  readonly #seen = new Map<string, { readonly epoch: number; readonly seq: number }>()

  has(sweep: SweepId): boolean {
    return this.#sweeps.has(sweep)
  }

  /** Of a sweep that is gone. */
  forget(sweep: SweepId): void {
    this.#sweeps.delete(sweep)
    for (const index of [this.#starts, this.#totals, this.#seen]) {
      for (const key of index.keys()) if (key.startsWith(`${sweep}/`)) index.delete(key)
    }
  }

  of(sweep: SweepId): Curves {
    return this.#sweeps.get(sweep) ?? new Map()
  }

  /** Begins to keep the reports of a sweep, with what is stored of it. */
  readonly resume = (sweep: SweepState): Effect.Effect<void, StoreError, Store> =>
    Effect.gen({ self: this }, function* () {
      const curves: Curves = new Map()
      this.#sweeps.set(sweep.id, curves)
      const store = yield* Store
      for (const { trial, started } of yield* store.details(sweep.id)) this.#noteTotal(sweep.id, trial, started)
      const metrics = [sweep.spec.metric.name]
      const times = new Map((yield* store.times(sweep.id, sweep.spec.metric.name)).map((one) => [one.trial, one.steps]))
      for (const { trial, points } of yield* store.curves(sweep.id, { metrics, maxPoints: 100_000 })) {
        const total = this.#totals.get(`${sweep.id}/${trial}`) ?? null
        const of = sweep.trials.get(trial)
        const steps = times.get(trial) ?? new Map<number, number>()
        const start = steps.values().reduce((first, at) => Math.min(first, at), Infinity)
        if (Number.isFinite(start)) this.#starts.set(`${sweep.id}/${trial}`, start)
        curves.set(
          trial,
          points.map(({ step, value }) => {
            const seconds = Math.max(0, ((steps.get(step) ?? start) - start) / 1_000)
            return { trial, step, epoch: epochAt(of, step, total), seconds, value }
          }),
        )
      }
    })

  /**
   * The reports in a committed batch, in their order, without those that came before. They count once they are added:
   * a rule that is asked about one of them does not see the ones after it.
   */
  read(batch: EventBatch, metric: string, trial: Trial | undefined): ReadonlyArray<Report> {
    const key = `${batch.sweep}/${batch.trial}`
    const seen = this.#seen.get(key)
    // Resent lines are no news.
    const known = seen?.epoch === batch.epoch ? seen.seq : 0
    this.#seen.set(key, { epoch: batch.epoch, seq: Math.max(known, batch.lastSeq) })
    for (const event of batch.events) {
      if (event.type === "started") this.#noteTotal(batch.sweep, batch.trial, event)
    }
    const { points } = batch
    const index = points.metrics.indexOf(metric)
    if (index < 0) return []
    const total = this.#totals.get(key) ?? null
    const fresh: Array<Report> = []
    for (let i = 0; i < points.seq.length; i++) {
      if (points.metric[i] !== index || points.seq[i]! <= known) continue
      const at = points.at[i]!
      const start = this.#starts.get(key) ?? at
      this.#starts.set(key, start)
      const step = points.step[i]!
      const seconds = Math.max(0, (at - start) / 1_000)
      fresh.push({ trial: batch.trial, step, epoch: epochAt(trial, step, total), seconds, value: points.value[i]! })
    }
    return fresh
  }

  /** Takes a report into its trial's curve. Adding it again changes nothing. */
  add(sweep: SweepId, report: Report): void {
    const curves = this.#sweeps.get(sweep)
    if (curves !== undefined) addTo(curves, report)
  }

  /** The curves as they will be once `waiting` is added. */
  with(sweep: SweepId, waiting: ReadonlyArray<Report>): Curves {
    const curves = this.of(sweep)
    if (waiting.length === 0) return curves
    const copy = new Map(curves)
    for (const trial of new Set(waiting.map(({ trial }) => trial))) copy.set(trial, [...(curves.get(trial) ?? [])])
    for (const report of waiting) addTo(copy, report)
    return copy
  }

  #noteTotal(sweep: SweepId, trial: TrialNumber, started: TrialEventOf<"started"> | null): void {
    if (started?.total_steps !== undefined) this.#totals.set(`${sweep}/${trial}`, started.total_steps)
  }
}
