// Cholesky factors of symmetric positive definite matrices in flat row-major arrays, and what is solved with them. Owns
// the linear algebra of the Gaussian process; a few hundred rows, so plain loops do.

/** The lower factor of the leading `n` rows of `matrix`, in place (the upper triangle is left alone). False when it is not positive definite. */
export const factorize = (matrix: Float64Array, n: number): boolean => {
  for (let i = 0; i < n; i++) {
    const row = i * n
    for (let j = 0; j < i; j++) {
      const other = j * n
      let sum = matrix[row + j]!
      for (let k = 0; k < j; k++) sum -= matrix[row + k]! * matrix[other + k]!
      matrix[row + j] = sum / matrix[other + j]!
    }
    let rest = matrix[row + i]!
    for (let k = 0; k < i; k++) rest -= matrix[row + k]! ** 2
    if (!(rest > 0)) return false
    matrix[row + i] = Math.sqrt(rest)
  }
  return true
}

/** L⁻¹ b, in place. */
export const solveLower = (factor: Float64Array, n: number, b: Float64Array): void => {
  for (let i = 0; i < n; i++) {
    const row = i * n
    let sum = b[i]!
    for (let k = 0; k < i; k++) sum -= factor[row + k]! * b[k]!
    b[i] = sum / factor[row + i]!
  }
}

/** L⁻ᵀ b, in place. */
export const solveUpper = (factor: Float64Array, n: number, b: Float64Array): void => {
  for (let i = n - 1; i >= 0; i--) {
    const row = i * n
    const x = b[i]! / factor[row + i]!
    b[i] = x
    for (let k = 0; k < i; k++) b[k]! -= factor[row + k]! * x
  }
}

/** (L Lᵀ)⁻¹, lower triangle, into `inverse`. */
export const invert = (factor: Float64Array, n: number, inverse: Float64Array): void => {
  // L⁻¹ row by row, kept transposed (column j of L⁻¹ is row j here), so that the products below run along rows.
  const columns = new Float64Array(n * n)
  for (let j = 0; j < n; j++) {
    const column = j * n
    columns[column + j] = 1 / factor[j * n + j]!
    for (let i = j + 1; i < n; i++) {
      const row = i * n
      let sum = 0
      for (let k = j; k < i; k++) sum -= factor[row + k]! * columns[column + k]!
      columns[column + i] = sum / factor[row + i]!
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let k = i; k < n; k++) sum += columns[i * n + k]! * columns[j * n + k]!
      inverse[i * n + j] = sum
    }
  }
}
