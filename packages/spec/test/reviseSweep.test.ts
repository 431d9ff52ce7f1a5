import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { parseSweepFile } from "../src/parseSweepFile.ts"
import { renderProblems } from "../src/renderProblems.ts"
import { reviseSweep } from "../src/reviseSweep.ts"

const text = `# A comment that stays.
trainer: external
metric: loss
method: tpe
run_cap: 10
parameters:
  rank: {values: [4, 8], when: "kind == 'a'"}
  kind: [a, b]
  optimizer:
    parameters:
      lr: {distribution: log_uniform_values, min: 0.001, max: 0.1}
`
const noFile = { path: "", sha256: "", bytes: 0, records: 0 }
const specOf = Effect.map(
  parseSweepFile(text, "mine.yaml"),
  ({ draft }) =>
    new SweepSpec({ ...draft, model: "", data: { train: noFile, eval: noFile }, source: { path: "mine.yaml", text } }),
)

describe("a sweep's file with changes", () => {
  it("sets budgets and parameters where they stand, and keeps conditions", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const spec = yield* reviseSweep(yield* specOf, {
          parameters: { rank: "[4, 8, 16]", "optimizer.lr": "{min: 1.0e-4, max: 1.0}" },
          budget: { trials: 40, hours: 2 },
        })
        expect(spec.budget).toEqual({ trials: 40, gpuHours: null, hours: 2 })
        expect(spec.space.dimensions).toMatchObject([
          { name: "rank", distribution: { values: [4, 8, 16] }, when: "kind == 'a'" },
          { name: "kind" },
          { name: "optimizer.lr", distribution: { _tag: "Uniform", min: 1e-4, max: 1 } },
        ])
        expect(spec.source.text).toMatch(/A comment that stays/)
        const again = yield* reviseSweep(spec, { parameters: {}, budget: { trials: 50 } })
        expect(again.budget).toMatchObject({ trials: 50, hours: 2 })
      }),
    ))

  it("says where a mistake is", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const changes = { parameters: { "optimizer.lr": "{min: 2, max: 1}" }, budget: {} }
        const { problems, text: shown } = yield* Effect.flip(reviseSweep(yield* specOf, changes))
        expect(renderProblems(problems, shown)).toMatch(/mine\.yaml:11:\d+.*min/)
      }),
    ))
})
