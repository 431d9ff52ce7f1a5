// W&B's early termination by Hyperband, as its documentation has it: bands counted in logged values of the metric, and
// at its highest band a run has to be no worse than the value at place ⌊n / eta⌋ of the n runs that got there. Owns
// that rule alone; asynchronous Hyperband by resource is Asha's brackets.
import type { Goal } from "@sweep/domain/Metric"
import { lossOf, valueOf } from "./Progress.ts"
import { type Curves, type Decision, end, neverPromotes, proceed, type Stopper } from "./Stopper.ts"

export interface WandbHyperbandOptions {
  readonly min_iter: number | null
  readonly max_iter: number | null
  readonly s: number | null
  readonly eta: number
  /** Compares the value at the band; otherwise the best so far. */
  readonly strict: boolean
  readonly action: "stop" | "pause"
}

/** From the lowest: max_iter / etaⁱ for i = 1 … s, whole, at least 1; or min_iter · etaⁱ as far as `longest` reaches. */
export const bandsOf = (options: WandbHyperbandOptions, longest: number): ReadonlyArray<number> => {
  const { min_iter, max_iter, s, eta } = options
  const bands: Array<number> = []
  if (max_iter !== null) {
    for (let i = 1; i <= (s ?? 1); i++) {
      // 27 / 3³ in floating point may fall just short of 1.
      const band = Math.floor(max_iter / eta ** i + 1e-9)
      if (band < 1) break
      bands.unshift(band)
    }
  } else if (min_iter !== null) {
    for (let i = 0; min_iter * eta ** i <= longest; i++) bands.push(Math.floor(min_iter * eta ** i + 1e-9))
  }
  return bands
}

export const wandbHyperband = (goal: Goal, options: WandbHyperbandOptions): Stopper => ({
  promote: neverPromotes,
  decide: (_, curves: Curves, { trial }): Decision => {
    const losses = (curves.get(trial) ?? []).map(({ value }) => lossOf(goal, value))
    const band = bandsOf(options, losses.length).findLast((count) => count <= losses.length)
    if (band === undefined) return proceed
    const there: Array<number> = []
    for (const curve of curves.values()) if (curve.length >= band) there.push(lossOf(goal, curve[band - 1]!.value))
    there.sort((a, b) => a - b)
    const threshold = there[Math.floor(there.length / options.eta)]!
    const mine = options.strict ? losses[band - 1]! : losses.reduce((best, loss) => Math.min(best, loss), Infinity)
    if (!(mine > threshold)) return proceed
    return end(options.action, {
      _tag: "WorseThanBand",
      band,
      value: valueOf(goal, mine),
      bar: valueOf(goal, threshold),
      runs: there.length,
    })
  },
})
