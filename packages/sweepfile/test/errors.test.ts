// What a person sees for every mistake in a sweep file: golden, as it is printed.
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parseSweepFile } from "../src/parse/parseSweepFile.ts"
import { renderProblems } from "../src/parse/renderProblems.ts"

const folder = join(import.meta.dirname, "errors")

describe("mistakes in a sweep file", () => {
  it.each(readdirSync(folder))("%s", async (name) => {
    const text = readFileSync(join(folder, name), "utf8")
    const error = await Effect.runPromise(Effect.flip(parseSweepFile(text, name)))
    const golden = join(import.meta.dirname, "golden", "errors", name.replace(".yaml", ".txt"))
    await expect(`${renderProblems(error.problems, error.text)}\n`).toMatchFileSnapshot(golden)
  })

  it("refuses a file that is too large or binary", async () => {
    const refuse = (text: string) => Effect.runPromise(Effect.flip(parseSweepFile(text, "x.yaml")))
    expect((await refuse(`x: ${"y".repeat(1024 * 1024)}`)).message).toMatch(/x\.yaml:1:1: the file is too large/)
    expect((await refuse("a\0b")).message).toMatch(/not a text file/)
  })

  it("does not parse a bomb of aliases", async () => {
    const bomb = `a: &a [x]\nb: [${"*a,".repeat(16_600)}]\n`
    const error = await Effect.runPromise(Effect.flip(parseSweepFile(bomb, "x.yaml")))
    expect(error.message).toBe("x.yaml:2:5: the file has 16,600 aliases")
  })

  it.each([
    ["brackets", "[".repeat(300_000)],
    ["maps", "{a: ".repeat(100_000)],
    ["dashes", "- ".repeat(200_000)],
    ["questions", "? ".repeat(200_000)],
    ["lines", Array.from({ length: 1_000 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
  ])("does not go down nested %s", async (_, text) => {
    const error = await Effect.runPromise(Effect.flip(parseSweepFile(text, "x.yaml")))
    expect(error.message).toMatch(/nested too deeply/)
  })
})
