// Where values stand along an axis, and which of them get a label. Owns that labels never run into each other, and that a
// parameter is drawn on the scale of its distribution (charts/axisOf.ts).
import type { ParameterValue } from "@sweep/domain/Parameter"
import { nameOf, type ParameterAxis } from "../charts/axisOf.ts"
import { parameterValue } from "../Format.ts"

export interface Tick {
  /** Between 0 and 1. */
  readonly at: number
  readonly label: string
}

export interface Scale {
  /** Between 0 and 1 within the axis; `null`: the value has no place on it. */
  readonly at: (value: ParameterValue) => number | null
  readonly ticks: ReadonlyArray<Tick>
  /** The value at a place: what a brush selects. Of an axis with names, the index of the nearest name. */
  readonly valueAt: (place: number) => number
}

/** Pixels of a text of 11 pixels: wide characters are square. */
const widthOf = (text: string): number => {
  let width = 0
  for (const letter of text) width += (letter.codePointAt(0) ?? 0) > 0x2e7f ? 11 : 6.2
  return width
}

export const cut = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text
  let kept = text
  while (kept.length > 1 && widthOf(`${kept}…`) > width) kept = kept.slice(0, -1)
  return `${kept}…`
}

/** Round numbers from `low` to `high`, about `count`. */
export const roundSteps = (low: number, high: number, count: number): ReadonlyArray<number> => {
  const span = high - low
  if (!(span > 0) || !Number.isFinite(span)) return [low]
  const rough = span / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999)!
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** As many decimals as tell neighbours apart. */
export const stepLabel = (ticks: ReadonlyArray<number>): ((value: number) => string) => {
  const step = ticks.length < 2 ? Math.abs(ticks[0] ?? 1) : Math.abs(ticks[1]! - ticks[0]!)
  const most = Math.max(...ticks.map(Math.abs), 0)
  if (most >= 1e6 || (most > 0 && most < 1e-3)) return (value) => parameterValue(value)
  const decimals = Math.max(0, Math.min(6, -Math.floor(Math.log10(step || 1) + 1e-9)))
  return (value) => value.toFixed(decimals)
}

export const linear = (low: number, high: number, count: number): Scale => {
  const span = high - low || 1
  const values = roundSteps(low, high, count)
  const label = stepLabel(values)
  const at = (value: ParameterValue) =>
    typeof value === "number" && Number.isFinite(value) ? (value - low) / span : null
  return {
    at,
    ticks: values.map((value) => ({ at: (value - low) / span, label: label(value) })),
    valueAt: (place) => low + place * span,
  }
}

export const scaleOf = (axis: ParameterAxis, count = 5): Scale => {
  if (axis.kind === "named") {
    const of = new Map(axis.values.map((value, i) => [value, (i + 0.5) / axis.values.length]))
    return {
      at: (value) => of.get(nameOf(value)) ?? null,
      ticks: axis.values.map((value) => ({ at: of.get(value)!, label: value })),
      valueAt: (place) => place * axis.values.length - 0.5,
    }
  }
  const [least, most] = [axis.values[0]!, axis.values.at(-1)!]
  const to = axis.log ? Math.log : (value: number) => value
  const back = axis.log ? Math.exp : (value: number) => value
  const margin = (axis.discrete ? 0.08 : 0.04) * (to(most) - to(least) || 1)
  const [low, high] = [to(least) - margin, to(most) + margin]
  const at = (value: ParameterValue) =>
    typeof value === "number" && Number.isFinite(value) && (!axis.log || value > 0)
      ? (to(value) - low) / (high - low)
      : null
  const values = axis.ticks ?? roundSteps(least, most, count)
  const label = axis.ticks === null ? stepLabel(values) : parameterValue
  return {
    at,
    ticks: values
      .map((value) => ({ at: at(value)!, label: label(value) }))
      .filter((tick) => tick.at >= 0 && tick.at <= 1),
    valueAt: (place) => back(low + place * (high - low)),
  }
}

/** Those whose labels have room beside each other; `size` is what a label takes along the axis. */
export const roomy = (
  ticks: ReadonlyArray<Tick>,
  length: number,
  size: (label: string) => number,
): ReadonlyArray<Tick> => {
  const kept: Array<Tick> = []
  let end = Number.NEGATIVE_INFINITY
  for (const tick of ticks.toSorted((a, b) => a.at - b.at)) {
    const half = size(tick.label) / 2
    const middle = tick.at * length
    if (middle - half < end) continue
    kept.push(tick)
    end = middle + half + 6
  }
  return kept
}
