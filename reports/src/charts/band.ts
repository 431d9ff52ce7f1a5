// The median and the middle half of many curves over the steps: what a hundred lines say together. A curve counts between its
// first and its last point, on a line between its points.
import type { CurvePoint } from "@sweep/domain/Curve"
import type { Row } from "./Chart.ts"

const places = 80
/** Quartiles of fewer values say nothing. */
const fewest = 4

const valueAt = (points: ReadonlyArray<CurvePoint>, step: number): number | null => {
  const after = points.findIndex((point) => point.step >= step)
  if (after < 0) return null
  const right = points[after]!
  if (right.step === step) return right.value
  if (after === 0) return null
  const left = points[after - 1]!
  return left.value + ((step - left.step) / (right.step - left.step)) * (right.value - left.value)
}

/** Rows of `step`, `first` quartile, `value` (the median) and `third` quartile. */
export const bandOf = (curves: ReadonlyArray<ReadonlyArray<CurvePoint>>): ReadonlyArray<Row> => {
  const end = curves.reduce((most, points) => Math.max(most, points.at(-1)?.step ?? 0), 0)
  return Array.from({ length: places + 1 }, (_, i) => Math.round((i * end) / places)).flatMap((step, i, all) => {
    if (i > 0 && all[i - 1] === step) return []
    const values = curves.flatMap((points) => valueAt(points, step) ?? []).toSorted((a, b) => a - b)
    const at = (share: number) => values[Math.round(share * (values.length - 1))]!
    return values.length < fewest ? [] : [{ step, first: at(0.25), value: at(0.5), third: at(0.75) }]
  })
}
