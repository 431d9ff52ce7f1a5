// No sampler ever leaves its space: 1,000 random spaces of every distribution, with conditions, derived parameters and
// constraints, each with a history of random outcomes. What is allowed is decided by an oracle of its own, not by the
// code under test: conditions are written both as CEL and as a function.
import type { Distribution } from "@sweep/domain/Distribution"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import { canonicalText } from "@sweep/domain/Parameter"
import type { Method } from "@sweep/domain/Method"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Observation, Outcome } from "../src/space/History.ts"
import { randomSearch } from "../src/samplers/RandomSearch.ts"
import { samplers } from "../src/samplers/samplerFor.ts"
import { InvalidSpace } from "../src/space/Space.ts"
import { maximize, minimize, space } from "./space.ts"

const spaces = 1_000

const numeric: fc.Arbitrary<Distribution> = fc.oneof(
  fc.record({
    _tag: fc.constant("IntUniform" as const),
    min: fc.integer({ min: -5, max: 3 }),
    max: fc.integer({ min: 4, max: 90 }),
  }),
  fc.record({
    _tag: fc.constant("Uniform" as const),
    min: fc.double({ min: -3, max: 0, noNaN: true }),
    max: fc.double({ min: 0.5, max: 4, noNaN: true }),
  }),
  fc.record({
    _tag: fc.constant("QUniform" as const),
    min: fc.constant(-1),
    max: fc.constant(2),
    q: fc.constantFrom(0.1, 0.25, 1),
  }),
  fc.record({
    _tag: fc.constantFrom("LogUniform" as const, "InvLogUniform" as const),
    min: fc.constantFrom(1e-5, 0.1),
    max: fc.constantFrom(1, 50),
  }),
  fc.record({
    _tag: fc.constant("QLogUniform" as const),
    min: fc.constant(1),
    max: fc.constantFrom(8, 2_000),
    q: fc.constantFrom(1, 3),
  }),
  fc.record({
    _tag: fc.constantFrom("Normal" as const, "LogNormal" as const),
    mu: fc.constantFrom(-1, 0, 2),
    sigma: fc.constantFrom(0.1, 1),
  }),
  fc.record({
    _tag: fc.constantFrom("QNormal" as const, "QLogNormal" as const),
    mu: fc.constantFrom(0, 1),
    sigma: fc.constant(1),
    q: fc.constantFrom(0.5, 1),
  }),
  fc.record({ _tag: fc.constant("Beta" as const), a: fc.constantFrom(0.5, 2), b: fc.constantFrom(1, 5) }),
  fc.record({
    _tag: fc.constant("QBeta" as const),
    a: fc.constant(2),
    b: fc.constant(5),
    q: fc.constantFrom(0.05, 0.5),
  }),
  fc.constantFrom<Distribution>(
    { _tag: "Categorical", values: [4, 8, 16, 32], probabilities: null },
    { _tag: "Categorical", values: [2, 1, 3], probabilities: [0.5, 0.25, 0.25] },
  ),
)
const choice = fc.constantFrom<Distribution>(
  { _tag: "Categorical", values: ["a", "b"], probabilities: null },
  { _tag: "Categorical", values: ["a", "b", "c"], probabilities: [0.6, 0.3, 0.1] },
)
const gridded = fc.oneof(
  fc.record({ _tag: fc.constant("IntUniform" as const), min: fc.constant(1), max: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    _tag: fc.constant("QUniform" as const),
    min: fc.constant(0),
    max: fc.constant(1),
    q: fc.constantFrom(0.25, 0.5),
  }),
  choice,
)

type Test = (value: ParameterValue) => boolean

interface Drawn {
  readonly dimensions: ReadonlyArray<{
    readonly name: string
    readonly distribution: Distribution
    readonly when: { readonly on: string; readonly text: string; readonly test: Test } | null
  }>
  readonly constraint: { readonly on: string; readonly text: string; readonly test: Test } | null
  readonly derived: string | null
}

/** A condition on one dimension: CEL and what it means. */
const conditionOn = (name: string, d: Distribution, cut: number): { on: string; text: string; test: Test } =>
  d._tag === "Categorical" && typeof d.values[0] === "string"
    ? { on: name, text: `${name} != 'a'`, test: (value) => value !== "a" }
    : { on: name, text: `${name} >= ${cut}`, test: (value) => (value as number) >= cut }

const drawn = (one: fc.Arbitrary<Distribution>): fc.Arbitrary<Drawn> =>
  fc
    .record({
      distributions: fc.array(one, { minLength: 1, maxLength: 5 }),
      // The dimension (before this one) that a condition reads, if any.
      reads: fc.array(fc.option(fc.nat(4), { freq: 2 }), { minLength: 5, maxLength: 5 }),
      cut: fc.constantFrom(0, 0.5, 1, 5),
      constraint: fc.option(fc.nat(4)),
      derived: fc.option(fc.nat(4)),
    })
    .map(({ distributions, reads, cut, constraint, derived }) => {
      const dimensions = distributions.map((distribution, i) => {
        const on = reads[i] ?? null
        return {
          name: `p${i}`,
          distribution,
          when: on === null || on >= i ? null : conditionOn(`p${on}`, distributions[on]!, cut),
        }
      })
      const at = (index: number | null) => (index === null ? null : index % distributions.length)
      const [c, d] = [at(constraint), at(derived)]
      return {
        dimensions,
        constraint: c === null ? null : conditionOn(`p${c}`, distributions[c]!, cut),
        derived: d === null ? null : `p${d}`,
      }
    })

