import { describe, expect, it } from "vitest"
import { random } from "../src/numerics/Random.ts"
import { compileSpace, drawUnit, neverActive } from "../src/space/Space.ts"
import { int, list, log, space } from "./space.ts"

const nested = () =>
  space(
    {
      rank: { ...list(4, 8, 16), when: "variant != 'oft'" },
      variant: list("lora", "oft"),
      "optimizer.lr": log(1e-5, 1e-2),
      "optimizer.warmup": { ...int(0, 100), when: "optimizer.lr > 0.001" },
    },
    {
      derive: { alpha: "2 * rank", scale: { expression: "alpha / rank", when: "rank > 4" } },
      constraints: ["rank * optimizer.lr < 0.1"],
    },
  )

describe("Space", () => {
  it("evaluates what others depend on first and keeps the order of the file", () => {
    const compiled = compileSpace(nested())
    for (let i = 0; i < 300; i++) {
      const parameters = compiled.decode(drawUnit(compiled, random(1, i, "space")))
      if (parameters === null) continue
      expect(compiled.contains(parameters)).toBe(true)
      expect("rank" in parameters).toBe(parameters["variant"] === "lora")
      expect(parameters["alpha"]).toBe("rank" in parameters ? 2 * (parameters["rank"] as number) : undefined)
      expect(parameters["scale"]).toBe((parameters["rank"] as number) > 4 ? 2 : undefined)
      expect("optimizer.warmup" in parameters).toBe((parameters["optimizer.lr"] as number) > 0.001)
      expect(Object.keys(parameters)[0]).toBe("rank" in parameters ? "rank" : "variant")
    }
  })

  it("refuses more expressions than can be compiled beside other work", () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `rank > ${i}`)
    expect(() => compileSpace(space({ rank: list(4) }, { constraints: many }))).toThrow(/2000 expressions.*at most 200/)
    const long = `rank > 0${" && rank > 0".repeat(3_000)}`
    expect(() => compileSpace(space({ rank: list(4) }, { constraints: [long] }))).toThrow(/at most 200 and 20000/)
  })

  it("knows what is not in it", () => {
    const { contains } = compileSpace(nested())
    const good = { rank: 4, variant: "lora", "optimizer.lr": 1e-4, alpha: 8 }
    expect(contains(good)).toBe(true)
    expect(contains({ ...good, rank: 5, alpha: 10 })).toBe(false)
    expect(contains({ ...good, alpha: 9 })).toBe(false)
    expect(contains({ ...good, "optimizer.warmup": 3 })).toBe(false)
    expect(contains({ ...good, variant: "oft" })).toBe(false)
    expect(contains({ ...good, other: 1 })).toBe(false)
    const { "optimizer.lr": _, ...missing } = good
    expect(contains(missing)).toBe(false)
  })

  it.each([
    ["an unknown parameter", () => space({ a: { ...list(1, 2), when: "b > 1" } }), /a: unknown parameter `b`/],
    [
      "a circle",
      () => space({ a: { ...list(1, 2), when: "c > 1" } }, { derive: { c: "a + 1" } }),
      /in a circle: a → c → a/,
    ],
    [
      "text that does not parse",
      () => space({ a: list(1, 2) }, { constraints: ["a <"] }),
      /the expression ends too early/,
    ],
    ["a condition that is a number", () => space({ a: list(1, 2) }, { constraints: ["a + 1"] }), /true or false/],
  ])("refuses %s", (_, definition, message) => {
    expect(() => compileSpace(definition())).toThrow(message)
  })

  it("finds parameters that no trial will have", () => {
    const definition = space({ a: int(1, 3), b: { ...int(1, 2), when: "a > 3" }, c: { ...int(1, 2), when: "a > 2" } })
    expect(neverActive(compileSpace(definition))).toEqual(["b"])
  })
})
