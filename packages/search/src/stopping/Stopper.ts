// The contract of an early-stopping rule: what becomes of a trial that has just reported. Pure, like a sampler: a
// function of the curves reported so far. It decides; the coordinator acts. A rule may be asked at any report, also at
// a later one than that which crossed a rung (reports come in batches), or twice at the same: the answer rests on the
// curves alone.
import type { Reason } from "@sweep/domain/Reason"
import type { History } from "../space/History.ts"

/** One reported value of the sweep's metric. */
export interface Report {
  readonly trial: number
  /** Optimiser steps done. */
  readonly step: number
  /** Epochs done, as a fraction; `null` when the trainer does not say. */
  readonly epoch: number | null
  /** Seconds since the trial's start. */
  readonly seconds: number
  readonly value: number
}

/** By trial number, each in the order of the reports. */
export type Curves = ReadonlyMap<number, ReadonlyArray<Report>>

export type Decision =
  | { readonly _tag: "Continue" }
  | { readonly _tag: "Stop"; readonly reason: Reason }
  /** Set aside with its checkpoint; may be resumed by a later `Promote`. */
  | { readonly _tag: "Pause"; readonly reason: Reason }

export interface Stopper {
  readonly decide: (history: History, curves: Curves, report: Report) => Decision
  /** Paused trials that have earned more resource, best first. Running ones may be among them: they continue anyway. */
  readonly promote: (history: History, curves: Curves) => ReadonlyArray<number>
}

/** What a rule does with a trial that it finds not worth continuing. */
export const end = (action: "stop" | "pause", reason: Reason): Decision => ({
  _tag: action === "pause" ? "Pause" : "Stop",
  reason,
})

export const proceed: Decision = { _tag: "Continue" }

/** Rules that never bring a trial back. */
export const neverPromotes: Stopper["promote"] = () => []
