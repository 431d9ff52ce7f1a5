// Numbers, sizes and times as a reader wants them: short, with the unit. Owns rounding for the eye; exact values stay in
// the block to copy and in tooltips.

/** Keeps a number and its unit on one line. */
const space = "\u00a0"

const trimmed = (text: string): string => (text.includes(".") ? text.replace(/\.?0+(?=e|$)/, "") : text)

/** Four significant digits: `1.234`, `0.05124`, `3.1e-5`. */
export const metricValue = (value: number): string => {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (value === 0) return "0"
  if (size < 1e-3 || size >= 1e6) return trimmed(value.toExponential(2))
  return size >= 1e4 ? value.toFixed(0) : value.toPrecision(4)
}

/** A difference to two significant digits with its sign: `+0.017`. */
export const difference = (value: number): string => {
  const text = Math.abs(value) < 1e-3 ? trimmed(Math.abs(value).toExponential(1)) : Math.abs(value).toPrecision(2)
  return `${value < 0 ? "−" : "+"}${Number(text) === 0 ? "0" : text}`
}

/** A share as a percentage: `58 %`, `1.4 %`, `0.04 %`. */
export const percent = (share: number): string => {
  // Less than that is nothing anybody measured.
  const value = Math.abs(share) < 5e-5 ? 0 : Math.abs(share) * 100
  const text =
    value >= 99.5 || value === 0 ? value.toFixed(0) : value >= 1 ? value.toPrecision(2) : value.toPrecision(1)
  return `${share < 0 ? "−" : ""}${trimmed(text)}${space}%`
}

/** Three significant digits, no zeros at the end: `2`, `23.4`, `0.961`. */
export const shortValue = (value: number): string =>
  Number.isInteger(value) ? String(value) : trimmed(value.toPrecision(3))

/** A parameter's value in a table: `2.3e-4`, `16`, `qlora`, `none`. */
export const parameterValue = (value: string | number | boolean | null): string => {
  if (value === null) return "null"
  if (typeof value !== "number") return String(value)
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value)
  const size = Math.abs(value)
  return trimmed(size < 0.01 || size >= 1e6 ? value.toExponential(2) : value.toPrecision(3))
}

const units = ["B", "KB", "MB", "GB", "TB"]

/** Bytes in steps of 1024, as memory is counted. */
export const bytes = (count: number): string => {
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10))
  const value = count / 1024 ** power
  return `${power === 0 || value >= 100 ? value.toFixed(0) : trimmed(value.toPrecision(3))}${space}${units[power]}`
}

/** `8.4 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export const duration = (milliseconds: number): string => {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 9.95) return `${trimmed(seconds.toFixed(1))}${space}s`
  if (seconds < 59.5) return `${Math.round(seconds)}${space}s`
  const pairs = [
    [86_400, "d", 3_600, "h"],
    [3_600, "h", 60, "min"],
    [60, "min", 1, "s"],
  ] as const
  const [large, largeUnit, small, smallUnit] =
    pairs.find(([large, , small]) => Math.round(seconds / small) * small >= large) ?? pairs[2]
  const total = Math.round(seconds / small) * small
  const rest = Math.round((total % large) / small)
  return [Math.floor(total / large), largeUnit, ...(rest === 0 ? [] : [rest, smallUnit])].join(space)
}

/** The same for a column: `8.4s`, `3m 12s`, `2h 5m`. */
export const compactDuration = (milliseconds: number): string =>
  duration(milliseconds)
    .replaceAll("min", "m")
    .replace(/(\d)\u00a0(?=[a-z])/g, "$1")

/** `1,234`: thousands apart, no unit. */
export const count = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",")

/** `2025-03-08 09:05 UTC`. */
export const instant = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC`
