import { describe, expect, it } from "vitest"
import { exampleSpec } from "./exampleSpec.ts"
import { beginningOf, commonSteps, mostEpochs, searchesEpochs } from "../src/sweep/beginning.ts"
import type { Distribution } from "../src/space/Distribution.ts"
import type { Parameters } from "../src/space/Parameter.ts"

const specOf = (distribution: Distribution, change: Parameters = {}) =>
  exampleSpec({
    space: { dimensions: [{ name: "epochs", distribution, when: null, prior: null }], derived: [], constraints: [] },
    enqueue: Object.keys(change).length === 0 ? [] : [change],
  })

const listed: Distribution = { _tag: "Categorical", values: [1, 3, 2], probabilities: null }
const alike = { rank: 4, schedule: "constant", warmup_ratio: 0 }

describe("trials that share a prefix", () => {
  const spec = specOf(listed)
  const of = (parameters: Parameters, seed = 7) => beginningOf(spec, { parameters, seed })

  it("differ in their epochs alone", () => {
    const one = of({ ...alike, epochs: 1 })
    expect(one).not.toBeNull()
    // The default of epochs counts, and the order of the names does not.
    expect(of({ epochs: 3, warmup_ratio: 0, schedule: "constant", rank: 4 })).toBe(one)
    expect(of(alike)).toBe(one)
    expect(of({ ...alike, epochs: 1 }, 8)).not.toBe(one)
    expect(of({ ...alike, epochs: 1, rank: 8 })).not.toBe(one)
  })

  it("are those whose learning rate does not depend on the length", () => {
    expect(of({ ...alike, schedule: "warmup_stable_decay" })).not.toBeNull()
    for (const other of [{ schedule: "cosine" }, { schedule: "linear" }, { warmup_ratio: 0.03 }, { max_steps: 9 }]) {
      expect(of({ ...alike, ...other })).toBeNull()
    }
    expect(of({ ...alike, variant: "adalora" })).toBeNull()
    expect(of({ rank: 4 })).toBeNull()
  })

  it("need epochs to be searched, by the built-in trainer", () => {
    const trial = { parameters: alike, seed: 7 }
    expect(beginningOf(specOf({ _tag: "Constant", value: 3 }), trial)).toBeNull()
    expect(searchesEpochs(exampleSpec())).toBe(false)
    expect(searchesEpochs(exampleSpec({ ...spec, trainer: "command", command: ["train"] }))).toBe(false)
  })

  it("have all but the decay in common", () => {
    expect(commonSteps(alike, 21)).toBe(21)
    expect(commonSteps({ ...alike, schedule: "warmup_stable_decay" }, 21)).toBe(18)
  })

  it("are no longer than the space and what a person gave allow", () => {
    expect(mostEpochs(spec)).toBe(3)
    expect(mostEpochs(specOf(listed, { epochs: 5 }))).toBe(5)
    expect(mostEpochs(specOf({ _tag: "IntUniform", min: 1, max: 4 }))).toBe(4)
    expect(mostEpochs(specOf({ _tag: "Normal", mu: 2, sigma: 1 }))).toBe(Infinity)
  })
})
