// The runs of a sweep as a model of them reads them: losses on a scale on which a normal model is fair, and one mean for each
// set of parameters, with what its seeds have in common taken out. Owns this preparation; the model is ResponseModel's.

export interface Run {
  /** A loss: smaller is better. */
  readonly loss: number
  readonly seed: number
}

export interface Prepared {
  readonly means: Float64Array
  readonly counts: ReadonlyArray<number>
  readonly squares: number
  readonly freedom: number
}

/** Logarithm of a distance from the median beyond which a loss is as bad as can be: one diverged run decides nothing. */
const furthest = 3

/**
 * Losses on a scale on which a normal model is fair: linear where it is better than the median, logarithmic where it is
 * worse, because how bad the bad ones are says little of the best.
 */
export const scaleOf = (sets: ReadonlyArray<ReadonlyArray<Run>>) => {
  const sorted = sets.flatMap((runs) => runs.map(({ loss }) => loss)).sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]!
  const wide = middle - sorted[0]! || sorted.at(-1)! - middle || 1
  const draw = (loss: number): number => {
    const z = (loss - middle) / wide
    return z > 0 ? Math.min(furthest, Math.log1p(z)) : z
  }
  const drawn = sets.map((runs) => runs.reduce((sum, { loss }) => sum + draw(loss), 0) / runs.length)
  const mean = drawn.reduce((sum, z) => sum + z, 0) / drawn.length
  const deviation = Math.sqrt(drawn.reduce((sum, z) => sum + (z - mean) ** 2, 0) / Math.max(1, drawn.length - 1)) || 1
  return {
    apply: (loss: number): number => (draw(loss) - mean) / deviation,
    undo: (value: number): number => {
      const z = value * deviation + mean
      return middle + wide * (z > 0 ? Math.expm1(z) : z)
    },
    /** One unit of a difference near the best, as a loss. */
    unit: deviation * wide,
  }
}

/**
 * The mean of every set, with what its seeds have in common taken out: sets share the seeds of their replicas, and a
 * seed that is bad for one is often bad for all. How much is taken out is what the data say of it (empirical Bayes), so
 * that seeds without an effect change nothing.
 */
export const withoutSeeds = (sets: ReadonlyArray<ReadonlyArray<Run>>): Prepared => {
  const repeated = sets.filter((runs) => runs.length > 1)
  const seeds = new Map<number, number>()
  for (const runs of repeated) for (const { seed } of runs) seeds.set(seed, (seeds.get(seed) ?? 0) + 1)
  const shared = Array.from(seeds).flatMap(([seed, count]) => (count > 1 ? [seed] : []))
  const meanOf = (runs: ReadonlyArray<Run>, effect: ReadonlyMap<number, number>): number =>
    runs.reduce((sum, { loss, seed }) => sum + loss - (effect.get(seed) ?? 0), 0) / runs.length
  const residual = (effect: ReadonlyMap<number, number>): number =>
    repeated.reduce((sum, runs) => {
      const mean = meanOf(runs, effect)
      return sum + runs.reduce((s, { loss, seed }) => s + (loss - (effect.get(seed) ?? 0) - mean) ** 2, 0)
    }, 0)
  const freedom = repeated.reduce((sum, runs) => sum + runs.length - 1, 0)
  const none = new Map<number, number>()
  let used: ReadonlyMap<number, number> = none
  let spent = 0
  const left = freedom - (shared.length - 1)
  if (shared.length > 1 && left > 0) {
    const effect = new Map(shared.map((seed) => [seed, 0]))
    for (let round = 0; round < 20; round++) {
      const sums = new Map(shared.map((seed) => [seed, { sum: 0, count: 0 }]))
      for (const runs of repeated) {
        const mean = meanOf(runs, effect)
        for (const { loss, seed } of runs) {
          const of = sums.get(seed)
          if (of !== undefined) {
            of.sum += loss - mean
            of.count++
          }
        }
      }
      const centre = Array.from(sums.values()).reduce((sum, of) => sum + of.sum / of.count, 0) / shared.length
      for (const [seed, of] of sums) effect.set(seed, of.sum / of.count - centre)
    }
    const error = residual(effect) / left
    const between = Array.from(effect.values()).reduce((sum, value) => sum + value ** 2, 0) / (shared.length - 1)
    const each = shared.reduce((sum, seed) => sum + error / seeds.get(seed)!, 0) / shared.length
    const weight = between > 0 ? Math.max(0, 1 - each / between) : 0
    used = new Map(Array.from(effect, ([seed, value]) => [seed, weight * value]))
    spent = weight * (shared.length - 1)
  }
  return {
    means: Float64Array.from(sets, (runs) => meanOf(runs, used)),
    counts: sets.map((runs) => runs.length),
    squares: residual(used),
    freedom: freedom - spent,
  }
}
