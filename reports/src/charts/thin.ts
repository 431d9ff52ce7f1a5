// Fewer points with the same shape. Largest-Triangle-Three-Buckets (S. Steinarsson, "Downsampling Time Series for Visual
// Representation", University of Iceland 2013): of each bucket the point stays that spans the largest triangle with the
// one kept before it and the mean of the next bucket. The lowest point always stays, because the report marks it.
import type { CurvePoint } from "@sweep/domain/Curve"

const mean = (points: ReadonlyArray<CurvePoint>): CurvePoint => ({
  step: points.reduce((sum, point) => sum + point.step, 0) / points.length,
  value: points.reduce((sum, point) => sum + point.value, 0) / points.length,
})

const area = (a: CurvePoint, b: CurvePoint, c: CurvePoint): number =>
  Math.abs((a.step - c.step) * (b.value - a.value) - (a.step - b.step) * (c.value - a.value))

/** At most `limit` (≥ 3) of the points, the first and the last among them. */
export const thin = (points: ReadonlyArray<CurvePoint>, limit: number): ReadonlyArray<CurvePoint> => {
  if (points.length <= limit) return points
  const width = (points.length - 2) / (limit - 2)
  const bucket = (index: number) =>
    points.slice(
      1 + Math.floor(index * width),
      Math.max(2 + Math.floor(index * width), 1 + Math.floor((index + 1) * width)),
    )
  const last = points.at(-1)!
  const lowest = points.reduce((a, b) => (b.value < a.value ? b : a))
  const kept: Array<CurvePoint> = [points[0]!]
  for (let index = 0; index < limit - 2; index++) {
    const before = kept.at(-1)!
    const after = index === limit - 3 ? last : mean(bucket(index + 1))
    const candidates = bucket(index)
    kept.push(
      candidates.includes(lowest)
        ? lowest
        : candidates.reduce((a, b) => (area(before, b, after) > area(before, a, after) ? b : a)),
    )
  }
  kept.push(last)
  return kept
}
