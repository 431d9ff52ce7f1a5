import * as Effect from "effect/Effect"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { describeSweep, renderDescription } from "../src/describe/describeSweep.ts"
import { parseSweepFile, type ParsedSweep } from "../src/parse/parseSweepFile.ts"
import { spaceProblem } from "../src/resolve/spaceProblem.ts"

const parse = (text: string) => Effect.runPromise(parseSweepFile(text, "sweep.yaml"))
const specOf = (parsed: ParsedSweep): SweepSpec =>
  new SweepSpec({
    ...parsed.draft,
    model: "/models/base",
    data: {
      train: { path: "/data/train.json", sha256: "", bytes: 1, records: 900 },
      eval: { path: "/data/eval.json", sha256: "", bytes: 1, records: 100 },
    },
    source: { path: parsed.path, text: parsed.text },
  })

const text = `name: 通义 LoRA
description: Which rank?
model: base
data: {train: t, eval: e}
method: tpe
parameters:
  variant: {values: [lora, oft, lora], probabilities: [0.5, 0.25, 0.25]}
  rank: {values: [4, 8, 16], when: "variant != 'oft'"}
  learning_rate: {distribution: log_uniform_values, min: 1.0e-5, max: 1.0e-3}
  alpha: {derive: "2 * rank"}
  batch_size: {distribution: q_uniform, min: 8, max: 32, q: 8}
  dropout: {min: 0.0, max: 0.3, when: "rank > 64"}
  epochs: {min: 1, max: 3}
constraints: ["alpha <= 32"]
seeds: 2
secrets: [HF_TOKEN]
metric: {name: eval/loss, target: 1.25}
early_terminate: {type: asha, min_resource: 1}
budget: {trials: 20, gpu_hours: 1.5}
enqueue: [{variant: oft, learning_rate: 2.0e-4, batch_size: 8, epochs: 1}]
`

const firstTrials = [
  { variant: "lora", rank: 8, learning_rate: 0.000123456789, alpha: 16, batch_size: 16, epochs: 2 },
  { variant: "oft", learning_rate: 2e-4, batch_size: 8, epochs: 1 },
]

