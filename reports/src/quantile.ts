// Order statistics of a few numbers, for tables and frames.
export const median = (values: ReadonlyArray<number>): number | null => quantile(values, 0.5)

/** Linear between the two nearest order statistics. */
export const quantile = (values: ReadonlyArray<number>, share: number): number | null => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const low = sorted[Math.floor(at)]
  const high = sorted[Math.ceil(at)]
  return low === undefined || high === undefined ? null : low + (high - low) * (at - Math.floor(at))
}
