// Fewer points of a curve, so that a chart of them looks the same. After M4 (Jugel et al. 2014): of each of a number of
// equally long runs of points the lowest and the highest are kept, and of the whole curve the first and the last.
import type { CurvePoint } from "@sweep/domain/Curve"

/** How many runs `maxPoints` allows: two points of each, and the two ends. */
export const runsOf = (maxPoints: number): number => Math.max(1, Math.floor((maxPoints - 2) / 2))

/**
 * At most `max(4, maxPoints)` of the points, in order. Ties go to the earlier point; NaN is neither lowest nor highest
 * unless there is nothing else in its run.
 */
export const downsample = (points: ReadonlyArray<CurvePoint>, maxPoints: number): ReadonlyArray<CurvePoint> => {
  if (points.length <= Math.max(4, maxPoints)) return points
  const runs = runsOf(maxPoints)
  const low: Array<number> = []
  const high: Array<number> = []
  for (const [i, { value }] of points.entries()) {
    const run = Math.floor((i * runs) / points.length)
    for (const [kept, better] of [
      [low, (than: number) => value < than],
      [high, (than: number) => value > than],
    ] as const) {
      const held = kept[run] === undefined ? undefined : points[kept[run]]!.value
      if (held === undefined || better(held) || (Number.isNaN(held) && !Number.isNaN(value))) kept[run] = i
    }
  }
  const kept = new Set([0, points.length - 1, ...low, ...high])
  return points.filter((_, i) => kept.has(i))
}
