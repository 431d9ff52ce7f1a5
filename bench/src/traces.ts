// Optuna's side of the quality comparison: the regret of its samplers on every function, kept in bench/data so that a
// change of ours is compared again in minutes. Owns the traces and making them; a trace is used only while Optuna's
// version and the function's values (a checksum) are those it was made with.
import { readFileSync, writeFileSync } from "node:fs"
import { gunzipSync, gzipSync } from "node:zlib"
import { checksum, observedValue, type TestFunction } from "./functions.ts"
import type { Optuna, OptunaSampler } from "./optuna.ts"

const file = new URL("../data/quality-optuna.json.gz", import.meta.url)

/** Simple regret is measured after so many trials. */
export const checkpoints = [25, 50, 100, 200] as const

/**
 * Regret at the checkpoints: true value of the point that looked best so far, less the optimum. With noise that is not
 * the best point visited, but the one a person would take.
 */
export const regretsOf = (
  f: TestFunction,
  seen: ReadonlyArray<number>,
  exact: ReadonlyArray<number>,
): ReadonlyArray<number> =>
  checkpoints
    .filter((n) => n <= seen.length)
    .map((n) => {
      let best = 0
      for (let i = 1; i < n; i++) if (seen[i]! < seen[best]!) best = i
      return Math.max(0, exact[best]! - f.optimum)
    })

export type Traces = Record<string, ReadonlyArray<number>>

export const load = (): Traces => {
  try {
    return JSON.parse(gunzipSync(readFileSync(file)).toString()) as Traces
  } catch {
    return {}
  }
}

export const save = (traces: Traces): void =>
  writeFileSync(file, gzipSync(JSON.stringify(Object.fromEntries(Object.entries(traces).sort()))))

export const keyOf = (version: string, sampler: OptunaSampler, f: TestFunction, seed: number): string =>
  `${version} ${sampler} ${f.name} ${checksum(f)} ${seed}`

export const runOptuna = async (
  optuna: Optuna,
  sampler: OptunaSampler,
  f: TestFunction,
  seed: number,
  trials: number,
): Promise<ReadonlyArray<number>> => {
  await optuna.study(sampler, seed, f.dimensions)
  const seen: Array<number> = []
  const exact: Array<number> = []
  const parallel = f.parallel ?? 1
  for (let trial = 1; trial <= trials; trial++) {
    if (trial > parallel) await optuna.tell(seen[trial - parallel - 1]!)
    const { parameters } = await optuna.ask()
    exact.push(f.value(parameters))
    seen.push(observedValue(f, parameters, seed, trial))
  }
  return regretsOf(f, seen, exact)
}
