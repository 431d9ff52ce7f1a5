import { expect, it } from "vitest"
import {
  bytes,
  compactDuration,
  count,
  difference,
  duration,
  instant,
  metricValue,
  parameterValue,
  percent,
  shortValue,
} from "../src/Format.ts"

/** Numbers and units are kept together by spaces that do not break. */
const spaced = (text: string) => text.replaceAll("\u00a0", " ")

it("writes metrics to four digits", () => {
  expect([1.23449, 0.051236, 12.3456, 1234.56, 12345.6, 0, -2.5, 3.14e-5, 2.5e7].map(metricValue)).toEqual([
    "1.234",
    "0.05124",
    "12.35",
    "1235",
    "12346",
    "0",
    "-2.500",
    "3.14e-5",
    "2.5e+7",
  ])
  expect(metricValue(Number.NaN)).toBe("NaN")
})

it("writes differences with their sign", () => {
  expect([0.017, -0.25, 0, 0.00012].map(difference)).toEqual(["+0.017", "−0.25", "+0", "+1.2e-4"])
})

it("writes shares as percentages", () => {
  expect([0.5812, 0.0137, 0.0004, 1e-9, 1, -0.5, 2.5, 0.999].map((share) => spaced(percent(share)))).toEqual([
    "58 %",
    "1.4 %",
    "0.04 %",
    "0 %",
    "100 %",
    "−50 %",
    "250 %",
    "100 %",
  ])
})

it("writes parameters short", () => {
  expect([0.00023123, 0.0134, 16, 0.05, 1e-5, "qlora", true, null, 1e9].map(parameterValue)).toEqual([
    "2.31e-4",
    "0.0134",
    "16",
    "0.05",
    "1e-5",
    "qlora",
    "true",
    "null",
    "1e+9",
  ])
  expect([2, 23.4219, 0.9607].map(shortValue)).toEqual(["2", "23.4", "0.961"])
})

it("writes times and sizes with their units", () => {
  const times = [0, 8_420, 59_700, 192_000, 7_500_000, 273_600_000, 119_600]
  expect(times.map((time) => spaced(duration(time)))).toEqual([
    "0 s",
    "8.4 s",
    "1 min",
    "3 min 12 s",
    "2 h 5 min",
    "3 d 4 h",
    "2 min",
  ])
  expect(times.map(compactDuration).map(spaced)).toEqual(["0s", "8.4s", "1m", "3m 12s", "2h 5m", "3d 4h", "2m"])
  expect([0, 512, 1536, 452 * 2 ** 20, 3.6 * 2 ** 30].map((size) => spaced(bytes(size)))).toEqual([
    "0 B",
    "512 B",
    "1.5 KB",
    "452 MB",
    "3.6 GB",
  ])
  expect([0, 999, 1234567].map(count)).toEqual(["0", "999", "1,234,567"])
  expect(instant(Date.UTC(2025, 2, 8, 9, 5))).toBe("2025-03-08 09:05 UTC")
})
