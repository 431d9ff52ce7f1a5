import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { parseSweepFile } from "../src/parse/parseSweepFile.ts"
import { renderProblems } from "../src/parse/renderProblems.ts"
import { reviseSweep } from "../src/resolve/reviseSweep.ts"

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

const run = <A, E>(effect: Effect.Effect<A, E, NodeServices.NodeServices>) =>
  Effect.runPromise(Effect.provide(effect, NodeServices.layer))

describe("a sweep's file with changes", () => {
  it("sets budgets and parameters where they stand, and keeps conditions", () =>
    run(
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
    run(
      Effect.gen(function* () {
        const changes = { parameters: { "optimizer.lr": "{min: 2, max: 1}" }, budget: {} }
        const { problems, text: shown } = yield* Effect.flip(reviseSweep(yield* specOf, changes))
        expect(renderProblems(problems, shown)).toMatch(/mine\.yaml:11:\d+.*min/)
      }),
    ))

  it("has to fit the model, where it says something new of it", () =>
    run(
      Effect.gen(function* () {
        const base = join(import.meta.dirname, "../../../sweeps/quickstart/base-model")
        const text = "model: m\ndata: {train: t}\nparameters:\n  variant: pissa\n  rank: [8, 512]\n"
        const { draft } = yield* parseSweepFile(text, "mine.yaml")
        const data = { train: noFile, eval: noFile }
        const spec = new SweepSpec({ ...draft, model: base, data, source: { path: "mine.yaml", text } })
        const setting = (rank: string) => reviseSweep(spec, { parameters: { rank }, budget: {} })
        const { problems } = yield* Effect.flip(setting("[8, 129]"))
        expect(problems).toMatchObject([
          { line: 5, column: 14, message: expect.stringMatching(/^`rank`: 129 is more/) },
        ])
        expect((yield* setting("[8, 128]")).space.dimensions[1]).toMatchObject({ distribution: { values: [8, 128] } })
        const more = yield* reviseSweep(spec, { parameters: {}, budget: { trials: 9 } })
        expect(more.budget.trials).toBe(9)
        // On a host that does not have the model, the trainer says it.
        const elsewhere = new SweepSpec({ ...spec, model: "/nowhere" })
        expect((yield* reviseSweep(elsewhere, { parameters: { rank: "129" }, budget: {} })).model).toBe("/nowhere")
      }),
    ))
})
