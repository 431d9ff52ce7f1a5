import { describe, expect, it } from "vitest"
import { stripVTControlCharacters } from "node:util"
import { TrialNumber } from "@sweep/domain/Id"
import { outlook, timeLeftOf } from "../src/terminal/SweepView.ts"
import { showText } from "../src/terminal/showText.ts"
import { wrap } from "../src/terminal/table.ts"
import { exampleView, now } from "./exampleView.ts"

const shown = { planned: 5, shared: null, all: false, waits: false, now }

/** The example's sweep with its trials again and again. */
const many = (count: number) => {
  const trials = Array.from(exampleView.sweep.trials.values())
  const copies = Array.from({ length: count }, (_, i) => {
    const number = TrialNumber.make(i + 1)
    return [number, { ...trials[i % trials.length]!, number }] as const
  })
  return { ...exampleView.sweep, trials: new Map(copies) }
}

describe("one sweep in words", () => {
  it("fits on a screen however many trials it has, and says how to see them all", () => {
    const lines = showText(many(150), shown)
    expect(lines.length).toBeLessThan(45)
    const text = stripVTControlCharacters(lines.join("\n"))
    expect(text).toMatch(/and \d+ more \(--all shows them\)/)
    expect(text).toMatch(/failures\n {2}#\d+ #\d+ #\d+ #\d+ #\d+ and \d+ more /)
    expect(showText(many(150), { ...shown, all: true }).length).toBeGreaterThan(100)
  })
})

describe("at 80 columns", () => {
  it("text wraps between words, under its label", () => {
    expect(wrap("metric     eval/loss, minimize, until it reaches a value that nobody expects to see", 40)).toBe(
      "metric     eval/loss, minimize, until it\n           reaches a value that nobody\n           expects to see",
    )
    expect(wrap("  expected: a, b, c, d, e, f, g", 24)).toBe("  expected: a, b, c, d,\n            e, f, g")
    expect(wrap("short", 40)).toBe("short")
    expect(wrap("  3 | metric: a line of the file that is quoted as it stands", 20)).toMatch(/stands$/)
  })
})

describe("time left", () => {
  it("of the whole is never less than what a running trial still needs", () => {
    const running = Array.from(exampleView.sweep.trials.values()).filter(({ state }) => state === "running")
    const view = { ...exampleView, planned: exampleView.sweep.trials.size - 1 }
    for (const trial of running) {
      const own = timeLeftOf(view, trial, now)
      if (own !== null) expect(outlook(view, now).left).toBeGreaterThanOrEqual(own)
    }
    expect(running.length).toBeGreaterThan(0)
  })
})
