// Eigenvectors and eigenvalues of a small symmetric matrix, by Jacobi's rotations: exact to rounding, and the same on
// every machine.

/** Of a flat n × n matrix. Column k of `vectors` (flat, row-major) belongs to `values[k]`. */
export const eigen = (
  matrix: Float64Array,
  n: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } => {
  const a = Float64Array.from(matrix)
  const vectors = new Float64Array(n * n)
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0
    let size = 0
    for (let i = 0; i < n; i++) {
      size += a[i * n + i]! ** 2
      for (let j = 0; j < i; j++) off += 2 * a[i * n + j]! ** 2
    }
    if (off <= 1e-28 * (size + off)) break
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q]!
        if (apq === 0) continue
        const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq)
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
        const c = 1 / Math.sqrt(t * t + 1)
        const s = t * c
        for (let k = 0; k < n; k++) {
          const akp = a[k * n + p]!
          const akq = a[k * n + q]!
          a[k * n + p] = c * akp - s * akq
          a[k * n + q] = s * akp + c * akq
        }
        for (let k = 0; k < n; k++) {
          const apk = a[p * n + k]!
          const aqk = a[q * n + k]!
          a[p * n + k] = c * apk - s * aqk
          a[q * n + k] = s * apk + c * aqk
          const vkp = vectors[k * n + p]!
          const vkq = vectors[k * n + q]!
          vectors[k * n + p] = c * vkp - s * vkq
          vectors[k * n + q] = s * vkp + c * vkq
        }
      }
    }
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), vectors }
}
