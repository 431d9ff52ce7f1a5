import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { compile, evaluate, holds, type Variables } from "../src/space/Expression.ts"
import type { Parameters } from "../src/space/Parameter.ts"

const compiled = (text: string) => Result.getOrThrow(compile(text))
const valueOf = (text: string, parameters: Parameters) => Result.getOrThrow(evaluate(compiled(text), parameters))

const scope: Parameters = { variant: "lora", rank: 16, alpha: 32, on: true, none: null, "optimizer.lr": 0.1 }

describe("evaluate", () => {
  it.each<[string, unknown]>([
    ["alpha <= 128", true],
    ["2 * rank", 32],
    ["rank * 1.5", 24],
    ["rank * 2 == alpha", true],
    ["variant != 'oft'", true],
    ["7 / 2", 3.5],
    ["rank / 3 * 3 == 16", true],
    ["rank % 5", 1],
    ["rank % 2 == 0", true],
    ["-rank", -16],
    ["rank in [4, 8, 16]", true],
    ["variant in ['lora', 'dora']", true],
    ["rank in [4, 'x', 16]", true],
    ["on ? 'yes' : 'no'", "yes"],
    ["on && none == null", true],
    ["optimizer.lr * 10", 1],
    ["optimizer['lr'] < 1", true],
    ["size(variant) * rank", 64],
    ["size(variant) == 4", true],
    ["size(variant) / 8", 0.5],
    ["variant.startsWith('lo')", true],
    ["variant.substring(1)", "ora"],
    ["[8, 16].exists(r, r == rank)", true],
    ["['a', 'b'][1]", "b"],
    ["pow(2, 5)", 32],
    ["pow(2, log2(rank))", 16],
    ["min(rank, 8) + max(rank, 8)", 24],
    ["round(2.6) + floor(2.6) + ceil(2.2) + sqrt(4) + abs(-1)", 11],
    ["string(rank)", "16"],
    ["int(3.9)", 3],
    ["5", 5],
    ["null", null],
    ["missing > 1 || rank == 16", true],
    ["variant == 'oft' && missing > 1", false],
  ])("%s", (text, expected) => expect(valueOf(text, scope)).toEqual(expected))

  it("says which parameter is absent", () =>
    expect(Result.flip(evaluate(compiled("rank * missing"), scope))).toMatchObject({
      success: { _tag: "ParameterAbsent", name: "missing" },
    }))

  it.each([
    ["rank / 0", /Infinity/],
    ["[rank]", /a list/],
    ["variant.matches('(')", /regular expression/i],
    ["rank + variant", /`\+` cannot be applied to a number and text/],
  ])("fails on %s", (text, message) =>
    expect(Result.flip(evaluate(compiled(text), scope))).toMatchObject({
      success: { _tag: "EvaluationFailed", message: expect.stringMatching(message) },
    }),
  )

  it("never reaches the prototype of a scope", () =>
    expect(Result.isFailure(evaluate(compiled("constructor == 1"), scope))).toBe(true))
})

describe("an expression that would never end", () => {
  const zeros = (n: number) => `[${Array.from({ length: n }, () => 0).join(",")}]`
  const nested = (depth: number): string =>
    depth === 0 ? "rank == 0" : `${zeros(40)}.exists(x${depth}, ${nested(depth - 1)})`
  const doubled = (times: number): string => `[variant]${".map(x, x + x)".repeat(times)}[0] == ''`
  const bound = (depth: number): string =>
    depth === 0 ? "size(a0) == 1" : `cel.bind(a${depth - 1}, a${depth} + a${depth}, ${bound(depth - 1)})`

  it.each([
    ["a regular expression that backtracks", `variant.matches('^(a+)+$')`, /false/],
    ["one that RE2 cannot bound", `variant.matches('(?=a)b')`, /RE2/],
    ["one with repetitions of repetitions", `variant.matches('((a{200}){200}){200}')`, /RE2/],
    ["nested loops", nested(8), /steps/],
    ["text that doubles in a chain of maps", doubled(40), /steps/],
    ["text that doubles in bound names", `cel.bind(a30, variant, ${bound(30)})`, /steps/],
  ])("%s ends", (_, text, expected) => {
    const result = evaluate(compiled(text), { variant: `${"a".repeat(40)}!`, rank: 16 })
    const found = Result.isSuccess(result) ? String(result.success) : String((result.failure as Error).message)
    expect(found).toMatch(expected)
  })

  it("finds with RE2 what CEL finds", () => {
    for (const [pattern, expected] of [
      ["or", true],
      ["^lo", true],
      ["^or", false],
      ["l.r(a|b)$", true],
    ] as const) {
      expect(valueOf(`variant.matches('${pattern}')`, scope), pattern).toBe(expected)
    }
  })
})