const definitionOf = ({ dimensions, constraint, derived }: Drawn) =>
  space(
    Object.fromEntries(
      dimensions.map(({ name, distribution, when }) => [
        name,
        { ...distribution, ...(when === null ? {} : { when: when.text }) },
      ]),
    ),
    {
      ...(derived === null ? {} : { derive: { copy: derived } }),
      constraints: constraint === null ? [] : [constraint.text],
    },
  )

const isMultiple = (value: number, q: number) => Math.abs(value / q - Math.round(value / q)) < 1e-9
const within = (d: Distribution, value: ParameterValue): boolean => {
  if (d._tag === "Constant") return value === d.value
  if (d._tag === "Categorical") return d.values.includes(value)
  if (typeof value !== "number" || !Number.isFinite(value)) return false
  const slack = "q" in d ? d.q / 2 + 1e-12 : 0
  if ("min" in d && (value < d.min - slack || value > d.max + slack)) return false
  if ((d._tag === "Beta" || d._tag === "QBeta") && (value < 0 || value > 1)) return false
  if ((d._tag === "LogNormal" || d._tag === "QLogNormal") && value < 0) return false
  if (d._tag === "IntUniform" && !Number.isInteger(value)) return false
  return !("q" in d) || isMultiple(value, d.q)
}

const complaint = ({ dimensions, constraint, derived }: Drawn, parameters: Parameters): string | null => {
  for (const { name, distribution, when } of dimensions) {
    const read = when === null ? true : parameters[when.on]
    const exists = when === null || (read !== undefined && when.test(read as ParameterValue))
    if (exists !== name in parameters) return `${name} should ${exists ? "" : "not "}exist`
    if (exists && !within(distribution, parameters[name]!)) return `${name} is outside its distribution`
  }
  if (derived !== null && parameters["copy"] !== parameters[derived]) return "the derived parameter is wrong"
  const bound = constraint === null ? undefined : parameters[constraint.on]
  if (bound !== undefined && !constraint!.test(bound)) return "the constraint does not hold"
  const extra = Object.keys(parameters).length - dimensions.filter(({ name }) => name in parameters).length
  return extra > (derived === null ? 0 : 1) ? "there is a parameter nobody asked for" : null
}

const outcomes: ReadonlyArray<Outcome> = [
  "completed",
  "completed",
  "completed",
  "stopped",
  "failed",
  "infeasible",
  "open",
  "cancelled",
]

const methods: ReadonlyArray<Method> = ["grid", "random", "sobol", "tpe", "gp", "cmaes", "nsga2", "ehvi"]

describe.each(methods)("%s", (method) => {
  it("stays within 1,000 random spaces, whatever the history", { timeout: 600_000 }, () => {
    let asked = 0
    fc.assert(
      fc.property(
        drawn(
          method === "grid" ? gridded : fc.oneof({ weight: 3, arbitrary: numeric }, { weight: 1, arbitrary: choice }),
        ),
        fc.array(
          fc.record({
            outcome: fc.constantFrom(...outcomes),
            objective: fc.oneof(fc.double({ min: -10, max: 1e6, noNaN: true }), fc.constant(Number.NaN)),
          }),
          { minLength: 0, maxLength: 26 },
        ),
        fc.nat(),
        fc.boolean(),
        (written, results, seed, up) => {
          const input = { space: definitionOf(written), metric: up ? maximize : minimize, seed }
          let sampler
          let draws
          try {
            draws = randomSearch(input)
            sampler = samplers[method](input)
          } catch (error) {
            // A constraint that no draw satisfies.
            if (error instanceof InvalidSpace && error.sample !== null) return
            throw error
          }
          const history: Array<Observation> = []
          for (const { outcome, objective } of results) {
            const suggestion = draws.suggest(history, history.length + 1)
            if (suggestion._tag !== "Suggested") break
            const ended = outcome === "completed" || outcome === "stopped"
            const value = ended && !Number.isNaN(objective) ? objective : null
            history.push({
              number: history.length + 1,
              parameters: suggestion.parameters,
              outcome: ended && value === null ? "failed" : outcome,
              objective: value,
              values: {},
            })
          }
          for (let i = 0; i < 2; i++) {
            const suggestion = sampler.suggest(history, history.length + 1)
            if (suggestion._tag !== "Suggested") return
            const { parameters } = suggestion
            asked++
            const wrong = complaint(written, parameters)
            if (wrong !== null) throw new Error(`${wrong}: ${JSON.stringify(parameters)}`)
            const text = canonicalText(parameters)
            if (history.some((trial) => canonicalText(trial.parameters) === text)) throw new Error(`${text} again`)
            history.push({ number: history.length + 1, parameters, outcome: "open", objective: null, values: {} })
          }
        },
      ),
      { numRuns: spaces, seed: 20_26 },
    )
    // Otherwise the spaces were so small, or so impossible, that nothing was tried.
    expect(asked).toBeGreaterThan(spaces)
  })
})
