// The part of the value axis a chart opens with. One diverged trial would squash all others into a line, so the frame
// holds nearly all values and says when some lie outside of it.
import { quantile } from "../Standings.ts"

export interface Frame {
  readonly low: number
  readonly high: number
  /** How many values lie outside. */
  readonly outside: number
}

/**
 * The range of `values`, with a margin above and a wider one below, where the best points carry their labels. Values further from the median than four times the distance of the 10 %
 * and 90 % quantiles are left out.
 */
export const frameOf = (values: ReadonlyArray<number>): Frame => {
  const low = quantile(values, 0.1)
  const high = quantile(values, 0.9)
  const middle = quantile(values, 0.5)
  if (low === null || high === null || middle === null) return { low: 0, high: 1, outside: 0 }
  const reach = 4 * (high - low)
  const inside = reach === 0 ? values : values.filter((value) => Math.abs(value - middle) <= reach)
  const bottom = inside.reduce((a, b) => Math.min(a, b), Infinity)
  const top = inside.reduce((a, b) => Math.max(a, b), -Infinity)
  const height = top - bottom || Math.abs(top) || 1
  return { low: bottom - 0.1 * height, high: top + 0.04 * height, outside: values.length - inside.length }
}
