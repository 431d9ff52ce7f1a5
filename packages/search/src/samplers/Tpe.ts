// The tree-structured Parzen estimator: two densities over the space, one of the good trials and one of all others, and
// the next trial where their ratio is largest (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011).
// Owns both densities. They are multivariate: a mixture of product kernels, one per trial, so that parameters that are
// good together are drawn together (Falkner et al., BOHB, 2018). Densities are relative to the person's distribution; a
// kernel says nothing (1) of a parameter its trial does not have, which groups conditional spaces by itself. Open
// trials and failures count as bad: parallel trials keep apart ("constant liar") and failures are avoided. Memory is a
// constraint with two densities of its own, of what fits and what does not (c-TPE; Watanabe and Hutter, 2023).
import { type Axis, clampUnit, followBelief } from "../space/Axis.ts"
import type { History } from "../space/History.ts"
import { normalCumulative, normalQuantile } from "../numerics/Normal.ts"
import { observed } from "./Observed.ts"
import { random, type Random } from "../numerics/Random.ts"
import { drawNew } from "./RandomSearch.ts"
import type { SamplerFactory, Suggestion } from "./Sampler.ts"
import { sobolSequence, sobolSuggestion } from "./Sobol.ts"
import { checkFeasible, compileSpace, type Space } from "../space/Space.ts"
import { tried } from "../space/Tried.ts"

interface TpeOptions {
  /** Trials of a Sobol sequence before the densities are used. */
  readonly startup: number
  /** How many trials count as good, of n finished ones. */
  readonly good: (n: number) => number
  /** Points drawn from the good density, of which the best is taken. */
  readonly candidates: (n: number) => number
}

const tpeDefaults: TpeOptions = {
  startup: 10,
  good: (n) => Math.min(25, Math.ceil(0.1 * n)),
  candidates: (n) => (n <= 400 ? 48 : 24),
}

/** Ordered axes with at most this many values have their kernels tabulated; finer ones are taken as continuous. */
const tabulated = 12

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

/** What a kernel adds to a density is left out below e^-24 of the largest. */
const negligible = 24

/** e^-x in steps of 1/256 between 0 and `negligible`: it is taken once per kernel, and 2e-6 is enough for a mixture. */
const decayTable = Float64Array.from({ length: negligible * 256 + 2 }, (_, i) => Math.exp(-i / 256))
/** e^-x, for x within [0, `negligible`]. */
const decay = (x: number): number => {
  const at = x * 256
  const i = at | 0
  const here = decayTable[i]!
  return here + (at - i) * (decayTable[i + 1]! - here)
}

/** So many kernels are added up before it is asked whether the rest matters. */
const block = 128

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

/** What a mixture is made of on one axis, by kernel. */
interface Column {
  readonly axis: Axis
  readonly levels: Levels | null
  /** Centre and inverse width; a kernel whose trial lacks the parameter has the width 1 / 0: it says nothing. */
  mean: Float64Array
  inverse: Float64Array
  /** What makes the kernel a density. */
  norm: Float64Array
  /** The level, or `levels.count` when the trial lacks the parameter. */
  level: Int32Array
  /** Log density at a level (row) of a kernel at a level (column). */
  readonly table: Float64Array
}

/** A mixture of product kernels, one per member and the prior, in flat arrays that are reused from call to call. */
class Mixture {
  readonly #columns: ReadonlyArray<Column>
  readonly #believed: boolean
  #size = 0
  #weight = new Float64Array(0)
  #weightSum = 0
  #priorWeight = 1
  /** By kernel, the logarithm of its weight and of what makes it a density on all axes. */
  #constant = new Float64Array(0)
  #sum = new Float64Array(0)

