// The fixed eval split of a sweep: which records are set aside. Depends on the number of records, the fraction and the
// seed alone, so that every machine and every later revision of the sweep gets the same one.

/** SplitMix32: enough for a shuffle, and the same everywhere. */
const splitMix32 = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}

/**
 * Records in their own order, `fraction` of them (rounded, at least one, at most all but one) in `eval`. Needs two
 * records or more.
 */
export const splitRecords = <T>(
  records: ReadonlyArray<T>,
  { fraction, seed }: { readonly fraction: number; readonly seed: number },
): { readonly train: ReadonlyArray<T>; readonly eval: ReadonlyArray<T> } => {
  const count = Math.min(records.length - 1, Math.max(1, Math.round(records.length * fraction)))
  const next = splitMix32(seed)
  const order = Uint32Array.from(records, (_, i) => i)
  // Fisher–Yates, as far as it is needed.
  for (let i = 0; i < count; i++) {
    const j = i + (next() % (order.length - i))
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  const chosen = new Set(order.subarray(0, count))
  return { train: records.filter((_, i) => !chosen.has(i)), eval: records.filter((_, i) => chosen.has(i)) }
}
