import { describe, expect, it } from "vitest"
import { Metric } from "@sweep/domain/Metric"
import { expectedGrowth, frontOf, hypervolume, type Pair } from "../src/numerics/Hypervolume.ts"
import { random } from "../src/numerics/Random.ts"
import { ehvi } from "../src/samplers/Ehvi.ts"
import type { Observation } from "../src/space/History.ts"
import { minimize, space, uniform } from "./space.ts"

describe("hypervolume", () => {
  it("is the area below the steps of the front", () => {
    const points: ReadonlyArray<Pair> = [
      [1, 3],
      [2, 2],
      [3, 1],
      [2, 3],
      [9, 0],
    ]
    expect(frontOf(points)).toEqual([
      [1, 3],
      [2, 2],
      [3, 1],
      [9, 0],
    ])
    expect(hypervolume(points, [4, 4])).toBe(3 + 2 + 1)
    expect(hypervolume([], [4, 4])).toBe(0)
  })

  it("is expected to grow by what draws show", () => {
    const front = frontOf([
      [0.2, 0.9],
      [0.5, 0.4],
      [0.8, 0.1],
    ])
    const reference: Pair = [1, 1]
    const base = hypervolume(front, reference)
    const from = random(1, 0, "growth")
    for (const [mean, sigma] of [
      [
        [0.4, 0.3],
        [0.2, 0.1],
      ],
      [
        [0.9, 0.9],
        [0.3, 0.3],
      ],
      [
        [0.1, 0.05],
        [0.05, 0.4],
      ],
    ] as ReadonlyArray<readonly [Pair, Pair]>) {
      let sum = 0
      for (let i = 0; i < 40_000; i++) {
        const drawn: Pair = [mean[0] + sigma[0] * from.normal(), mean[1] + sigma[1] * from.normal()]
        sum += hypervolume([...front, drawn], reference) - base
      }
      expect(expectedGrowth(front, reference, mean, sigma)).toBeCloseTo(sum / 40_000, 2)
    }
  })
})

it("comes closer to a known front than random draws", () => {
  // ZDT1 in three dimensions: f₂ = 1 − √f₁ where the others are 0.
  const definition = space({ x1: uniform(0, 1), x2: uniform(0, 1), x3: uniform(0, 1) })
  const memory = new Metric({ name: "memory", goal: "minimize", summary: "last", target: null })
  const run = (learn: boolean): number => {
    const sampler = ehvi({ space: definition, metric: minimize, metrics: [minimize, memory], seed: 3 })
    const history: Array<Observation> = []
    const found: Array<Pair> = []
    for (let number = 1; number <= 36; number++) {
      const suggestion = sampler.suggest(learn ? history : [], number)
      if (suggestion._tag !== "Suggested") throw new Error(suggestion._tag)
      const { parameters } = suggestion
      const [x, ...others] = ["x1", "x2", "x3"].map((name) => parameters[name] as number)
      const g = 1 + (9 * (others[0]! + others[1]!)) / 2
      const losses: Pair = [x!, g * (1 - Math.sqrt(x! / g))]
      found.push(losses)
      history.push({
        number,
        parameters,
        outcome: "completed",
        objective: losses[0],
        values: { [minimize.name]: losses[0], memory: losses[1] },
      })
    }
    return hypervolume(found, [1.1, 1.1])
  }
  const learned = run(true)
  expect(learned).toBeGreaterThan(run(false) + 0.2)
  // All there is: 1.1² less the area below the curve and the two edges.
  expect(learned).toBeGreaterThan(0.9 * (1.21 - 0.1 - 1 / 3))
})
