// Sobol's low-discrepancy sequence with Owen scrambling, and the search that follows it. Owns the points: in base 2,
// any power of two of them fills every dyadic box evenly, and each scramble (by seed) keeps that while making every
// single point uniform. Point n is computed from n alone.
import type { History } from "../space/History.ts"
import { clampUnit, followBelief } from "../space/Axis.ts"
import { hash, random } from "../numerics/Random.ts"
import { drawNew } from "./RandomSearch.ts"
import type { SamplerFactory, Suggestion } from "./Sampler.ts"
import { checkFeasible, compileSpace, type Space } from "../space/Space.ts"
import { type Tried, tried } from "../space/Tried.ts"

const bits = 32

// Initial direction integers m₁ … m_s of dimensions 2 to 21 (Joe & Kuo, "Constructing Sobol sequences with better
// two-dimensional projections", 2008, table new-joe-kuo-6.21201), in the order of the primitive polynomials below.
const initial: ReadonlyArray<ReadonlyArray<number>> = [
  [1],
  [1, 3],
  [1, 3, 1],
  [1, 1, 1],
  [1, 1, 3, 3],
  [1, 3, 5, 13],
  [1, 1, 5, 5, 17],
  [1, 1, 5, 5, 5],
  [1, 1, 7, 11, 19],
  [1, 1, 5, 1, 1],
  [1, 1, 1, 3, 11],
  [1, 3, 5, 5, 31],
  [1, 3, 3, 9, 7, 49],
  [1, 1, 1, 15, 21, 21],
  [1, 3, 1, 13, 27, 49],
  [1, 1, 1, 15, 7, 5],
  [1, 3, 1, 15, 13, 25],
  [1, 1, 5, 5, 19, 61],
  [1, 3, 7, 11, 23, 15, 103],
  [1, 3, 7, 13, 13, 15, 69],
]

/** Whether x generates every nonzero element of GF(2)[x] modulo `polynomial` (its bits the coefficients). */
const isPrimitive = (polynomial: number, degree: number): boolean => {
  const top = 1 << degree
  let x = 1
  for (let power = 1; power < top; power++) {
    x <<= 1
    if (x & top) x ^= polynomial
    if (x === 1) return power === top - 1
  }
  return false
}

/** Degree and coefficients of the primitive polynomials over GF(2), by degree and then by value, from x + 1 on. */
function* primitivePolynomials(): Generator<{ readonly degree: number; readonly polynomial: number }> {
  for (let degree = 1; ; degree++) {
    for (let polynomial = (1 << degree) | 1; polynomial < 2 << degree; polynomial += 2) {
      if (isPrimitive(polynomial, degree)) yield { degree, polynomial }
    }
  }
}

/** The direction numbers of each of `dimensions` dimensions, `bits` each, as 32-bit fractions. */
const directionNumbers = (dimensions: number): ReadonlyArray<Uint32Array> => {
  // The first dimension is van der Corput's sequence.
  const all = [Uint32Array.from({ length: bits }, (_, i) => (1 << (31 - i)) >>> 0)]
  const polynomials = primitivePolynomials()
  while (all.length < dimensions) {
    const { degree: s, polynomial } = polynomials.next().value!
    // Beyond the table any odd mᵢ < 2ⁱ gives a Sobol sequence; these are fixed by a hash.
    const m =
      initial[all.length - 1] ?? Array.from({ length: s }, (_, i) => (hash(all.length, i, "sobol") % (1 << i)) * 2 + 1)
    const v = new Uint32Array(bits)
    for (let i = 0; i < bits; i++) {
      if (i < s) v[i] = m[i]! << (31 - i)
      else {
        let next = v[i - s]! ^ (v[i - s]! >>> s)
        for (let k = 1; k < s; k++) if ((polynomial >>> (s - k)) & 1) next ^= v[i - k]!
        v[i] = next
      }
    }
    all.push(v)
  }
  return all
}

const reverse = (x: number): number => {
  x = ((x >>> 1) & 0x5555_5555) | ((x & 0x5555_5555) << 1)
  x = ((x >>> 2) & 0x3333_3333) | ((x & 0x3333_3333) << 2)
  x = ((x >>> 4) & 0x0f0f_0f0f) | ((x & 0x0f0f_0f0f) << 4)
  x = ((x >>> 8) & 0x00ff_00ff) | ((x & 0x00ff_00ff) << 8)
  return ((x >>> 16) | (x << 16)) >>> 0
}

/**
 * Owen's nested uniform scramble by hashing: each bit is flipped by a hash of the bits above it (Laine & Karras 2011;
 * Burley, "Practical Hash-based Owen Scrambling", 2020).
 */
const scramble = (x: number, seed: number): number => {
  x = reverse(x)
  x = (x + seed) | 0
  x ^= Math.imul(x, 0x6c50_b47c)
  x ^= Math.imul(x, 0xb82f_1e52)
  x ^= Math.imul(x, 0xc7af_e638)
  x ^= Math.imul(x, 0x8d22_f6e6)
  return reverse(x)
}

export interface SobolSequence {
  /** Point `index` (from 0, below 2³²) in (0, 1)ᵈ. */
  readonly point: (index: number) => Float64Array
}

/** `seed: null` gives the sequence without scrambling, of which point 0 is the corner. */
export const sobolSequence = (dimensions: number, seed: number | null): SobolSequence => {
  const directions = directionNumbers(dimensions)
  const seeds = directions.map((_, k) => (seed === null ? 0 : hash(seed, k, "owen")))
  return {
    point: (index) => {
      const gray = (index ^ (index >>> 1)) >>> 0
      return Float64Array.from(directions, (v, k) => {
        let x = 0
        for (let i = 0, rest = gray; rest !== 0; i++, rest >>>= 1) if (rest & 1) x ^= v[i]!
        return seed === null ? (x >>> 0) / 2 ** 32 : (scramble(x, seeds[k]!) + 0.5) / 2 ** 32
      })
    },
  }
}

/** Points against a constraint, or tried before, are passed over for ones from a later stretch of the sequence. */
const stretches = 64

export const sobolSuggestion = (
  space: Space,
  sequence: SobolSequence,
  history: Tried,
  seed: number,
  number: number,
): Suggestion => {
  for (let attempt = 0; attempt < stretches; attempt++) {
    const unit = sequence.point((number - 1 + attempt * 0x0400_0000) >>> 0)
    space.axes.forEach(({ belief }, k) => {
      if (belief !== null) unit[k] = followBelief(belief, clampUnit(unit[k]!))
    })
    const parameters = space.decode(unit)
    if (parameters !== null && !history.has(parameters)) return { _tag: "Suggested", parameters }
  }
  return drawNew(space, history, random(seed, number, "sobol"))
}

/** Throws `InvalidSpace`. */
export const sobolSearch: SamplerFactory = ({ space: definition, seed }) => {
  const space = compileSpace(definition)
  checkFeasible(space, definition)
  const sequence = sobolSequence(space.axes.length, seed)
  const look = tried()
  return {
    size: null,
    suggest: (history: History, number: number) => sobolSuggestion(space, sequence, look(history), seed, number),
  }
}
