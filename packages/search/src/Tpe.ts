// The tree-structured Parzen estimator: two densities over the space, one of the good trials and one of all others, and
// the next trial where their ratio is largest (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011).
// Owns both densities. They are multivariate: a mixture of product kernels, one per trial, so that parameters that are
// good together are drawn together (Falkner et al., BOHB, 2018). Densities are relative to the person's distribution; a
// kernel says nothing (1) of a parameter its trial does not have, which groups conditional spaces by itself. Open
// trials and failures count as bad: parallel trials keep apart ("constant liar") and failures are avoided.
import { type Axis, clampUnit, followBelief } from "./Axis.ts"
import type { History } from "./History.ts"
import { normalCumulative, normalQuantile } from "./Normal.ts"
import { observed } from "./Observed.ts"
import { random, type Random } from "./Random.ts"
import { drawNew } from "./RandomSearch.ts"
import type { SamplerFactory, Suggestion } from "./Sampler.ts"
import { sobolSequence, sobolSuggestion } from "./Sobol.ts"
import { checkFeasible, compileSpace, type Space } from "./Space.ts"
import { tried } from "./Tried.ts"

export interface TpeOptions {
  /** Trials of a Sobol sequence before the densities are used. */
  readonly startup: number
  /** How many trials count as good, of n finished ones. */
  readonly good: (n: number) => number
  /** Points drawn from the good density, of which the best is taken. */
  readonly candidates: (n: number) => number
}

export const tpeDefaults: TpeOptions = {
  startup: 10,
  good: (n) => Math.min(25, Math.ceil(0.1 * n)),
  candidates: (n) => (n <= 2_000 ? 48 : 24),
}

/** Ordered axes with at most this many values have their kernels tabulated; finer ones are taken as continuous. */
const tabulated = 64

/** Φ in steps of 1/256 between −8 and 8: kernels are normalised often, and 1e-6 is enough for that. */
const cumulativeTable = Float64Array.from({ length: 4_098 }, (_, i) => normalCumulative(i / 256 - 8))
const cumulative = (x: number): number => {
  if (x <= -8) return 0
  if (x >= 8) return 1
  const at = (x + 8) * 256
  const i = at | 0
  const low = cumulativeTable[i]!
  return low + (at - i) * (cumulativeTable[i + 1]! - low)
}

/** The interval of each level, for axes whose kernels are tabulated. */
interface Levels {
  readonly count: number
  readonly edges: Float64Array
}

const levelsOf = (axis: Axis): Levels | null => {
  if (axis.kind === "continuous" || (axis.kind === "ordered" && !(axis.levels <= tabulated))) return null
  const edges = new Float64Array(axis.levels + 1)
  edges[axis.levels] = 1
  for (let level = 1; level < axis.levels; level++) edges[level] = axis.interval(axis.encode(axis.value(level)))[0]
  return { count: axis.levels, edges }
}

/** A mixture of product kernels, one per member and the prior, in flat arrays that are reused from call to call. */
class Mixture {
  readonly #axes: ReadonlyArray<Axis>
  readonly #levels: ReadonlyArray<Levels | null>
  readonly #continuous: ReadonlyArray<number>
  readonly #discrete: ReadonlyArray<number>
  readonly #believed: boolean
  size = 0
  /** Of the kernel: logarithm of its weight. */
  #logWeight = new Float64Array(0)
  #weightSum = 0
  /** By kernel, then axis. */
  #mean = new Float64Array(0)
  #inverse = new Float64Array(0)
  #logNorm = new Float64Array(0)
  #level = new Int32Array(0)
  #base = new Float64Array(0)
  /** By discrete axis: log density at a level (row) of a kernel at a level (column). */
  readonly #tables: Array<Float64Array>

  constructor(axes: ReadonlyArray<Axis>, levels: ReadonlyArray<Levels | null>, believed: boolean) {
    this.#axes = axes
    this.#levels = levels
    this.#continuous = axes.map((_, k) => k).filter((k) => levels[k] === null)
    this.#discrete = axes.map((_, k) => k).filter((k) => levels[k] !== null)
    this.#believed = believed
    this.#tables = levels.map((l) => new Float64Array(l === null ? 0 : l.count * l.count))
  }