describe("describeSweep", () => {
  it("is plain JSON and reads well", async () => {
    const parsed = await parse(text)
    const description = describeSweep(
      specOf(parsed),
      { size: null, firstTrials, order: null, neverActive: ["dropout"] },
      parsed.warnings,
    )
    expect(JSON.parse(JSON.stringify(description))).toEqual(description)
    const golden = join(import.meta.dirname, "golden", "check")
    await expect(`${JSON.stringify(description, null, 2)}\n`).toMatchFileSnapshot(join(golden, "native.json"))
    await expect(`${renderDescription(description)}\n`).toMatchFileSnapshot(join(golden, "native.txt"))
  })

  it("knows what a grid costs", async () => {
    const parsed = await parse(
      "model: m\ndata: {train: t}\nmethod: grid\nseeds: 3\nparameters: {rank: [4, 8], epochs: 2, max_samples: 100}\n",
    )
    const trials = [
      { rank: 4, epochs: 2, max_samples: 100 },
      { rank: 8, epochs: 2, max_samples: 100 },
    ]
    const { cost, size } = describeSweep(specOf(parsed), { size: 2, firstTrials: trials, order: null, neverActive: [] })
    expect(size).toBe(2)
    // ⌈100 / 16⌉ batches in each of two epochs.
    expect(cost).toEqual({ runs: 6, steps: 84, examples: 84 * 16 })
  })

  it("knows what need not be trained twice", async () => {
    const lines =
      "model: m\ndata: {train: t}\nmethod: grid\nseeds: 2\nparameters:\n  epochs: [1, 2, 3]\n  max_samples: 160\n"
    const alike = `${lines}  schedule: constant\n  warmup_ratio: 0\n`
    const sharedOf = async (file: string, epochs: ReadonlyArray<number>, schedule = "constant", limits = "") => {
      const order = epochs.map((n) => ({ epochs: n, max_samples: 160, schedule, warmup_ratio: 0 }))
      const view = { size: 3, firstTrials: order, order, neverActive: [] }
      const description = describeSweep(specOf(await parse(file + limits)), view)
      return [description.shared, /^ +shared +(.*)$/m.exec(renderDescription(description))?.[1]]
    }
    // 10 steps an epoch, two seeds: of 60 each, 10 and 20 are there already.
    expect(await sharedOf(alike, [1, 2, 3])).toEqual([
      { runs: 4, steps: 60, of: 120 },
      "4 runs resume from shorter ones: about 60 of 120 steps are not trained twice",
    ])
    // All but the tenth in which each decays: 9 and 18.
    expect((await sharedOf(alike, [1, 2, 3], "warmup_stable_decay"))[0]).toEqual({ runs: 4, steps: 54, of: 120 })
    // Whatever the order in the file.
    for (const epochs of [
      [1, 3, 2],
      [3, 2, 1],
    ]) {
      expect((await sharedOf(alike, epochs))[0]).toEqual({ runs: 4, steps: 60, of: 120 })
    }
    // Of which the budget may allow a part: one of three epochs with each seed, and one of two.
    expect((await sharedOf(alike, [3, 2, 1], "constant", "run_cap: 3\n"))[0]).toEqual({ runs: 1, steps: 20, of: 80 })
    expect(await sharedOf(alike, [0.05, 0.1], "warmup_stable_decay")).toEqual([
      { runs: 0, steps: 0, of: 4 },
      "nothing: the shorter runs are over before there is anything to resume from",
    ])
    expect((await sharedOf(alike, [1, 2, 3], "constant", "run_cap: 3\n"))[0]).toEqual({ runs: 1, steps: 10, of: 40 })
    expect(await sharedOf(alike, [1, 2, 3], "cosine")).toEqual([null, undefined])
  })

  it("takes the limit on steps, and no cost without an end", async () => {
    const lines = "model: m\ndata: {train: t}\nparameters: {rank: [4, 8], max_steps: 10}\n"
    const view = { size: null, firstTrials: [{ rank: 4, max_steps: 10 }], order: null, neverActive: [] }
    expect(describeSweep(specOf(await parse(lines)), view).cost).toEqual({ runs: null, steps: null, examples: null })
    expect(describeSweep(specOf(await parse(`${lines}run_cap: 3\n`)), view).cost).toEqual({
      runs: 3,
      steps: 30,
      examples: 480,
    })
  })
})

describe("spaceProblem", () => {
  it("finds the constraint and the parameter in the file", async () => {
    const parsed = await parse(text)
    expect(spaceProblem(parsed, { where: "constraint `alpha <= 32`", message: "nothing satisfies it" })).toMatchObject({
      line: 14,
      column: 15,
      path: "constraints[0]",
      message: "nothing satisfies it",
    })
    expect(spaceProblem(parsed, { where: "rank", message: "x" })).toMatchObject({ line: 8, column: 9, message: "x" })
  })

  it("says where the members of a population wait for each other", async () => {
    const populationText = async (rule: string, more = "") => {
      const parsed = await parse(
        `model: b\ndata: {train: t, eval: e}\nmethod: random\nparameters: {learning_rate: {min: 0.1, max: 0.2}, rank: 4, epochs: 8}\nearly_terminate: {type: pbt, ${rule}}\n${more}`,
      )
      const view = { size: null, firstTrials: [{ learning_rate: 0.1, epochs: 8 }], order: null, neverActive: [] }
      return /^ +population +(.*)$/m.exec(renderDescription(describeSweep(specOf(parsed), view)))?.[1]
    }
    expect(await populationText("interval: 2, population: 4", "run_cap: 4\n")).toBe(
      "4 members, which wait for each other after epochs 2, 4 and 6 of 8; there the worst resumes from the best, with learning_rate changed",
    )
    expect(await populationText("interval: 5", "run_cap: 16\n")).toBe(
      "2 populations of 8 members, which wait for each other after epoch 5 of 8; there the worst 2 resume from the best 2, with learning_rate changed",
    )
    // 900 examples in batches of 16: 57 steps an epoch.
    expect(await populationText("resource: step, interval: 40")).toBe(
      "populations of 8 members, which wait for each other after steps 40, 80, 120, …, 440 of 456; there the worst 2 resume from the best 2, with learning_rate changed",
    )
  })
})
