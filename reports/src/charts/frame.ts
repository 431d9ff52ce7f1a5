// The part of the value axis a chart opens with. One diverged trial would squash all others into a line, so the frame
// holds nearly all values and says when some lie outside of it.
import { quantile } from "../quantile.ts"

export interface Frame {
  readonly low: number
  readonly high: number
  /** How many values lie outside. */
  readonly outside: number
}

/** Values further from the median than this many times the distance of the quartiles are left out. */
const reach = 6

/**
 * The range of `values`, with a margin above and a wider one below, where the best points carry their labels. Values far
 * off are left out, unless they lie between `anchors`, which the frame always holds.
 */
export const frameOf = (values: ReadonlyArray<number>, anchors: ReadonlyArray<number> = []): Frame => {
  const low = quantile(values, 0.25)
  const high = quantile(values, 0.75)
  const middle = quantile(values, 0.5)
  if (low === null || high === null || middle === null) return { low: 0, high: 1, outside: 0 }
  const [least, most] = [Math.min(...anchors, Infinity), Math.max(...anchors, -Infinity)]
  const far = reach * (high - low)
  const holds = (value: number): boolean =>
    far === 0 || Math.abs(value - middle) <= far || (value >= least && value <= most)
  const inside = values.filter(holds)
  const bottom = inside.reduce((a, b) => Math.min(a, b), least)
  const top = inside.reduce((a, b) => Math.max(a, b), most)
  const height = top - bottom || Math.abs(top) || 1
  return { low: bottom - 0.1 * height, high: top + 0.04 * height, outside: values.length - inside.length }
}
