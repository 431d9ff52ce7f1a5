// Constraints on outcomes as samplers see them: a trial that breaks one is not feasible, whatever its loss, and tells where
// the limit runs.
import { Metric } from "@sweep/domain/Metric"
import { OutcomeConstraint } from "@sweep/domain/OutcomeConstraint"
import type { Parameters } from "@sweep/domain/Parameter"
import { describe, expect, it } from "vitest"
import type { Observation } from "../src/space/History.ts"
import { samplers } from "../src/samplers/samplerFor.ts"
import { minimize, space, uniform } from "./space.ts"

const definition = space({ x: uniform(0, 1), y: uniform(0, 1) })
const at = (p: Parameters) => [p["x"] as number, p["y"] as number] as const
/** Lowest at (0.8, 0.7), which takes too much memory: the best that fits lies on x + y = 1, at (0.55, 0.45), with 0.125. */
const loss = (p: Parameters): number => (at(p)[0] - 0.8) ** 2 + (at(p)[1] - 0.7) ** 2
const memory = (p: Parameters): number => 10 * (at(p)[0] + at(p)[1])
const latency = new Metric({ name: "latency", goal: "minimize", summary: "last", target: null })
const outcomes = [new OutcomeConstraint({ metric: "memory", comparison: "<=", limit: 10 })]

const run = (method: keyof typeof samplers, seed: number, told = outcomes, n = 50): ReadonlyArray<Observation> => {
  const metrics = method === "nsga2" || method === "ehvi" ? { metrics: [minimize, latency] } : {}
  const sampler = samplers[method]({ space: definition, metric: minimize, ...metrics, outcomes: told, seed })
  const history: Array<Observation> = []
  while (history.length < n) {
    const suggestion = sampler.suggest(history, history.length + 1)
    if (suggestion._tag !== "Suggested") throw new Error(suggestion._tag)
    const { parameters } = suggestion
    const objective = loss(parameters)
    const values = { memory: memory(parameters), latency: 1 - at(parameters)[0], "eval/loss": objective }
    history.push({ number: history.length + 1, parameters, outcome: "completed", objective, values })
  }
  return history
}

const feasible = (history: ReadonlyArray<Observation>) => history.filter(({ values }) => values["memory"]! <= 10)
const bestOf = (history: ReadonlyArray<Observation>) =>
  Math.min(...feasible(history).map(({ objective }) => objective!), 9)
const seeds = [1, 2, 3]
const mean = (of: (seed: number) => number) => seeds.reduce((sum, seed) => sum + of(seed), 0) / seeds.length

describe.each([
  ["gp", 0.005],
  ["tpe", 0.03],
  ["cmaes", 0.03],
] as const)("%s", (method, within) => {
  it("finds the best that keeps the constraint, and looks there", () => {
    expect(mean((seed) => bestOf(run(method, seed)) - 0.125)).toBeLessThan(within)
    // Without being told, it goes where the loss is lowest.
    // Close to the limit counts: that is where the best lies, on either side of it.
    const near = (told: typeof outcomes) =>
      mean((seed) => run(method, seed, told).filter(({ values }) => values["memory"]! < 10.05).length)
    expect(near(outcomes)).toBeGreaterThan(near([]) + 8)
  })
})

describe.each(["nsga2", "ehvi"] as const)("%s", (method) => {
  it("looks for a front of what keeps the constraint", () => {
    const kept = (told: typeof outcomes) => mean((seed) => feasible(run(method, seed, told).slice(25)).length)
    expect(kept(outcomes)).toBeGreaterThan(kept([]) + 4)
  })
})

it("gp looks for what keeps a constraint before anything does", () => {
  const far = [new OutcomeConstraint({ metric: "memory", comparison: "<=", limit: 1.5 })]
  const history = run("gp", 4, far, 30)
  const found = history.findIndex(({ values }) => values["memory"]! <= 1.5)
  // A triangle of 1.1 % of the square.
  expect(found).toBeGreaterThanOrEqual(0)
  expect(found).toBeLessThan(20)
})

it.each(["gp", "tpe", "cmaes", "nsga2", "ehvi"] as const)("%s continues where nobody reports the metric", (method) => {
  const unknown = [new OutcomeConstraint({ metric: "nowhere", comparison: ">", limit: 1 })]
  expect(run(method, 1, unknown, 24)).toHaveLength(24)
})
