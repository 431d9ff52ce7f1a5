// The standard normal distribution in double precision: density, distribution function, its logarithm far into the
// tail, and quantiles. Owns the numerics only.

const sqrt2Pi = Math.sqrt(2 * Math.PI)
const halfLog2Pi = 0.5 * Math.log(2 * Math.PI)

export const normalDensity = (x: number): number => Math.exp(-0.5 * x * x) / sqrt2Pi

/** (1 − Φ(x)) / φ(x) for x ≥ 2 by Laplace's continued fraction (DLMF 7.9.3), to 1e-15. */
const millsTail = (x: number): number => {
  let f = x
  for (let k = Math.ceil(20 + 280 / (x * x)); k > 0; k--) f = x + k / f
  return 1 / f
}

/** Mills' ratio (1 − Φ(x)) / φ(x); stays finite where both vanish. */
export const mills = (x: number): number => (x >= 2 ? millsTail(x) : normalTail(x) / normalDensity(x))

/** Φ(x) − ½ by Marsaglia's series ("Evaluating the Normal Distribution", 2004), for |x| ≤ 4. */
const centralArea = (x: number): number => {
  let term = x
  let sum = x
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
    term *= (x * x) / k
    sum += term
  }
  return sum * normalDensity(x)
}

/** 1 − Φ(x), without cancellation in the upper tail. */
const normalTail = (x: number): number =>
  x >= 2 ? millsTail(x) * normalDensity(x) : x < -2 ? 1 - millsTail(-x) * normalDensity(x) : 0.5 - centralArea(x)

/** Φ(x). */
export const normalCumulative = (x: number): number => normalTail(-x)

/** ln Φ(x), accurate down to x = −1e150. */
export const normalLogCumulative = (x: number): number =>
  x > 2
    ? Math.log1p(-normalTail(x))
    : x > -2
      ? Math.log(normalCumulative(x))
      : Math.log(millsTail(-x)) - 0.5 * x * x - halfLog2Pi

const polynomial = (coefficients: ReadonlyArray<number>, x: number): number => {
  let sum = 0
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i]!
  return sum
}

// Wichura's rational approximations: central, middle and far region, numerator and denominator.
const a = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
  33430.57558358813, 2509.0809287301227,
]
const b = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271, 28729.085735721943,
  5226.495278852854,
]
const c = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684, 0.2417807251774506,
  0.022723844989269184, 0.0007745450142783414,
]
const d = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  0.0005475938084995345, 1.0507500716444169e-9,
]
const e = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
  0.0012426609473880784, 0.000027115555687434876, 2.0103343992922881e-7,
]
const f = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 0.000018463183175100548,
  1.421511758316446e-7, 2.0442631033899397e-15,
]

/** Φ⁻¹(p), to about 1e-16 relative (Wichura, "Algorithm AS 241", 1988). ∓∞ at 0 and 1. */
export const normalQuantile = (p: number): number => {
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q
    return (q * polynomial(a, r)) / polynomial(b, r)
  }
  if (p <= 0) return -Infinity
  if (p >= 1) return Infinity
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p))
  const x = r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5) / polynomial(f, r - 5)
  return q < 0 ? -x : x
}
