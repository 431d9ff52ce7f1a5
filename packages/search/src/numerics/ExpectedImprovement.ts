// Log expected improvement: how much a normal variable promises to fall below a threshold, on log scale, accurate where
// the improvement itself underflows (Ament et al., "Unexpected Improvements to Expected Improvement", 2023). Owns the
// formula and its derivatives.
import { mills, normalCumulative, normalDensity } from "./Normal.ts"

const halfLog2Pi = 0.5 * Math.log(2 * Math.PI)

/** ln h(z) with h(z) = φ(z) + z Φ(z), and its derivative Φ(z) / h(z). */
export const logImprovement = (z: number): { readonly value: number; readonly slope: number } => {
  if (z > -1) {
    const h = normalDensity(z) + z * normalCumulative(z)
    return { value: Math.log(h), slope: normalCumulative(z) / h }
  }
  // h(z) = φ(z) (1 − |z| m(|z|)), m Mills' ratio; the bracket goes to 1 / z² and is that where it would cancel.
  const t = -z
  const ratio = t < 1e4 ? mills(t) : 1 / t
  const bracket = t < 1e4 ? 1 - t * ratio : 1 / (t * t)
  return { value: -0.5 * z * z - halfLog2Pi + Math.log(bracket), slope: ratio / bracket }
}

/** ln E max(0, threshold − Y), Y normal: for minimisation. */
export const logExpectedImprovement = (mean: number, variance: number, threshold: number): number => {
  const sigma = Math.sqrt(variance)
  return logImprovement((threshold - mean) / sigma).value + Math.log(sigma)
}
