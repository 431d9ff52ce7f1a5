// Where each running trial is, from its newest report: what a live view shows between two facts. Owns nothing durable;
// after a restart it fills again with the next reports.
import type { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { TrialProgress } from "@sweep/protocol/SweepApi"
import type { EventBatch } from "@sweep/store/EventBatch"

interface Entry {
  readonly sweep: SweepId
  readonly trial: TrialNumber
  epoch: number
  step: number
  totalSteps: number | null
  values: Record<string, number>
}

export class Progress {
  readonly #sweeps = new Map<SweepId, Map<TrialNumber, Entry>>()
  readonly #listeners = new Set<(sweep: SweepId, trial: TrialNumber) => void>()

  /** Takes a committed batch in. */
  take(batch: EventBatch): void {
    let trials = this.#sweeps.get(batch.sweep)
    if (trials === undefined) this.#sweeps.set(batch.sweep, (trials = new Map()))
    let entry = trials.get(batch.trial)
    if (entry === undefined || entry.epoch !== batch.epoch) {
      const { sweep, trial, epoch } = batch
      entry = { sweep, trial, epoch, step: 0, totalSteps: null, values: {} }
      trials.set(trial, entry)
    }
    const { points } = batch
    for (let i = 0; i < points.seq.length; i++) {
      entry.values[points.metrics[points.metric[i]!]!] = points.value[i]!
      if (points.step[i]! > entry.step) entry.step = points.step[i]!
    }
    for (const event of batch.events) {
      if (event.type === "started") entry.totalSteps = event.total_steps ?? null
    }
    for (const listener of this.#listeners) listener(batch.sweep, batch.trial)
  }

  get(sweep: SweepId, trial: TrialNumber): TrialProgress | undefined {
    const entry = this.#sweeps.get(sweep)?.get(trial)
    if (entry === undefined) return undefined
    const { step, totalSteps, values } = entry
    return { sweep, trial, step, totalSteps, values: { ...values } }
  }

  all(sweep: SweepId): ReadonlyArray<TrialProgress> {
    return Array.from(this.#sweeps.get(sweep)?.keys() ?? [], (trial) => this.get(sweep, trial)!)
  }

  /** The trial has ended: its values are in the fold now. */
  forget(sweep: SweepId, trial: TrialNumber): void {
    this.#sweeps.get(sweep)?.delete(trial)
  }

  /** Of a sweep that is gone. */
  forgetSweep(sweep: SweepId): void {
    this.#sweeps.delete(sweep)
  }

  listen(listener: (sweep: SweepId, trial: TrialNumber) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
