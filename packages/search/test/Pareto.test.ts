import { Metric } from "@sweep/domain/Metric"
import { describe, expect, it } from "vitest"
import type { Observation } from "../src/space/History.ts"
import { lossesOf, nsga2 } from "../src/samplers/Nsga2.ts"
import { hypervolume, hypervolumeOf } from "../src/numerics/Hypervolume.ts"
import { random } from "../src/numerics/Random.ts"
import { crowding, dominates, paretoFront, ranks } from "../src/numerics/Pareto.ts"
import { minimize, space, uniform } from "./space.ts"

describe("Pareto front", () => {
  it("dominates: nowhere worse, somewhere better", () => {
    expect(dominates([1, 2], [1, 3])).toBe(true)
    expect(dominates([1, 2], [1, 2])).toBe(false)
    expect(dominates([1, 3], [2, 2])).toBe(false)
    expect(dominates([1, 3], [2, Number.NaN])).toBe(true)
    expect(dominates([Number.NaN, 3], [2, 9])).toBe(false)
  })

  it("ranks and finds the front", () => {
    const all = [
      [1, 5],
      [2, 2],
      [5, 1],
      [3, 3],
      [6, 6],
      [2, 2],
    ]
    expect(ranks(all)).toEqual([0, 0, 0, 1, 2, 0])
    expect(paretoFront(all)).toEqual([0, 1, 2, 5])
  })

  it("knows how crowded a front is", () => {
    expect(
      crowding([
        [0, 10],
        [1, 9],
        [5, 5],
        [10, 0],
      ]),
    ).toEqual([Infinity, 1, 1.8, Infinity])
    expect(crowding([])).toEqual([])
  })
})

describe("NSGA-II", () => {
  const memory = new Metric({ name: "memory", goal: "minimize", summary: "last", target: null })
  const definition = space({ x: uniform(0, 1), y: uniform(0, 1), z: uniform(0, 1), w: uniform(0, 1) })
  // ZDT1 in four dimensions: the front is y = z = w = 0, f₂ = 1 − √f₁.
  const zdt1 = (p: Readonly<Record<string, unknown>>) => {
    const g = 1 + 3 * ((p["y"] as number) + (p["z"] as number) + (p["w"] as number))
    return [p["x"] as number, g * (1 - Math.sqrt((p["x"] as number) / g))] as const
  }
  /** Area dominated up to (1, 5): 4.667 for the true front. */
  const hypervolume = (all: ReadonlyArray<readonly [number, number]>) => {
    const front = paretoFront(all)
      .map((i) => all[i]!)
      .sort((a, b) => a[0] - b[0])
    let area = 0
    front.forEach(([f1, f2], i) => (area += ((front[i + 1]?.[0] ?? 1) - f1) * Math.max(0, 5 - f2)))
    return area
  }

  it("comes close to a known front, and closer than random draws", () => {
    const run = (learn: boolean) => {
      const sampler = nsga2({ space: definition, metric: minimize, metrics: [minimize, memory], seed: 3 })
      const history: Array<Observation> = []
      for (let number = 1; number <= 250; number++) {
        const suggestion = sampler.suggest(learn ? history : [], number)
        if (suggestion._tag !== "Suggested") throw new Error(suggestion._tag)
        const { parameters } = suggestion
        const [f1, f2] = zdt1(parameters)
        history.push({
          number,
          parameters,
          outcome: "completed",
          objective: f1,
          values: { "eval/loss": f1, memory: f2 },
        })
      }
      return hypervolume(history.map(({ parameters }) => zdt1(parameters)))
    }
    const learned = run(true)
    expect(learned).toBeGreaterThan(4.3)
    expect(learned).toBeGreaterThan(run(false) + 0.4)
  })

  it("reads values by name, turned round for what is maximized, and failures as worst", () => {
    const accuracy = new Metric({ name: "accuracy", goal: "maximize", summary: "last", target: null })
    const trial = {
      number: 1,
      parameters: {},
      outcome: "completed",
      objective: 0.3,
      values: { accuracy: 0.8 },
    } as const
    expect(lossesOf(trial, [minimize, accuracy])).toEqual([0.3, -0.8])
    expect(lossesOf({ ...trial, values: {} }, [minimize, accuracy])).toEqual([0.3, Infinity])
    expect(lossesOf({ ...trial, outcome: "failed" }, [minimize, accuracy])).toEqual([Infinity, Infinity])
    expect(lossesOf({ ...trial, outcome: "open" }, [minimize, accuracy])).toBeNull()
  })
})

describe("the hypervolume of any number of losses", () => {
  it("is the volume of the boxes' union", () => {
    expect(hypervolumeOf([[0, 0, 0]], [1, 2, 3])).toBe(6)
    // Two boxes of 1 × 1 × 2 that share 1 × 1 × 1, a third within, one beyond.
    const boxes = [
      [0, 0, 1],
      [0, 0, 1],
      [0.5, 0.5, 2],
      [2, 0, 0],
    ]
    expect(hypervolumeOf(boxes, [1, 1, 3])).toBe(2)
    expect(hypervolumeOf([], [1, 1, 1])).toBe(0)
  })

  it("is that of two losses where the others are the same, and agrees with counting points", () => {
    const from = random(3, 0, "hypervolume")
    const points = Array.from({ length: 14 }, () => Array.from({ length: 4 }, () => from.uniform()))
    const pairs = points.map(([a, b]) => [a!, b!] as const)
    expect(
      hypervolumeOf(
        pairs.map(([a, b]) => [a, b, 0]),
        [1, 1, 2],
      ),
    ).toBeCloseTo(2 * hypervolume(pairs, [1, 1]), 12)
    const n = 40_000
    let inside = 0
    for (let i = 0; i < n; i++) {
      const at = Array.from({ length: 4 }, () => from.uniform())
      if (points.some((point) => point.every((x, k) => x <= at[k]!))) inside++
    }
    expect(Math.abs(hypervolumeOf(points, [1, 1, 1, 1]) - inside / n)).toBeLessThan(0.01)
  })
})
