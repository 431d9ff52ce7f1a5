import { expect, it } from "vitest"
import { flipBits } from "./flipBits.ts"

it("a flipped bit in the log, the main file or the mark loses nothing acknowledged without saying so", async () => {
  const { flips, byFile, silent, repaired } = await flipBits({ flips: 30, seed: 1, repair: true })
  expect(silent).toEqual([])
  expect(flips).toBe(30)
  // Of the log every bit matters, and the doctor mends each.
  const log = byFile["sweep.duckdb.wal"]!
  expect(log.refused).toBe(log.whole + log.refused + log.unreadable + log.crashed)
  expect(repaired).toBeGreaterThanOrEqual(log.refused)
})
