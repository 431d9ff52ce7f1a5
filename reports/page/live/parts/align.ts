// Curves over one axis, for a chart that draws many: at most 1,000 buckets, smoothed, with their median and middle half.
import type { Curve, Timing } from "../LiveData.ts"

const buckets = 1_000

export type XAxis = "steps" | "epochs" | "time"

/** Exponential, without a pull to the start (Kingma & Ba 2015, section 3). */
const smooth = (values: ReadonlyArray<number | null>, by: number): Array<number | null> => {
  if (by === 0) return [...values]
  let mean = 0
  let weight = 0
  return values.map((value) => {
    if (value === null) return null
    mean = by * mean + (1 - by) * value
    weight = by * weight + (1 - by)
    return mean / weight
  })
}

/** Seconds at a step, on a line between the two nearest that are known. */
export const timeAt = ({ steps, seconds }: Timing, step: number): number => {
  const after = steps.findIndex((one) => one >= step)
  if (after < 0) return seconds.at(-1) ?? 0
  if (after === 0) return seconds[0]!
  const [low, high] = [steps[after - 1]!, steps[after]!]
  return seconds[after - 1]! + ((step - low) / (high - low || 1)) * (seconds[after]! - seconds[after - 1]!)
}

/** All curves over the same values of x. */
export const aligned = (
  curves: ReadonlyArray<Curve>,
  by: number,
  xOf: (curve: Curve, step: number) => number = (_, step) => step,
) => {
  const places = curves.map((curve) => curve.steps.map((step) => xOf(curve, step)))
  const union = new Set<number>()
  for (const own of places) for (const x of own) union.add(x)
  let xs = Array.from(union).toSorted((a, b) => a - b)
  let place: (x: number) => number
  if (xs.length <= 2 * buckets) {
    const index = new Map(xs.map((x, i) => [x, i]))
    place = (x) => index.get(x)!
  } else {
    const low = xs[0]!
    const width = (xs.at(-1)! - low) / (buckets - 1)
    xs = Array.from({ length: buckets }, (_, i) => low + i * width)
    place = (x) => Math.round((x - low) / width)
  }
  const lines = curves.map(({ values }, curve) => {
    const row = Array.from<unknown, number | null>({ length: xs.length }, () => null)
    for (const [i, value] of smooth(values, by).entries()) if (value !== null) row[place(places[curve]![i]!)] = value
    return row
  })
  return { xs, lines }
}

/** The quartiles of all lines at about `count` places; a line counts between its first and its last point. */
export const bandOf = (xs: ReadonlyArray<number>, lines: ReadonlyArray<ReadonlyArray<number | null>>, count = 120) => {
  const every = Math.max(1, Math.floor(xs.length / count))
  const empty = () => Array.from<unknown, number | null>({ length: xs.length }, () => null)
  const [low, middle, high] = [empty(), empty(), empty()]
  const cursors = lines.map((line) => {
    const known = line.flatMap((value, i) => (value === null ? [] : [i]))
    return { line, known, at: 0 }
  })
  for (let i = 0; i < xs.length; i += every) {
    const values: Array<number> = []
    for (const cursor of cursors) {
      const { known, line } = cursor
      if (known.length === 0 || i < known[0]! || i > known.at(-1)!) continue
      while (cursor.at < known.length - 2 && known[cursor.at + 1]! < i) cursor.at++
      const [a, b] = [known[cursor.at]!, known[Math.min(cursor.at + 1, known.length - 1)]!]
      const share = b === a ? 0 : (i - a) / (b - a)
      values.push(line[a]! + share * (line[b]! - line[a]!))
    }
    if (values.length < 4) continue
    values.sort((a, b) => a - b)
    const at = (share: number) => values[Math.round(share * (values.length - 1))]!
    low[i] = at(0.25)
    middle[i] = at(0.5)
    high[i] = at(0.75)
  }
  return { low, middle, high }
}
