import type { Parameters } from "@sweep/domain/Parameter"
import { describe, expect, it } from "vitest"
import { gridSearch, gridSize } from "../src/samplers/Grid.ts"
import type { History } from "../src/space/History.ts"
import { completed, historyFrom, int, list, minimize, open, space, uniform, type Written } from "./space.ts"

const walk = (definition: ReturnType<typeof space>, history: History = []) => {
  const sampler = gridSearch({ space: definition, metric: minimize, seed: 1 })
  const sets: Array<Parameters> = []
  for (;;) {
    const so_far = [...history, ...sets.map((set, i) => open(history.length + i + 1, set))]
    const suggestion = sampler.suggest(so_far, so_far.length + 1)
    if (suggestion._tag !== "Suggested") return { sets, end: suggestion._tag, size: sampler.size }
    sets.push(suggestion.parameters)
  }
}

const q = (min: number, max: number, step: number) => ({ _tag: "QUniform", min, max, q: step }) as const

describe("grid", () => {
  it("goes through the file's order, the last parameter fastest", () => {
    const { sets, end, size } = walk(
      space({ rank: list(8, 4), lr: list(0.1, 0.2), seed: { _tag: "Constant", value: 1 } }),
    )
    expect(sets).toEqual([
      { rank: 8, lr: 0.1, seed: 1 },
      { rank: 8, lr: 0.2, seed: 1 },
      { rank: 4, lr: 0.1, seed: 1 },
      { rank: 4, lr: 0.2, seed: 1 },
    ])
    expect([end, size]).toEqual(["Exhausted", 4])
  })

  const cases: ReadonlyArray<[string, Written, ReadonlyArray<unknown>]> = [
    ["integers, both ends", { x: int(2, 5) }, [2, 3, 4, 5]],
    ["q_uniform without its upper end", { x: q(0, 1, 0.25) }, [0, 0.25, 0.5, 0.75]],
    ["q_uniform from its lower end, without binary dust", { x: q(0.1, 0.5, 0.1) }, [0.1, 0.2, 0.3, 0.4]],
    ["values listed twice once", { x: list(3, 1, 3) }, [3, 1]],
    ["mixed kinds as they are", { x: list("a", 1, true, null) }, ["a", 1, true, null]],
  ]
  it.each(cases)("takes %s", (_, written, values) => {
    const { sets, size } = walk(space(written))
    expect(sets.map(({ x }) => x)).toEqual(values)
    expect(size).toBe(values.length)
  })

  it("leaves a parameter out where its condition is false, and repeats nothing for it", () => {
    const definition = space({
      variant: list("lora", "oft"),
      rank: { ...list(4, 8), when: "variant == 'lora'" },
      block: { ...list(16, 32, 64), when: "variant == 'oft'" },
    })
    const { sets, size } = walk(definition)
    expect(sets).toEqual([
      { variant: "lora", rank: 4 },
      { variant: "lora", rank: 8 },
      { variant: "oft", block: 16 },
      { variant: "oft", block: 32 },
      { variant: "oft", block: 64 },
    ])
    expect(size).toBe(5)
  })

  it("derives and constrains", () => {
    const { sets } = walk(
      space({ rank: list(4, 8, 16) }, { derive: { alpha: "2 * rank" }, constraints: ["alpha <= 16"] }),
    )
    expect(sets).toEqual([
      { rank: 4, alpha: 8 },
      { rank: 8, alpha: 16 },
    ])
  })

  it("continues where a restarted sweep was, skips what was run by hand, and picks up new values", () => {
    const definition = space({ rank: list(4, 8), lr: list(0.1, 0.2) })
    const all = walk(definition).sets
    for (let done = 0; done <= all.length; done++) {
      expect(walk(definition, historyFrom(all.slice(0, done))).sets).toEqual(all.slice(done))
    }
    expect(walk(definition, [completed(1, { lr: 0.2, rank: 4 }, 1)]).sets).toEqual(all.filter((_, i) => i !== 1))
    const wider = space({ rank: list(4, 8, 16), lr: list(0.1, 0.2) })
    expect(walk(wider, historyFrom(all)).sets).toEqual([
      { rank: 16, lr: 0.1 },
      { rank: 16, lr: 0.2 },
    ])
  })

  it("answers an older history as if it had never seen the newer one", () => {
    const definition = space({ rank: list(4, 8, 16) })
    const sampler = gridSearch({ space: definition, metric: minimize, seed: 1 })
    const all = walk(definition).sets
    expect(sampler.suggest(historyFrom(all.slice(0, 2)), 3)).toEqual({ _tag: "Suggested", parameters: { rank: 16 } })
    expect(sampler.suggest([], 1)).toEqual({ _tag: "Suggested", parameters: { rank: 4 } })
  })

  it("starts on a grid of 10¹² points without listing it", () => {
    const sampler = gridSearch({
      space: space({ a: int(1, 1_000_000), b: int(1, 1_000_000) }),
      metric: minimize,
      seed: 1,
    })
    expect(sampler.size).toBe(1e12)
    expect(sampler.suggest([], 1)).toEqual({ _tag: "Suggested", parameters: { a: 1, b: 1 } })
    expect(gridSize(space({ a: int(1, 1_000_000) }, { constraints: ["a > 3"] }))).toBeNull()
  })

  it("gives up on a large grid of which nothing satisfies the constraints", () => {
    const definition = space({ a: int(1, 1_000_000), b: int(1, 1_000_000) }, { constraints: ["a + b < 0"] })
    expect(() => gridSearch({ space: definition, metric: minimize, seed: 1 })).toThrow(/`a \+ b < 0`: no set/)
  })

  it("refuses a continuous parameter by name", () => {
    expect(() => walk(space({ rank: list(4), dropout: uniform(0, 1) }))).toThrow(/`dropout` has none: give it `values`/)
  })
})
