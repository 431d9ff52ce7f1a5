// How much of a curve is noise: the scatter of evaluations around their course, and whether a stretch rises or falls
// beyond it. Owns these estimates; what follows from them is the rules'. Pure.

const middle = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** Without spreading: a program may report a hundred thousand evaluations. */
export const lowestOf = (values: ReadonlyArray<number>): number =>
  values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
export const highestOf = (values: ReadonlyArray<number>): number =>
  values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)

export const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The median; of an even number the mean of the middle two. */
export const median = middle

/**
 * The standard deviation of an evaluation around the course of its curve, from the curve itself: how far each value lies
 * from the straight line between its neighbours, weighted by the steps between them. The variance of that difference is
 * 1 + w² + (1 − w)² times that of one value (a pseudo-residual; Gasser, Sroka, Jennen-Steinmetz 1986). The median of the
 * absolute differences stands for their spread (1.4826 times it under a normal law), so that a spike or the bend of the
 * first evaluations does not count as noise. The bend of a smooth fall does enter; it makes the estimate larger, which
 * is the safe side. `null` with fewer than four values.
 */
export const scatterOf = (steps: ReadonlyArray<number>, values: ReadonlyArray<number>): number | null => {
  if (values.length < 4) return null
  // The steep start says little of the end; its bend would pass for noise.
  const from = values.length >= 8 ? Math.floor(values.length / 4) : 0
  const off: Array<number> = []
  for (let i = Math.max(1, from); i < values.length - 1; i++) {
    const span = steps[i + 1]! - steps[i - 1]!
    const weight = span > 0 ? (steps[i]! - steps[i - 1]!) / span : 0.5
    const between = values[i - 1]! * (1 - weight) + values[i + 1]! * weight
    off.push(Math.abs(values[i]! - between) / Math.sqrt(1 + weight ** 2 + (1 - weight) ** 2))
  }
  return 1.4826 * middle(off)
}

/** The nearest non-increasing sequence (pool adjacent violators; Barlow et al. 1972). */
const falling = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const blocks: Array<{ sum: number; count: number }> = []
  for (const value of values) {
    blocks.push({ sum: value, count: 1 })
    for (;;) {
      const [before, last] = [blocks.at(-2), blocks.at(-1)!]
      if (before === undefined || before.sum / before.count >= last.sum / last.count) break
      blocks.splice(-2, 2, { sum: before.sum + last.sum, count: before.count + last.count })
    }
  }
  return blocks.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count))
}

/**
 * The same from a course that falls to its lowest evaluation and rises after it: how far the values lie from the nearest
 * such course. A bend is no noise to it, however few evaluations there are; a spike is. A monotone fit of n values takes
 * up about as many degrees of freedom as the harmonic number of n (Meyer, Woodroofe 2000).
 */
export const wanderingOf = (values: ReadonlyArray<number>, best: number): number => {
  const left = values.slice(0, best + 1)
  const right = values.slice(best + 1).toReversed()
  const harmonic = (n: number): number => (n === 0 ? 0 : Math.log(n) + 0.58)
  const fall = falling(left)
  const off = left.map((value, i) => value - fall[i]!)
  const fit = falling(right)
  for (const [i, value] of right.entries()) off.push(value - fit[i]!)
  const free = Math.max(2, values.length - harmonic(left.length) - harmonic(right.length))
  return Math.sqrt(off.reduce((sum, value) => sum + value * value, 0) / free)
}

/**
 * The Mann–Kendall statistic of a stretch: how many standard deviations its values rise (or, negative, fall) more often
 * than a sequence in random order would (Mann 1945; Kendall 1975). Counts pairs, so that no single evaluation decides. 0
 * with fewer than three values.
 */
export const trendOf = (values: ReadonlyArray<number>): number => {
  const stretch = values.length > longestTrend ? thinned(values) : values
  const n = stretch.length
  if (n < 3) return 0
  let balance = 0
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) balance += Math.sign(stretch[j]! - stretch[i]!)
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)
  return (balance - Math.sign(balance)) / deviation
}

/** Pairs grow with the square: longer stretches are thinned to about so many values. */
const longestTrend = 200
const thinned = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const width = Math.ceil(values.length / longestTrend)
  return Array.from({ length: Math.ceil(values.length / width) }, (_, i) =>
    mean(values.slice(i * width, (i + 1) * width)),
  )
}