  /** `order` holds, per axis, the indices of rows sorted by that axis's coordinate. */
  fit(
    rows: ReadonlyArray<Float64Array>,
    members: ReadonlyArray<number>,
    isMember: (row: number) => boolean,
    order: ReadonlyArray<ReadonlyArray<number>>,
    weight: (position: number, n: number) => number,
  ): void {
    const d = this.#axes.length
    const n = members.length
    this.size = n
    if (this.#logWeight.length < n) {
      const room = Math.max(64, 2 * n)
      this.#logWeight = new Float64Array(room)
      this.#base = new Float64Array(room)
      this.#mean = new Float64Array(room * d)
      this.#inverse = new Float64Array(room * d)
      this.#logNorm = new Float64Array(room * d)
      this.#level = new Int32Array(room * d)
    }
    this.#weightSum = 1
    members.forEach((row, i) => {
      const w = weight(i, n)
      this.#weightSum += w
      this.#logWeight[i] = Math.log(w)
      const point = rows[row]!
      for (let k = 0; k < d; k++) {
        const at = i * d + k
        this.#mean[at] = point[k]!
        this.#inverse[at] = 0
        this.#logNorm[at] = 0
        const levels = this.#levels[k]!
        // −1: the trial does not have this parameter.
        if (levels !== null) this.#level[at] = Number.isNaN(point[k]!) ? -1 : this.#axes[k]!.level(point[k]!)
      }
    })
    const position = new Map<number, number>()
    members.forEach((row, i) => position.set(row, i))
    for (const k of this.#continuous) this.#bandwidths(k, rows, isMember, position, order[k]!)
    for (const k of this.#discrete) this.#tabulate(k)
  }

  /** As wide as the gap to the farther neighbour, within [1 / min(100, n + 2), 1]: narrow where trials are dense. */
  #bandwidths(
    k: number,
    rows: ReadonlyArray<Float64Array>,
    isMember: (row: number) => boolean,
    position: ReadonlyMap<number, number>,
    order: ReadonlyArray<number>,
  ): void {
    const d = this.#axes.length
    const sorted = order.filter(isMember)
    const narrowest = 1 / Math.min(100, sorted.length + 2)
    for (let j = 0; j < sorted.length; j++) {
      const mean = rows[sorted[j]!]![k]!
      const left = j > 0 ? mean - rows[sorted[j - 1]!]![k]! : sorted.length > 1 ? 0 : mean
      const right = j < sorted.length - 1 ? rows[sorted[j + 1]!]![k]! - mean : sorted.length > 1 ? 0 : 1 - mean
      const width = Math.min(1, Math.max(narrowest, left, right))
      const inverse = 1 / width
      const at = position.get(sorted[j]!)! * d + k
      this.#inverse[at] = inverse
      this.#logNorm[at] = Math.log(
        (inverse * 0.3989422804014327) / (cumulative((1 - mean) * inverse) - cumulative(-mean * inverse)),
      )
    }
  }

