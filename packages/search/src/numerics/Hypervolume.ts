// How much of the space of losses a Pareto front dominates, up to a reference point, and how much more a new point is
// expected to. Owns both, exactly; the latter for two objectives.
import { normalCumulative, normalDensity } from "./Normal.ts"
import { dominates, type Losses } from "./Pareto.ts"

export type Pair = readonly [number, number]

/** The points that no other one dominates, by growing first loss; equal ones once. */
export const frontOf = (points: ReadonlyArray<Pair>): ReadonlyArray<Pair> => {
  const front: Array<Pair> = []
  for (const point of points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (front.length === 0 || point[1] < front.at(-1)![1]) front.push(point)
  }
  return front
}

/** The area that `points` dominate within the reference point. */
export const hypervolume = (points: ReadonlyArray<Pair>, [r1, r2]: Pair): number => {
  let area = 0
  let height = r2
  for (const [a, b] of frontOf(points.filter(([x, y]) => x < r1 && y < r2))) {
    area += (r1 - a) * (height - b)
    height = b
  }
  return area
}

/**
 * The same for any number of losses: what each point adds to those after it (While, Bradstreet & Barone, "A Fast Way of
 * Calculating Exact Hypervolumes", 2012). For fronts of some hundred points with three losses, and some ten with more.
 */
export const hypervolumeOf = (points: ReadonlyArray<Losses>, reference: Losses): number => {
  const within = points.filter((point) => point.every((x, k) => x < reference[k]!))
  if (reference.length === 1) return within.reduce((most, [x]) => Math.max(most, reference[0]! - x!), 0)
  if (reference.length === 2)
    return hypervolume(
      within.map(([a, b]): Pair => [a!, b!]),
      [reference[0]!, reference[1]!],
    )
  const front = nondominated(within).toSorted((a, b) => b[0]! - a[0]!)
  return front.reduce((sum, point, i) => {
    const box = point.reduce((product, x, k) => product * (reference[k]! - x), 1)
    const shadows = front.slice(i + 1).map((other) => other.map((x, k) => Math.max(x, point[k]!)))
    return sum + box - hypervolumeOf(nondominated(shadows), reference)
  }, 0)
}

const nondominated = (points: ReadonlyArray<Losses>): ReadonlyArray<Losses> =>
  points.filter((point, i) =>
    points.every(
      (other, j) => i === j || !(dominates(other, point) || (j < i && other.every((x, k) => x === point[k]!))),
    ),
  )

/** E max(0, t − Y), Y normal. */
const below = (t: number, mean: number, sigma: number): number => {
  if (t === -Infinity) return 0
  const z = (t - mean) / sigma
  return sigma * (normalDensity(z) + z * normalCumulative(z))
}

/**
 * Expected growth of the hypervolume by a point whose losses are independent normals. The area that the point adds is cut
 * into strips between the first losses of the front; in each of them the expectation is a product (Emmerich, Deutz &
 * Klinkenberg, "Hypervolume-based expected improvement", 2011). `front` as frontOf makes it.
 */
export const expectedGrowth = (front: ReadonlyArray<Pair>, [r1, r2]: Pair, mean: Pair, sigma: Pair): number => {
  let sum = 0
  let left = 0
  let height = r2
  for (let i = 0; i <= front.length; i++) {
    const edge = Math.min(r1, front[i]?.[0] ?? r1)
    const right = below(edge, mean[0], sigma[0])
    sum += Math.max(0, right - left) * below(height, mean[1], sigma[1])
    left = right
    if (i < front.length) height = Math.min(height, front[i]![1])
  }
  return sum
}