describe("holds", () => {
  it("takes absence as told", () => {
    expect(Result.getOrThrow(holds(compiled("missing > 1"), scope, true))).toBe(true)
    expect(Result.getOrThrow(holds(compiled("missing > 1"), scope, false))).toBe(false)
    expect(Result.getOrThrow(holds(compiled("rank > 1"), scope, false))).toBe(true)
  })
  it("refuses a number", () => expect(Result.isFailure(holds(compiled("rank"), scope, false))).toBe(true))
})

describe("compile", () => {
  it.each([
    ["a + b.c * a", ["a", "b.c"]],
    ["x['y'] > z", ["x.y", "z"]],
    ["[1].all(v, v > lo) && name.startsWith(prefix)", ["lo", "name", "prefix"]],
    ["1 + 2", []],
  ])("lists the identifiers of %s", (text, names) => expect(compiled(text).identifiers).toEqual(names))

  const variables: Variables = new Map([
    ["rank", "number"],
    ["variant", "string"],
    ["on", "boolean"],
    ["mixed", "any"],
    ["optimizer.lr", "number"],
    ["optimizer.name", "string"],
    ["type", "string"],
  ])

  it.each<[string, number, RegExp]>([
    ["rank +", 6, /ends too early/],
    ["2 * (rank", 9, /^`\)` is missing at the end$/],
    ["rank = 8", 5, /compare with `==`/],
    ["  ", 0, /empty/],
    ["rank > 1 && ranks < 3", 12, /unknown parameter `ranks`/],
    ["optimizer.lx > 1", 0, /unknown parameter `optimizer.lx`/],
    ["optimizer > 1", 0, /unknown parameter `optimizer`/],
    ["rank > 'a'", 0, /`>` cannot be applied to a number and text/],
    ["rank && on", 0, /`&&` and `\|\|` join conditions/],
    ["rank ? 1 : 2", 0, /what stands before `\?`/],
    ["loop > 1", 0, /reserved word/],
    ["variant.foo(1)", 0, /no function `foo` of a number/],
    ["log2(variant)", 0, /no function `log2` of text/],
    ["type == 'x'", 0, /word of CEL/],
    ["learning-rate", 0, /unknown parameter `learning`/],
  ])("refuses %s", (text, offset, message) =>
    expect(Result.flip(compile(text, { variables }))).toMatchObject({
      success: { offset, message: expect.stringMatching(message) },
    }),
  )

  it.each([
    ["rank > 1 && mixed == 3 || on", "boolean"],
    ["optimizer.lr * rank + size(optimizer.name)", "number"],
    ["on ? variant : 'x'", "string"],
    ["mixed", "any"],
  ])("types %s", (text, type) => expect(Result.getOrThrow(compile(text, { variables })).type).toBe(type))

  it("asks for a condition", () => {
    expect(Result.isFailure(compile("2 * rank", { variables, result: "boolean" }))).toBe(true)
    expect(Result.isFailure(compile("[rank]", { variables, result: "value" }))).toBe(true)
    expect(Result.isSuccess(compile("mixed", { variables, result: "boolean" }))).toBe(true)
  })

  it("bounds the size of an expression", () =>
    expect(Result.isFailure(compile("1".concat(" + 1".repeat(5_000))))).toBe(true))
})
