// What further trials would gain, read off the trials there are. Owns the extrapolation: how the lowest of n results falls
// as n doubles, averaged over every order in which the trials could have come.

/** Fewer results, and the trend is chance. Ours. */
const leastResults = 8

/** Expected lowest of `k` of the results, drawn without order (the classic weights of order statistics). */
const lowestOf = (sorted: ReadonlyArray<number>, k: number): number => {
  const n = sorted.length
  // P(the i-th smallest is the lowest of k) = C(n − 1 − i, k − 1) / C(n, k), each from the one before.
  let weight = k / n
  let sum = 0
  for (let i = 0; i + k <= n; i++) {
    sum += weight * sorted[i]!
    weight *= (n - i - k) / (n - 1 - i)
  }
  return sum
}

/**
 * By how much `more` further trials are expected to lower the lowest of `losses`. The lowest of n follows L + c n^−γ (a
 * power law holds for every smooth response under random draws); γ and c come from a quarter, a half and all of the
 * trials. A sampler that learns does better than this. `null` with fewer than eight results.
 */
export const moreTrials = (losses: ReadonlyArray<number>, more: number): number | null => {
  const n = losses.length
  if (n < leastResults || !(more > 0)) return null
  const sorted = losses.toSorted((a, b) => a - b)
  const half = Math.floor(n / 2)
  const quarter = Math.floor(n / 4)
  const late = lowestOf(sorted, half) - sorted[0]!
  const early = lowestOf(sorted, quarter) - lowestOf(sorted, half)
  if (!(late > 0)) return 0
  const power = Math.min(2, Math.max(0.2, Math.log2(early / late) || 0.2))
  const left = late / (2 ** power - 1)
  return left * (1 - (1 + more / n) ** -power)
}
