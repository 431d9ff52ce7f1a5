import { describe, expect, it } from "vitest"
import { stripVTControlCharacters } from "node:util"
import { applyFact } from "@sweep/domain/SweepState"
import type { SweepId } from "@sweep/domain/Id"
import type { SweepState } from "@sweep/domain/SweepState"
import { displayWidth } from "effect/cli/CliOutput"
import { board } from "../src/terminal/board.ts"
import { duration, number, printable } from "../src/terminal/format.ts"
import { plainLine } from "../src/terminal/plain.ts"
import { outlook } from "../src/terminal/SweepView.ts"
import { bar, table, truncate } from "../src/terminal/table.ts"
import { exampleFacts, exampleView, now, sweep } from "./exampleView.ts"

const plain = (lines: ReadonlyArray<string>) => `${stripVTControlCharacters(lines.join("\n"))}\n`

describe("the live board", () => {
  it.each([
    [120, 40],
    [60, 20],
  ])("at %i × %i", async (columns, rows) => {
    const lines = board(exampleView, { columns, rows }, now, "Ctrl-C stops cleanly.")
    await expect(plain(lines)).toMatchFileSnapshot(`golden/board-${columns}.txt`)
    for (const line of lines) expect(displayWidth(stripVTControlCharacters(line))).toBeLessThanOrEqual(columns)
  })

  it("never grows beyond the screen", () => {
    for (const rows of [10, 14, 20])
      expect(board(exampleView, { columns: 80, rows }, now, "hint").length).toBeLessThanOrEqual(rows - 2)
  })
})

describe("plain lines", () => {
  it("say what happened, in order", async () => {
    const sweeps = new Map<SweepId, SweepState>()
    const lines: Array<string> = []
    for (const fact of exampleFacts) {
      applyFact(sweeps, fact)
      const line = plainLine({ sweep: sweeps.get(sweep)!, progress: new Map(), planned: 5 }, fact, null)
      if (line !== undefined) lines.push(line)
    }
    await expect(plain(lines)).toMatchFileSnapshot("golden/plain.txt")
  })

  it("say a verdict once, and again when it holds since another step", () => {
    const fact = exampleFacts.find((one) => one._tag === "VerdictReached" && one.verdict.kind === "overfitting")!
    if (fact._tag !== "VerdictReached") throw new Error("no such fact")
    const { verdict } = fact
    const again = { ...fact, verdict: { ...verdict, evidence: [] } }
    expect(plainLine(exampleView, again, verdict)).toBeUndefined()
    expect(plainLine(exampleView, again, { ...verdict, sinceStep: 1 })).toMatch(/overfitting since step 40/)
    expect(plainLine(exampleView, again, null)).toMatch(/overfitting since step 40/)
  })
})

describe("the outlook", () => {
  it("counts ended trials and the shares of running ones", () => {
    // 3 of 5 ended, one at 60 %: 3.6 / 5. Left: what the running one still
    // needs, then one of the mean of 2, 3, 1 and 2.5 / 0.6 minutes.
    const ahead = outlook(exampleView, now)
    expect(ahead.done).toBe(3)
    expect(ahead.share).toBeCloseTo(0.72)
    expect(ahead.left).toBeCloseTo(((2.5 / 0.6) * 0.4 + (2 + 3 + 1 + 2.5 / 0.6) / 4) * 60_000)
  })
})

describe("formats", () => {
  it.each([
    [7_000, "0:07"],
    [271_000, "4:31"],
    [7_391_000, "2:03:11"],
    [3 * 86_400_000 + 4.2 * 3_600_000, "3 d 04:12"],
  ])("duration %i", (ms, text) => expect(duration(ms)).toBe(text))

  it.each([
    [1.70234, "1.702"],
    [2.5e-5, "2.5e-5"],
    [0.003, "0.003"],
    [12, "12"],
    [0, "0"],
    [1e-5, "1e-5"],
    [123456789, "1.235e8"],
    [Number.NaN, "NaN"],
  ])("number %d", (value, text) => expect(number(value)).toBe(text))

  it("keeps control characters from steering the terminal", () => {
    expect(printable("\u001b[2Ja\u0007b\u202ec\n")).toBe("abc\n")
  })

  it("aligns wide characters", () => {
    const lines = table(
      [{ title: "a" }, { title: "b" }],
      [
        ["秩", "1"],
        ["rk", "2"],
      ],
    )
    expect(plain(lines)).toBe("a   b\n秩  1\nrk  2\n")
    expect(truncate("学习率 learning", 7)).toBe("学习率…")
    expect(stripVTControlCharacters(bar(0.5, 8))).toBe("████░░░░")
  })
})
