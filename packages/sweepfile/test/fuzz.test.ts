// Whatever the bytes: an answer, with every problem inside the file, and never an exception.
import * as Effect from "effect/Effect"
import fc from "fast-check"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { readAlpaca } from "../src/data/alpacaRecords.ts"
import { parseSweepFile } from "../src/parse/parseSweepFile.ts"
import { topLevelKeys } from "../src/keys/topLevelKeys.ts"
import { renderProblems } from "../src/parse/renderProblems.ts"
import { fuzzRuns } from "@sweep/domain/fuzzRuns"

const read = (folder: string) =>
  readdirSync(join(import.meta.dirname, folder)).map((name) =>
    readFileSync(join(import.meta.dirname, folder, name), "utf8"),
  )
const corpus = [...read("wandb"), ...read("errors").filter((text) => text.length < 2_000)]

const pieces = [
  Array.from("{}[]:,-?&*!|>'\"%@`#\n\t "),
  ["  ", "- ", ": ", "<<: ", "&a ", "*a", "!!str ", "---\n", "null", "true", "1e999", "-0", "0x", ".nan", "NaN"],
  ["min: ", "max: ", "values: ", "parameters: ", "when: ", "derive: ", "distribution: ", "__proto__: ", "\u2028", "没"],
  ["{min: 3, max: 1}", '"rank > \'"', "1/0", "\ufeff", "\ud800", "🙂"],
].flat()

const check = (text: string): void => {
  const outcome = Effect.runSync(Effect.result(parseSweepFile(text, "x.yaml")))
  if (outcome._tag === "Success") return
  const { problems, text: seen } = outcome.failure
  expect(problems.length).toBeGreaterThan(0)
  const lines = seen.split("\n")
  for (const { line, column, length } of problems) {
    expect(line).toBeGreaterThanOrEqual(1)
    expect(line).toBeLessThanOrEqual(lines.length)
    expect(column).toBeGreaterThanOrEqual(1)
    expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1)
    expect(length).toBeGreaterThanOrEqual(1)
  }
  expect(renderProblems(problems, seen).length).toBeGreaterThan(0)
}

describe("parseSweepFile", () => {
  it("answers mutations of real files", () => {
    const mutation = fc.record({
      kind: fc.constantFrom("insert", "delete", "replace", "copy"),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(12),
      piece: fc.constantFrom(...pieces),
    })
    fc.assert(
      fc.property(fc.constantFrom(...corpus), fc.array(mutation, { minLength: 1, maxLength: 6 }), (file, mutations) => {
        let text = file
        for (const { kind, at, length, piece } of mutations) {
          const start = Math.floor(at * text.length)
          const end = kind === "insert" ? start : start + length
          const middle = kind === "delete" ? "" : kind === "copy" ? text.slice(start, end).repeat(2) : piece
          text = text.slice(0, start) + middle + text.slice(end)
        }
        check(text)
      }),
      fuzzRuns(1_500),
    )
  })

  it("answers any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), check), fuzzRuns(500))
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (parts) => check(parts.join(""))),
      fuzzRuns(1_500),
    )
  })

  it("answers any value for any key", () => {
    const key = fc.constantFrom(...topLevelKeys)
    const value = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<unknown>(null, true, 0, -1, 0.5, "rank", "rank > 3", "asha", "a/b", "", 1e308),
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(
          fc.constantFrom(
            "min",
            "max",
            "values",
            "value",
            "rank",
            "type",
            "train",
            "eval",
            "name",
            "when",
            "derive",
            "parameters",
          ),
          tie("tree"),
          { maxKeys: 4 },
        ),
      ),
    })).tree
    const wellFormed = { model: "m", data: { train: "t" }, parameters: { rank: [4, 8] } }
    fc.assert(
      fc.property(key, value, (k, v) => check(JSON.stringify({ ...wellFormed, [k]: v }, null, 1))),
      fuzzRuns(1_500),
    )
  })
})

describe("readAlpaca", () => {
  it("answers any bytes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        fc.boolean(),
        (bytes, lines) => {
          const { records, problems, problemCount } = readAlpaca(bytes, lines)
          expect(problems.length === 0 ? records.length > 0 : problemCount > 0).toBe(true)
        },
      ),
      fuzzRuns(1_000),
    )
  })
})
