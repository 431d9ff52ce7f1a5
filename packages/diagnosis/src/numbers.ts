// How numbers stand in sentences for people, in every language.

/** Three significant digits, without an exponent where that is readable. */
export const short = (value: number): string => {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (value === 0) return "0"
  if (size >= 1e6 || size < 1e-4) return value.toExponential(1).replace("e+", "e").replace(".0e", "e")
  return String(Number(value.toPrecision(3)))
}

/** A loss, in nats per token: three decimals, and more digits for a small one. */
export const nats = (value: number): string =>
  Math.abs(value) >= 0.1 || Math.abs(value) < 1e-9 ? value.toFixed(3) : short(value)

/** `value` is in per cent already. */
export const percent = (value: number): string => `${Math.abs(value) >= 100 ? value.toFixed(0) : short(value)}%`
