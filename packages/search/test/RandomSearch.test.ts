import { canonicalText, type Parameters } from "@sweep/domain/Parameter"
import { describe, expect, it } from "vitest"
import { randomSearch } from "../src/samplers/RandomSearch.ts"
import { historyFrom, int, list, log, minimize, space, uniform } from "./space.ts"

const draw = (definition: ReturnType<typeof space>, n: number, seed = 1) => {
  const sampler = randomSearch({ space: definition, metric: minimize, seed })
  const sets: Array<Parameters> = []
  for (let number = 1; number <= n; number++) {
    const suggestion = sampler.suggest(historyFrom(sets), number)
    if (suggestion._tag !== "Suggested") break
    sets.push(suggestion.parameters)
  }
  return sets
}

describe("random", () => {
  const definition = space({ rank: list(4, 8, 16), lr: log(1e-5, 1e-2), dropout: uniform(0, 0.3) })

  it("gives the same trials for the same seed, others for another", () => {
    expect(draw(definition, 20)).toEqual(draw(definition, 20))
    expect(draw(definition, 20, 2)).not.toEqual(draw(definition, 20))
  })

  it("draws a trial by its number alone", () => {
    const all = draw(definition, 10)
    const sampler = randomSearch({ space: definition, metric: minimize, seed: 1 })
    expect(sampler.suggest([], 10)).toEqual({ _tag: "Suggested", parameters: all[9] })
  })

  it("tries every point of a small space once and then ends", () => {
    const sets = draw(space({ a: list(1, 2, 3), b: int(1, 4) }, { constraints: ["a <= b"] }), 100)
    expect(sets).toHaveLength(9)
    expect(new Set(sets.map(canonicalText)).size).toBe(9)
  })

  it("says which constraint cannot be met, with the set that failed", () => {
    expect(() => draw(space({ a: int(1, 4) }, { derive: { b: "2 * a" }, constraints: ["b > 9"] }), 1)).toThrow(
      /none of 10000 sets.*`b > 9` fails for \{"a":\d,"b":\d\}/,
    )
  })

  it("gives up on constraints that cost too much to look for a set that satisfies them", () => {
    const zeros = `[${Array.from({ length: 60 }, () => 0).join(",")}]`
    const costly = `${zeros}.exists(x, ${zeros}.exists(y, x + y + a == 100))`
    expect(() => draw(space({ a: int(1, 4) }, { constraints: [costly] }), 1)).toThrow(/1000000 steps.*cheaper/)
  })

  it("follows a belief", () => {
    const sets = draw(space({ lr: { ...log(1e-6, 1e-2), prior: { center: 1e-4, width: 0.3 } } }), 400)
    const decades = sets.map(({ lr }) => Math.log10(lr as number))
    const mean = decades.reduce((s, x) => s + x, 0) / 400
    expect(mean).toBeCloseTo(-4, 1)
    expect(Math.sqrt(decades.reduce((s, x) => s + (x - mean) ** 2, 0) / 400)).toBeCloseTo(0.3, 1)
  })
})
