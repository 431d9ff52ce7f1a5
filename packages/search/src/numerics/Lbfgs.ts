// Minimisation of a smooth function within a box: limited-memory BFGS with projection (the scheme of Byrd, Lu, Nocedal
// & Zhu 1995, with a simple projected line search). Owns the iteration only; deterministic, and ends at its limits.

/** Writes the gradient at `x` and returns the value; not finite where the function is not defined. */
export type Smooth = (x: Float64Array, gradient: Float64Array) => number

export interface Box {
  readonly low: ArrayLike<number>
  readonly high: ArrayLike<number>
}

export interface LbfgsOptions {
  readonly iterations: number
  /** Ends when no free component of the gradient is larger. */
  readonly tolerance: number
}

const memory = 8

export const minimize = (
  f: Smooth,
  start: ArrayLike<number>,
  box: Box,
  { iterations, tolerance }: LbfgsOptions,
): { readonly x: Float64Array; readonly value: number } => {
  const d = start.length
  const inside = (v: number, k: number) => Math.min(box.high[k]!, Math.max(box.low[k]!, v))
  let x = Float64Array.from(start, inside)
  let gradient = new Float64Array(d)
  let value = f(x, gradient)
  const steps: Array<{ readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }> = []
  for (let iteration = 0; iteration < iterations; iteration++) {
    const free = (k: number) =>
      !((x[k]! <= box.low[k]! && gradient[k]! > 0) || (x[k]! >= box.high[k]! && gradient[k]! < 0))
    let steepest = 0
    for (let k = 0; k < d; k++) if (free(k)) steepest = Math.max(steepest, Math.abs(gradient[k]!))
    if (!(steepest > tolerance)) break

    // The two-loop recursion, on the free components.
    const direction = Float64Array.from(gradient, (g, k) => (free(k) ? -g : 0))
    const factors: Array<number> = []
    for (let j = steps.length - 1; j >= 0; j--) {
      const { s, y, rho } = steps[j]!
      let a = 0
      for (let k = 0; k < d; k++) a += s[k]! * direction[k]!
      a *= rho
      factors[j] = a
      for (let k = 0; k < d; k++) direction[k]! -= a * y[k]!
    }
    const last = steps.at(-1)
    if (last === undefined) {
      // Without curvature yet, a first step of at most a tenth of the box.
      const scale = Math.min(1, 0.1 / steepest)
      for (let k = 0; k < d; k++) direction[k]! *= scale
    } else {
      let yy = 0
      for (let k = 0; k < d; k++) yy += last.y[k]! ** 2
      for (let k = 0; k < d; k++) direction[k]! *= 1 / (last.rho * yy)
    }
    steps.forEach(({ s, y, rho }, j) => {
      let b = 0
      for (let k = 0; k < d; k++) b += y[k]! * direction[k]!
      for (let k = 0; k < d; k++) direction[k]! += (factors[j]! - rho * b) * s[k]!
    })
    let slope = 0
    for (let k = 0; k < d; k++) {
      if (!free(k)) direction[k] = 0
      slope += direction[k]! * gradient[k]!
    }
    if (!(slope < 0)) {
      if (steps.length === 0) break
      steps.length = 0
      continue
    }

    let next = x
    let nextValue = Infinity
    const nextGradient = new Float64Array(d)
    let length = 1
    let accepted = false
    for (let tries = 0; tries < 12; tries++, length *= 0.4) {
      const step = length
      next = Float64Array.from(x, (v, k) => inside(v + step * direction[k]!, k))
      nextValue = f(next, nextGradient)
      let decrease = 0
      for (let k = 0; k < d; k++) decrease += gradient[k]! * (next[k]! - x[k]!)
      if (Number.isFinite(nextValue) && nextValue <= value + 1e-4 * decrease) {
        accepted = true
        break
      }
    }
    if (!accepted) break
    const s = next.map((v, k) => v - x[k]!)
    const y = nextGradient.map((g, k) => g - gradient[k]!)
    let sy = 0
    let ss = 0
    let yy = 0
    for (let k = 0; k < d; k++) {
      sy += s[k]! * y[k]!
      ss += s[k]! ** 2
      yy += y[k]! ** 2
    }
    if (sy > 1e-10 * Math.sqrt(ss * yy)) {
      steps.push({ s, y, rho: 1 / sy })
      if (steps.length > memory) steps.shift()
    }
    const gain = value - nextValue
    x = next
    value = nextValue
    gradient = nextGradient
    if (gain <= 1e-9 * (1 + Math.abs(value))) break
  }
  return { x, value }
}