  #tabulate(k: number): void {
    const { count, edges } = this.#levels[k]!
    const table = this.#tables[k]!
    const n = this.size
    if (this.#axes[k]!.kind === "choice") {
      const spread = 1 / (n + 1)
      for (let x = 0; x < count; x++) {
        const share = edges[x + 1]! - edges[x]!
        for (let c = 0; c < count; c++) {
          table[x * count + c] = Math.log(((x === c ? 1 : 0) + spread * count * share) / ((1 + spread * count) * share))
        }
      }
      return
    }
    const width = Math.max(0.5 / count, 0.25 * (n + 1) ** (-1 / (this.#axes.length + 4)))
    for (let c = 0; c < count; c++) {
      const mean = 0.5 * (edges[c]! + edges[c + 1]!)
      const inside = cumulative((1 - mean) / width) - cumulative(-mean / width)
      let below = cumulative(-mean / width)
      for (let x = 0; x < count; x++) {
        const above = cumulative((edges[x + 1]! - mean) / width)
        // Beyond eight widths the prior is all there is.
        table[x * count + c] = Math.log(Math.max(1e-12, above - below) / (inside * (edges[x + 1]! - edges[x]!)))
        below = above
      }
    }
  }

  /** A point of the mixture: each coordinate from the same kernel. */
  draw(from: Random): Float64Array {
    const d = this.#axes.length
    let pick = from.uniform() * this.#weightSum
    let i = 0
    while (i < this.size && (pick -= Math.exp(this.#logWeight[i]!)) > 0) i++
    return Float64Array.from(this.#axes, (axis, k) => {
      const u = from.uniform()
      const at = i * d + k
      const absent = i === this.size || (this.#levels[k] === null ? this.#inverse[at] === 0 : this.#level[at] === -1)
      if (absent) return axis.belief === null || !this.#believed ? u : followBelief(axis.belief, u)
      const levels = this.#levels[k]!
      if (levels === null) {
        const inverse = this.#inverse[at]!
        const mean = this.#mean[at]!
        const low = cumulative(-mean * inverse)
        const high = cumulative((1 - mean) * inverse)
        const x = clampUnit(mean + normalQuantile(low + u * (high - low)) / inverse)
        return axis.kind === "continuous" ? x : axis.encode(axis.decode(x))
      }
      const { count, edges } = levels
      let rest = u
      let level = 0
      for (; level < count - 1; level++) {
        const mass = Math.exp(this.#tables[k]![level * count + this.#level[at]!]!) * (edges[level + 1]! - edges[level]!)
        if ((rest -= mass) < 0) break
      }
      return 0.5 * (edges[level]! + edges[level + 1]!)
    })
  }

  /** Log density at an encoded point, relative to the person's distribution. */
  logDensity(point: Float64Array): number {
    const d = this.#axes.length
    const n = this.size
    const base = this.#base
    const mean = this.#mean
    const inverse = this.#inverse
    const logNorm = this.#logNorm
    for (let i = 0; i < n; i++) base[i] = this.#logWeight[i]!
    let prior = 0
    for (const k of this.#continuous) {
      const x = point[k]!
      if (x !== x) continue
      for (let i = 0, at = k; i < n; i++, at += d) {
        // An absent parameter's mean is NaN; its inverse width 0 marks it.
        const w = inverse[at]!
        if (w === 0) continue
        const z = (x - mean[at]!) * w
        base[i]! += logNorm[at]! - 0.5 * z * z
      }
    }
    for (const k of this.#discrete) {
      const x = point[k]!
      if (x !== x) continue
      const { count } = this.#levels[k]!
      const row = this.#axes[k]!.level(x) * count
      const table = this.#tables[k]!
      for (let i = 0, at = k; i < n; i++, at += d) {
        const level = this.#level[at]!
        if (level >= 0) base[i]! += table[row + level]!
      }
    }
    if (this.#believed) {
      this.#axes.forEach(({ belief }, k) => {
        const x = point[k]!
        if (belief === null || x !== x) return
        const inside = cumulative((1 - belief.center) / belief.width) - cumulative(-belief.center / belief.width)
        prior += -0.5 * ((x - belief.center) / belief.width) ** 2 - Math.log(2.5066282746310002 * belief.width * inside)
      })
    }
    let top = prior
    for (let i = 0; i < n; i++) if (base[i]! > top) top = base[i]!
    let sum = Math.exp(prior - top)
    const floor = top - 40
    for (let i = 0; i < n; i++) if (base[i]! > floor) sum += Math.exp(base[i]! - top)
    return top + Math.log(sum / this.#weightSum)
  }
}

/** The `count` indices of smallest loss, best first; of equal losses the earlier. */
const best = (indices: ReadonlyArray<number>, losses: Float64Array, count: number): Array<number> => {
  const kept: Array<number> = []
  for (const i of indices) {
    if (kept.length === count && !(losses[i]! < losses[kept[count - 1]!]!)) continue
    let at = kept.length
    while (at > 0 && losses[i]! < losses[kept[at - 1]!]!) at--
    kept.splice(at, 0, i)
    if (kept.length > count) kept.pop()
  }
  return kept
}

/** Per axis, the row indices in the order of that coordinate (then of the index); rows are added as they come. */
const ordering = (d: number) => {
  let order = Array.from({ length: d }, (): Array<number> => [])
  let count = 0
  return (rows: ReadonlyArray<Float64Array>, kept: number): ReadonlyArray<ReadonlyArray<number>> => {
    if (kept < count) {
      order = order.map((axis) => axis.filter((row) => row < kept))
      count = kept
    }
    const before = (a: number, b: number, k: number) => rows[a]![k]! - rows[b]![k]! || a - b
    if (rows.length - count > 256) {
      order = order.map((axis, k) => {
        for (let row = count; row < rows.length; row++) if (!Number.isNaN(rows[row]![k]!)) axis.push(row)
        return axis.sort((a, b) => before(a, b, k))
      })
    } else {
      for (let row = count; row < rows.length; row++) {
        order.forEach((axis, k) => {
          if (Number.isNaN(rows[row]![k]!)) return
          let low = 0
          let high = axis.length
          while (low < high) {
            const middle = (low + high) >>> 1
            if (before(axis[middle]!, row, k) < 0) low = middle + 1
            else high = middle
          }
          axis.splice(low, 0, row)
        })
      }
    }
    count = rows.length
    return order
  }
}

/** Older bad trials fade once there are many: full weight for the newest 25, a ramp from 1 / n before (as Hyperopt has it). */
const fading = (position: number, n: number): number =>
  n <= 25 || position >= n - 25 ? 1 : 1 / n + (position / Math.max(1, n - 26)) * (1 - 1 / n)

export const tpeWith =
  (options: TpeOptions): SamplerFactory =>
  ({ space: definition, metric, seed }) => {
    const space: Space = compileSpace(definition)
    checkFeasible(space, definition)
    const { axes } = space
    const levels = axes.map(levelsOf)
    const sequence = sobolSequence(axes.length, seed)
    const look = tried()
    const read = observed(space, metric)
    const sort = ordering(axes.length)
    const good = new Mixture(axes, levels, true)
    const bad = new Mixture(axes, levels, false)
    // Whether a point drawn has to be decoded to know which parameters exist, or whether it is allowed at all.
    const plain = !space.conditional && !space.constrained

    const suggest = (history: History, number: number): Suggestion => {
      const seen = look(history)
      const { rows, losses, finished, failed, open, kept } = read(history)
      const order = sort(rows, kept)
      if (finished.length + failed.length < options.startup || finished.length === 0 || axes.length === 0) {
        return sobolSuggestion(space, sequence, seen, seed, number)
      }
      const goodOnes = best(finished, losses, options.good(finished.length))
      const isGood = new Uint8Array(rows.length)
      for (const row of goodOnes) isGood[row] = 1
      const isBad = new Uint8Array(rows.length)
      for (const row of finished) isBad[row] = 1 - isGood[row]!
      for (const row of failed) isBad[row] = 1
      for (const row of open) isBad[row] = 1
      const badOnes: Array<number> = []
      for (let row = 0; row < rows.length; row++) if (isBad[row] === 1) badOnes.push(row)
      good.fit(
        rows,
        goodOnes,
        (row) => isGood[row] === 1,
        order,
        () => 1,
      )
      bad.fit(rows, badOnes, (row) => isBad[row] === 1, order, fading)

      const from = random(seed, number, "tpe")
      const scored: Array<{ readonly drawn: Float64Array; readonly score: number }> = []
      for (let i = options.candidates(badOnes.length); i > 0; i--) {
        const drawn = good.draw(from)
        let point = drawn
        if (!plain) {
          const parameters = space.decode(drawn)
          if (parameters === null) continue
          point = space.encode(parameters)
        }
        scored.push({ drawn, score: good.logDensity(point) - bad.logDensity(point) })
      }
      scored.sort((a, b) => b.score - a.score)
      for (const { drawn } of scored) {
        const parameters = space.decode(drawn)!
        if (!seen.has(parameters)) return { _tag: "Suggested", parameters }
      }
      return drawNew(space, seen, from)
    }
    return { size: null, suggest }
  }

/** Throws `InvalidSpace`. */
export const tpe: SamplerFactory = tpeWith(tpeDefaults)
