// A cluster in any weather. What a seed finds is replayed by `npm run faults -- --seed N` (CONTRIBUTING.md).
import { describe, expect, it } from "vitest"
import { plantedBugs } from "../src/cluster/plantedBugs.ts"
import { simulate } from "../src/cluster/simulate.ts"

/** Seeds that once found something in the program, so that it stays mended. */
const known = [
  // Each time: a trial on two hosts, one of which no longer had its lease.
  229, 5_325, 5_356,
  // Heartbeats that a proxy took, and nobody else, kept a lease alive.
  260,
  // A trial that every host had given back waited for another one, for ever.
  598, 1_132,
  // Lines of an attempt that was over were committed after the next one had begun.
  1_722, 4_592, 8_298,
  // The session that an agent replaced took the agent along when it ended.
  8_600,
  // Paused after its sweep was stopped: a trial that never ended.
  31_375,
]
/** As many more as a test has time for. */
const seeds = [...known, ...Array.from({ length: 200 }, (_, i) => i + 1)]

describe("a simulated cluster", () => {
  it("loses nothing, doubles nothing and ends every trial, whatever the weather", { timeout: 600_000 }, () => {
    const broken = seeds.flatMap((seed) =>
      simulate({ seed }).violations.map(({ invariant, what }) => `seed ${seed}: ${invariant}: ${what}`),
    )
    expect(broken).toEqual([])
  })

  it("is the same again with the same seed, to the last message", () => {
    for (const seed of [3, 134]) {
      const [first, second] = [simulate({ seed, traced: true }), simulate({ seed, traced: true })]
      expect(first.trace.length).toBeGreaterThan(50)
      expect(second).toEqual(first)
    }
  })

  it("has weather that matters: without a fault every trial takes one attempt", () => {
    const outcome = simulate({ seed: 3, traced: true, only: () => false })
    expect(outcome.violations).toEqual([])
    expect(outcome.trace.some((line) => line.includes('"attempt":2'))).toBe(false)
  })

  const invariants = {
    "acknowledge before commit": "acknowledged is durable",
    "epoch check removed": "one accepted epoch",
    "lease ignored": "nothing runs twice",
  } as const
  it.each(plantedBugs)("finds a bug planted on purpose: %s", { timeout: 600_000 }, (bug) => {
    for (let seed = 1; seed <= 400; seed++) {
      const [violation] = simulate({ seed, bug }).violations
      if (violation === undefined) continue
      expect(violation.invariant).toBe(invariants[bug])
      return
    }
    expect.unreachable(`no seed up to 400 finds '${bug}'`)
  })
})
