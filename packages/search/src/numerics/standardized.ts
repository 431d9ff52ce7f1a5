/** Of mean 0 and variance 1, with the mean and the deviation (1 where all are equal) that the values had. */
export const standardized = (
  values: ArrayLike<number>,
): { readonly y: Float64Array; readonly mean: number; readonly deviation: number } => {
  const given = Float64Array.from(values)
  const mean = given.reduce((sum, z) => sum + z, 0) / given.length
  const deviation = Math.sqrt(given.reduce((sum, z) => sum + (z - mean) ** 2, 0) / given.length) || 1
  return { y: given.map((z) => (z - mean) / deviation), mean, deviation }
}
