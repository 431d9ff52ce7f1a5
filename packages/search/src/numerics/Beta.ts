// The Beta distribution on (0, 1): distribution function and quantiles. Owns the numerics only.

// Lanczos' approximation with g = 7 and nine terms; relative error below 1e-13 for x > 0.
const lanczos = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 0.000009984369578019572, 1.5056327351493116e-7,
]

/** ln Γ(x) for x > 0. */
const logGamma = (x: number): number => {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const z = x - 1
  let sum = lanczos[0]!
  for (let i = 1; i < 9; i++) sum += lanczos[i]! / (z + i)
  const t = z + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
const fraction = (x: number, a: number, b: number): number => {
  const tiny = 1e-300
  const away = (v: number): number => (Math.abs(v) < tiny ? tiny : v)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let f = d
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    f *= c * d
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    f *= c * d
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return f
}

/** ln of x^a (1 − x)^b / B(a, b). */
const logFront = (x: number, a: number, b: number, logBeta: number): number =>
  a * Math.log(x) + b * Math.log1p(-x) - logBeta

const logBetaOf = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b)

const area = (x: number, a: number, b: number, logBeta: number): number => {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logFront(x, a, b, logBeta))
  // The fraction converges fast on one side of the mean only; the other side is its mirror image.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b
}

/** P(X ≤ x) of Beta(a, b). */
export const betaCumulative = (x: number, a: number, b: number): number => area(x, a, b, logBetaOf(a, b))

/** The x with P(X ≤ x) = p: Newton's steps, and bisection wherever one would leave what is known to hold x. */
export const betaQuantile = (p: number, a: number, b: number): number => {
  if (p <= 0) return 0
  if (p >= 1) return 1
  const logBeta = logBetaOf(a, b)
  let low = 0
  let high = 1
  let x = a / (a + b)
  for (let i = 0; i < 100 && high - low > 1e-16 * high; i++) {
    const error = area(x, a, b, logBeta) - p
    if (error < 0) low = x
    else high = x
    const density = Math.exp(logFront(x, a - 1, b - 1, logBeta))
    const next = x - error / density
    const before = x
    x = next > low && next < high ? next : 0.5 * (low + high)
    if (Math.abs(x - before) <= 1e-15 * x) break
  }
  return x
}
