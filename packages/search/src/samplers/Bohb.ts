// BOHB: Hyperband decides how long trials run, and a model decides which trials there are, learning from the highest
// rung that enough of them have reached (Falkner et al., 2018). Owns that view of the history; the densities are Tpe's
// and the rungs Asha's.
import type { Metric } from "@sweep/domain/Metric"
import { type AshaOptions, rungsOf } from "../stopping/Asha.ts"
import type { History, Observation } from "../space/History.ts"
import { lossAt, type Reading } from "../stopping/Progress.ts"
import type { Sampler, SamplerInput } from "./Sampler.ts"
import type { Curves } from "../stopping/Stopper.ts"
import { compileSpace } from "../space/Space.ts"
import { tpe } from "./Tpe.ts"

/**
 * Every trial at the highest rung that `enough` trials have reached, with its value there; what did not get so far
 * counts as open. Without such a rung (or without curves), the history as it is.
 */
export const atHighestRung = (
  history: History,
  curves: Curves,
  rungs: ReadonlyArray<number>,
  reading: Reading,
  enough: number,
): History => {
  const sign = reading.goal === "minimize" ? 1 : -1
  for (const rung of rungs.toReversed()) {
    const losses = new Map<number, number>()
    for (const { number } of history) {
      const loss = lossAt(curves.get(number) ?? [], rung, reading)
      if (loss !== null) losses.set(number, loss)
    }
    if (losses.size < enough) continue
    return history.map((trial): Observation => {
      const loss = losses.get(trial.number)
      if (["failed", "infeasible", "cancelled"].includes(trial.outcome)) return trial
      if (loss === undefined) return { ...trial, outcome: "open", objective: null }
      return Number.isFinite(loss)
        ? { ...trial, outcome: "completed", objective: sign * loss }
        : { ...trial, outcome: "failed", objective: null }
    })
  }
  return history
}

/** Throws `InvalidSpace`. */
export const bohb = (input: SamplerInput, metric: Metric, options: AshaOptions): Sampler => {
  const model = tpe(input)
  const rungs = rungsOf(options)
  const reading: Reading = { resource: options.resource, goal: metric.goal, summary: metric.summary }
  // As many as the model starts with, and d + 2.
  const enough = Math.max(10, compileSpace(input.space).axes.length + 2)
  return {
    size: null,
    suggest: (history, number, curves) =>
      model.suggest(curves === undefined ? history : atHighestRung(history, curves, rungs, reading, enough), number),
  }
}