  constructor(axes: ReadonlyArray<Axis>, levels: ReadonlyArray<Levels | null>, believed: boolean) {
    this.#columns = axes.map((axis, k) => {
      const count = levels[k]?.count ?? 0
      const none = new Float64Array(0)
      return {
        axis,
        levels: levels[k]!,
        mean: none,
        inverse: none,
        norm: none,
        level: new Int32Array(0),
        table: new Float64Array(count * (count + 1)),
      }
    })
    this.#believed = believed
  }

  #makeRoom(n: number): void {
    if (this.#weight.length >= n) return
    const room = Math.max(64, 2 * n)
    this.#weight = new Float64Array(room)
    this.#constant = new Float64Array(room)
    this.#sum = new Float64Array(room)
    for (const column of this.#columns) {
      if (column.levels === null) {
        column.mean = new Float64Array(room)
        column.inverse = new Float64Array(room)
        column.norm = new Float64Array(room)
      } else column.level = new Int32Array(room)
    }
  }

  /**
   * `place` gives the position among the members by row, −1 for others; `order` holds, per axis, the rows sorted by
   * that axis's coordinate.
   */
  fit(
    rows: ReadonlyArray<Float64Array>,
    members: ReadonlyArray<number>,
    place: Int32Array,
    order: ReadonlyArray<Order>,
    weight: (position: number, n: number) => number,
  ): void {
    const n = members.length
    this.#size = n
    this.#makeRoom(n)
    this.#weightSum = 0
    for (let i = 0; i < n; i++) this.#weightSum += this.#weight[i] = weight(i, n)
    // The prior weighs as much as an average trial.
    this.#priorWeight = n === 0 ? 1 : this.#weightSum / n
    this.#weightSum += this.#priorWeight
    for (let i = 0; i < n; i++) this.#constant[i] = this.#weight[i]!
    for (let k = 0; k < this.#columns.length; k++) {
      const column = this.#columns[k]!
      if (column.levels === null) this.#bandwidths(column, place, order[k]!)
      else {
        const { axis, level, levels } = column
        for (let i = 0; i < n; i++) {
          const u = rows[members[i]!]![k]!
          level[i] = Number.isNaN(u) ? levels.count : axis.level(u)
        }
        this.#tabulate(column, levels)
      }
    }
    for (let i = 0; i < n; i++) this.#constant[i] = Math.log(this.#constant[i]!)
  }

  /** As wide as the gap to the farther neighbour, within [1 / min(200, n + 2), 1]: narrow where trials are dense,
   * but reaching the next level where there are levels. */
  #bandwidths({ axis, mean, inverse, norm }: Column, place: Int32Array, { rows, values }: Order): void {
    const constant = this.#constant
    mean.fill(0, 0, this.#size)
    inverse.fill(0, 0, this.#size)
    norm.fill(1, 0, this.#size)
    let count = 0
    for (let j = 0; j < rows.length; j++) if (place[rows[j]!]! >= 0) count++
    const narrowest = Math.max(1 / Math.min(200, count + 2), 0.8 / axis.levels)
    let current = -1
    let before = Number.NaN
    let here = Number.NaN
    // One step behind, so that both neighbours are known; the ends of the axis are neighbours of a lone trial only.
    for (let j = 0; j <= rows.length; j++) {
      const next = j < rows.length ? place[rows[j]!]! : -1
      if (next < 0 && j < rows.length) continue
      const after = next >= 0 ? values[j]! : Number.NaN
      if (current >= 0) {
        const left = before === before ? here - before : count > 1 ? 0 : here
        const right = after === after ? after - here : count > 1 ? 0 : 1 - here
        const w = 1 / Math.min(1, Math.max(narrowest, left, right))
        mean[current] = here
        inverse[current] = w
        norm[current] = (w * 0.3989422804014327) / (cumulative((1 - here) * w) - cumulative(-here * w))
        constant[current]! *= norm[current]!
      }
      before = here
      here = after
      current = next
    }
  }

  #tabulate({ axis, table }: Column, { count, edges }: Levels): void {
    const n = this.#size
    const stride = count + 1
    for (let x = 0; x < count; x++) table[x * stride + count] = 0
    if (axis.kind === "choice") {
      const spread = 1 / (n + 1)
      for (let x = 0; x < count; x++) {
        const share = edges[x + 1]! - edges[x]!
        for (let c = 0; c < count; c++) {
          table[x * stride + c] = Math.log(
            ((x === c ? 1 : 0) + spread * count * share) / ((1 + spread * count) * share),
          )
        }
      }
      return
    }
    const width = Math.max(0.5 / count, 0.15 * (n + 1) ** (-1 / (this.#columns.length + 4)))
    for (let c = 0; c < count; c++) {
      const mean = 0.5 * (edges[c]! + edges[c + 1]!)
      const inside = cumulative((1 - mean) / width) - cumulative(-mean / width)
      let below = cumulative(-mean / width)
      for (let x = 0; x < count; x++) {
        const above = cumulative((edges[x + 1]! - mean) / width)
        // Beyond eight widths the prior is all there is.
        table[x * stride + c] = Math.log(Math.max(1e-12, above - below) / (inside * (edges[x + 1]! - edges[x]!)))
        below = above
      }
    }
  }

  /** A point of the mixture: each coordinate from the same kernel. */
  draw(from: Random): Float64Array {
    let pick = from.uniform() * this.#weightSum
    let i = 0
    while (i < this.#size && (pick -= this.#weight[i]!) > 0) i++
    return Float64Array.from(this.#columns, ({ axis, levels, mean, inverse, level, table }) => {
      const u = from.uniform()
      const silent = i === this.#size || (levels === null ? inverse[i] === 0 : level[i] === levels.count)
      if (silent) return axis.belief === null || !this.#believed ? u : followBelief(axis.belief, u)
      if (levels === null) {
        const w = inverse[i]!
        const low = cumulative(-mean[i]! * w)
        const high = cumulative((1 - mean[i]!) * w)
        const x = clampUnit(mean[i]! + normalQuantile(low + u * (high - low)) / w)
        return axis.kind === "continuous" ? x : axis.encode(axis.decode(x))
      }
      const { count, edges } = levels
      let rest = u
      let at = 0
      for (; at < count - 1; at++) {
        rest -= Math.exp(table[at * (count + 1) + level[i]!]!) * (edges[at + 1]! - edges[at]!)
        if (rest < 0) break
      }
      return 0.5 * (edges[at]! + edges[at + 1]!)
    })
  }

  /**
   * Log density at an encoded point, relative to the person's distribution. Each kernel adds to it, so once it is above
   * `enough` the rest is left out, and what is returned is a lower bound.
   */
  logDensity(point: Float64Array, enough = Infinity): number {
    const sum = this.#sum
    const constant = this.#constant
    let top = Math.log(this.#priorWeight) + this.#priorLogDensity(point)
    let total = 1
    // The newest first: they weigh most.
    for (let end = this.#size; end > 0; end -= block) {
      const start = Math.max(0, end - block)
      for (let i = start; i < end; i++) sum[i] = constant[i]!
      for (let k = 0; k < this.#columns.length; k++) this.#addColumn(this.#columns[k]!, point[k]!, start, end)
      let highest = top
      for (let i = start; i < end; i++) if (sum[i]! > highest) highest = sum[i]!
      total *= Math.exp(top - highest)
      top = highest
      const floor = top - negligible
      for (let i = start; i < end; i++) if (sum[i]! > floor) total += decay(top - sum[i]!)
      if (top + Math.log(total / this.#weightSum) > enough) break
    }
    return top + Math.log(total / this.#weightSum)
  }

  #priorLogDensity(point: Float64Array): number {
    if (!this.#believed) return 0
    let sum = 0
    for (let k = 0; k < this.#columns.length; k++) {
      const { belief } = this.#columns[k]!.axis
      if (belief === null || Number.isNaN(point[k]!)) continue
      const { center, width } = belief
      const inside = cumulative((1 - center) / width) - cumulative(-center / width)
      sum += -0.5 * ((point[k]! - center) / width) ** 2 - Math.log(2.5066282746310002 * width * inside)
    }
    return sum
  }

  /** Adds to `#sum` what the kernels from `start` to `end` say of a coordinate. */
  #addColumn({ axis, levels, mean, inverse, norm, level, table }: Column, x: number, start: number, end: number): void {
    const sum = this.#sum
    if (Number.isNaN(x)) {
      // A parameter the point lacks says nothing of it.
      if (levels === null) for (let i = start; i < end; i++) sum[i]! -= Math.log(norm[i]!)
    } else if (levels === null) {
      for (let i = start; i < end; i++) {
        const z = (x - mean[i]!) * inverse[i]!
        sum[i]! -= 0.5 * z * z
      }
    } else {
      const row = axis.level(x) * (levels.count + 1)
      for (let i = start; i < end; i++) sum[i]! += table[row + level[i]!]!
    }
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

/** The rows that have a parameter, sorted by its coordinate (then by row), and these coordinates. */
interface Order {
  readonly rows: Array<number>
  readonly values: Array<number>
}

/** The order of every axis; rows are added as they come. */
const ordering = (d: number) => {
  let orders = Array.from({ length: d }, (): Order => ({ rows: [], values: [] }))
  let count = 0
  return (rows: ReadonlyArray<Float64Array>, kept: number): ReadonlyArray<Order> => {
    if (kept < count || rows.length - count > 256) {
      count = rows.length
      orders = orders.map((_, k) => {
        const sorted = Array.from(rows.keys())
          .filter((row) => !Number.isNaN(rows[row]![k]!))
          .sort((a, b) => rows[a]![k]! - rows[b]![k]! || a - b)
        return { rows: sorted, values: sorted.map((row) => rows[row]![k]!) }
      })
    }
    for (let row = count; row < rows.length; row++) {
      for (let k = 0; k < d; k++) {
        const value = rows[row]![k]!
        if (Number.isNaN(value)) continue
        const { rows: sorted, values } = orders[k]!
        let low = 0
        let high = sorted.length
        while (low < high) {
          const middle = (low + high) >>> 1
          // Of equal coordinates the new row, being the last, comes last.
          if (values[middle]! <= value) low = middle + 1
          else high = middle
        }
        sorted.splice(low, 0, row)
        values.splice(low, 0, value)
      }
    }
    count = rows.length
    return orders
  }
}

interface Focus {
  readonly axis: number
  readonly level: number
}

/** Share of the trials that look at one value of one choice only. */
const focused = 0.1

/**
 * Once all good trials share a choice, the densities never leave it again, whether or not another would do better
 * after as much search. So every tenth trial or so looks at one value of one choice, as if there were no other: the
 * value whose best trial is best with weight 1, the next with 1/2, then 1/3 …
 */
const chooseFocus = (
  axes: ReadonlyArray<Axis>,
  rows: ReadonlyArray<Float64Array>,
  losses: Float64Array,
  finished: ReadonlyArray<number>,
  from: Random,
): Focus | null => {
  const choices = Array.from(axes.keys()).filter((k) => axes[k]!.kind === "choice")
  if (choices.length === 0 || from.uniform() >= focused) return null
  const axis = choices[from.index(choices.length)]!
  const bests = new Float64Array(axes[axis]!.levels).fill(Infinity)
  for (const row of finished) {
    const u = rows[row]![axis]!
    if (Number.isNaN(u)) continue
    const level = axes[axis]!.level(u)
    bests[level] = Math.min(bests[level]!, losses[row]!)
  }
  const ranked = Array.from(bests.keys()).sort((a, b) => bests[a]! - bests[b]! || a - b)
  let rest = from.uniform() * ranked.reduce((sum, _, i) => sum + 1 / (i + 1), 0)
  const at = ranked.findIndex((_, i) => (rest -= 1 / (i + 1)) < 0)
  return { axis, level: ranked[Math.max(0, at)]! }
}

/** The best trial counts most: weights fall evenly from n to 1. */
const byRank = (position: number, n: number): number => n - position

/** Older bad trials fade once there are many: full weight for the newest 25, a ramp from 1 / n before (as Hyperopt has it). */
const fading = (position: number, n: number): number =>
  n <= 25 || position >= n - 25 ? 1 : 1 / n + (position / Math.max(1, n - 26)) * (1 - 1 / n)

/** Whether a trial fits does not fade. */
const evenly = (): number => 1

const tpeWith =
  (options: TpeOptions): SamplerFactory =>
  ({ space: definition, metric, outcomes, seed }) => {
    const space: Space = compileSpace(definition)
    checkFeasible(space, definition)
    const { axes } = space
    const levels = axes.map(levelsOf)
    const sequence = sobolSequence(axes.length, seed)
    const look = tried()
    const read = observed(space, metric, outcomes)
    const sort = ordering(axes.length)
    const good = new Mixture(axes, levels, true)
    const bad = new Mixture(axes, levels, false)
    const inside = new Mixture(axes, levels, false)
    const outside = new Mixture(axes, levels, false)
    /**
     * The log of how much likelier than all trials together those that fit are at a point: 1 / (γ + (1 − γ) o / i), γ the
     * share that fits, i and o the densities of what fits and what does not.
     */
    const feasibility = (
      rows: ReadonlyArray<Float64Array>,
      finished: ReadonlyArray<number>,
      infeasible: ReadonlyArray<number>,
      order: ReadonlyArray<Order>,
    ) => {
      const place = (of: ReadonlyArray<number>) => {
        const places = new Int32Array(rows.length).fill(-1)
        of.forEach((row, i) => (places[row] = i))
        return places
      }
      inside.fit(rows, finished, place(finished), order, evenly)
      outside.fit(rows, infeasible, place(infeasible), order, evenly)
      const share = finished.length / (finished.length + infeasible.length)
      return (point: Float64Array): number =>
        -Math.log(share + (1 - share) * Math.exp(outside.logDensity(point) - inside.logDensity(point)))
    }
    // Whether a point drawn has to be decoded to know which parameters exist, or whether it is allowed at all.
    const plain = !space.conditional && !space.constrained

    const suggest = (history: History, number: number): Suggestion => {
      const seen = look(history)
      const { rows, ranked: losses, finished, failed, infeasible, kept } = read(history)
      const order = sort(rows, kept)
      if (
        finished.length + failed.length + infeasible.length < options.startup ||
        finished.length === 0 ||
        axes.length === 0
      ) {
        return sobolSuggestion(space, sequence, seen, seed, number)
      }
      const from = random(seed, number, "tpe")
      const focus = chooseFocus(axes, rows, losses, finished, from)
      const counts = (row: number): boolean =>
        focus === null || axes[focus.axis]!.level(rows[row]![focus.axis]!) === focus.level
      const eligible = focus === null ? finished : finished.filter(counts)
      const goodOnes = best(eligible, losses, options.good(eligible.length))
      const goodPlace = new Int32Array(rows.length).fill(-1)
      goodOnes.forEach((row, i) => (goodPlace[row] = i))
      const badPlace = new Int32Array(rows.length).fill(-1)
      const badOnes: Array<number> = []
      for (let row = 0; row < rows.length; row++) {
        const { outcome } = history[row]!
        if (goodPlace[row]! >= 0 || outcome === "cancelled" || outcome === "infeasible" || !counts(row)) continue
        badPlace[row] = badOnes.push(row) - 1
      }
      good.fit(rows, goodOnes, goodPlace, order, byRank)
      bad.fit(rows, badOnes, badPlace, order, fading)

      const fits = infeasible.length === 0 ? null : feasibility(rows, finished, infeasible, order)

      let highest = -Infinity
      let suggestion: Suggestion | null = null
      for (let i = options.candidates(badOnes.length); i > 0; i--) {
        const drawn = good.draw(from)
        if (focus !== null) drawn[focus.axis] = axes[focus.axis]!.encode(axes[focus.axis]!.value(focus.level))
        let point = drawn
        if (!plain) {
          const parameters = space.decode(drawn)
          if (parameters === null) continue
          point = space.encode(parameters)
        }
        const promise = good.logDensity(point) + (fits === null ? 0 : fits(point))
        const score = promise - bad.logDensity(point, promise - highest)
        if (!(score > highest)) continue
        const parameters = space.decode(drawn)!
        if (seen.has(parameters)) continue
        highest = score
        suggestion = { _tag: "Suggested", parameters }
      }
      if (suggestion !== null) return suggestion
      return drawNew(space, seen, from)
    }
    return { size: null, suggest }
  }

/** Throws `InvalidSpace`. */
export const tpe: SamplerFactory = tpeWith(tpeDefaults)
