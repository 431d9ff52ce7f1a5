// Sweeps whose truth is known, for the benchmark of certainty: how good every set of parameters really is, and what its
// runs have shown. Owns the families of sweeps (how the results depend on the parameters, how noisy they are, how often
// sets ran) and replays of the real response table with noise added; judging an answer is certainty.ts's.
import type { Parameters } from "@sweep/domain/Parameter"
import { random, type Random } from "@sweep/search/Random"
import { byParameters, objectiveOf, type ResponseTable } from "./responseTable.ts"

export interface SimulatedSet {
  readonly parameters: Parameters
  /** The mean of infinitely many runs; smaller is better. */
  readonly truth: number
  /** By seed; `null` for a run that failed. */
  readonly runs: Array<{ readonly seed: number; readonly loss: number }>
}

export interface SimulatedSweep {
  readonly family: string
  readonly sets: ReadonlyArray<SimulatedSet>
}

const between = (from: Random, low: number, high: number): number => low + (high - low) * from.uniform()
/** Log-uniform. */
const spread = (from: Random, low: number, high: number): number => low * (high / low) ** from.uniform()
const pick = <A>(from: Random, values: ReadonlyArray<A>): A => values[from.index(values.length)]!

/** A response over the unit cube: a valley, or a sum of waves, over as many dimensions as matter. */
const response = (from: Random, d: number): ((x: ReadonlyArray<number>) => number) => {
  const weights = Array.from({ length: d }, () => (from.uniform() < 0.3 ? 0 : spread(from, 0.1, 1)))
  const centre = Array.from({ length: d }, () => from.uniform())
  if (from.uniform() < 0.5) {
    return (x) => x.reduce((sum, u, k) => sum + weights[k]! * (u - centre[k]!) ** 2, 0)
  }
  const waves = Array.from({ length: 40 }, () => ({
    by: Array.from({ length: d }, (_, k) => (weights[k]! * 2.5 * from.normal()) / Math.sqrt(d)),
    phase: 2 * Math.PI * from.uniform(),
  }))
  return (x) =>
    waves.reduce((sum, { by, phase }) => sum + Math.cos(phase + x.reduce((s, u, k) => s + by[k]! * u * 2, 0)), 0)
}

const deviationOf = (values: ReadonlyArray<number>): number => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, values.length - 1))
}

const parametersOf = (x: ReadonlyArray<number>, levels: ReadonlyArray<number>): Parameters =>
  Object.fromEntries(
    x.map((u, k) => [`p${k + 1}`, levels[k] === 0 ? u : Math.floor(u * levels[k]!) / Math.max(1, levels[k]! - 1)]),
  )

/** How many times sets run, and what of a seed is the same for all of them. */
const run = (
  from: Random,
  sets: ReadonlyArray<{ readonly parameters: Parameters; readonly truth: number }>,
  noise: number,
): ReadonlyArray<SimulatedSet> => {
  const runs = pick(from, [1, 1, 1, 2, 3, 5])
  const common = from.uniform() < 0.3 ? between(from, 0, 1.5) * noise : 0
  const effects = new Map<number, number>()
  const effect = (seed: number): number => {
    if (!effects.has(seed)) effects.set(seed, common * from.normal())
    return effects.get(seed)!
  }
  const all = sets.map(({ parameters, truth }): SimulatedSet => ({
    parameters,
    truth,
    runs: Array.from({ length: runs }, (_, seed) => ({ seed, loss: truth + noise * from.normal() + effect(seed) })),
  }))
  // As a user does it: run the best few again.
  if (from.uniform() < 0.35) {
    const meanOf = (set: SimulatedSet) => set.runs.reduce((sum, { loss }) => sum + loss, 0) / set.runs.length
    const again = all.toSorted((a, b) => meanOf(a) - meanOf(b)).slice(0, pick(from, [2, 2, 3, 5]))
    const more = pick(from, [1, 2, 4])
    for (const set of again) {
      for (let i = 0; i < more; i++) {
        const seed = runs + i
        set.runs.push({ seed, loss: set.truth + noise * from.normal() + effect(seed) })
      }
    }
  }
  return all
}

export const simulatedSweep = (seed: number): SimulatedSweep => {
  const from = random(seed, 0, "simulated sweep")
  const count = Math.round(spread(from, 1.5, 200.5))
  const kind = pick(from, ["smooth", "smooth", "smooth", "listed", "listed", "unrelated", "equal"])
  const n = Math.max(2, Math.min(200, count))
  const d = 1 + from.index(5)
  const levels = Array.from({ length: d }, () => (kind === "listed" ? 2 + from.index(5) : 0))
  const f = response(from, d)
  const seen = new Set<string>()
  const points: Array<{ parameters: Parameters; value: number }> = []
  // A search that has learned: half of some sweeps lie around one point.
  const focus = kind !== "equal" && from.uniform() < 0.3 ? Array.from({ length: d }, () => from.uniform()) : null
  for (let tries = 0; points.length < n && tries < 20 * n; tries++) {
    const x = Array.from({ length: d }, (_, k) =>
      focus !== null && points.length > n / 2
        ? Math.min(0.999, Math.max(0, focus[k]! + 0.12 * from.normal()))
        : from.uniform(),
    )
    const parameters = parametersOf(x, levels)
    const text = JSON.stringify(parameters)
    if (seen.has(text)) continue
    seen.add(text)
    const at = x.map((u, k) => (levels[k] === 0 ? u : (parameters[`p${k + 1}`] as number)))
    points.push({ parameters, value: kind === "unrelated" ? from.normal() : kind === "equal" ? 0 : f(at) })
  }
  const wide = deviationOf(points.map(({ value }) => value)) || 1
  const rough = kind === "equal" ? 0 : from.uniform() < 0.5 ? 0 : spread(from, 0.02, 0.3)
  const noise = spread(from, 0.03, 3)
  const unit = spread(from, 0.01, 1)
  const sets = points.map(({ parameters, value }) => ({
    parameters,
    // Of sets that are equal, chance says which is the best: none may be called so with certainty.
    truth: 2 + unit * ((kind === "equal" ? 0 : value / wide) + rough * from.normal() + 1e-9 * from.normal()),
  }))
  return { family: kind, sets: run(from, sets, unit * noise) }
}

/** A part of the real table, its losses as the truth and noise of seeds added. */
export const replayedSweep = (table: ResponseTable, seed: number): SimulatedSweep => {
  const from = random(seed, 0, "replayed sweep")
  const all = Array.from(byParameters(table).values())
    .map((trial) => ({ parameters: trial.parameters, truth: objectiveOf(trial) }))
    .filter(({ truth }) => Number.isFinite(truth))
  const n = Math.max(2, Math.min(200, Math.round(spread(from, 1.5, 200.5))))
  const chosen = new Set<number>()
  while (chosen.size < n) chosen.add(from.index(all.length))
  const sets = Array.from(chosen, (i) => ({ ...all[i]!, truth: all[i]!.truth + 1e-9 * from.normal() }))
  return { family: "replayed", sets: run(from, sets, spread(from, 0.003, 0.3)) }
}
