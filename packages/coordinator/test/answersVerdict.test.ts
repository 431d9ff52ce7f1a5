// A sweep that is ranked by the eval loss and measures its answers, too: answers that get worse are a finding.
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { SweepApi } from "@sweep/protocol/SweepApi"
import { eventually } from "@sweep/protocol/ScriptedAgent"
import { inMemory, trialOf } from "./harness.ts"

it.effect("the verdict looks at the answers where trials are ranked by the loss", () =>
  Effect.gen(function* () {
    const api = yield* SweepApi
    const taskMetrics = { metrics: ["exact_match"], samples: null, max_new_tokens: 48 }
    const sweep = yield* api.submit(exampleSpec({ trainer: "external", method: "random", taskMetrics }))
    const run = (shares: ReadonlyArray<number>) =>
      Effect.gen(function* () {
        const asked = yield* api.ask(sweep)
        if (asked._tag !== "Trial") throw new Error(asked._tag)
        const reports = shares.map((share, i) => ({
          step: 10 * (i + 1),
          values: { "eval/loss": 2 * 0.8 ** i, "train/loss": 1.9 * 0.8 ** i, "eval/exact_match": share },
        }))
        yield* api.tell(sweep, asked.trial, { reports, end: { _tag: "Finished", values: {} } })
        const judged = Effect.map(trialOf(sweep, asked.trial), (trial) => trial?.verdict ?? undefined)
        return yield* eventually("there is a verdict", judged)
      })
    const worse = yield* run([0.2, 0.5, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    expect(worse).toMatchObject({ kind: "overfitting", sinceStep: 30 })
    expect(worse.evidence.find(({ holds }) => holds)).toMatchObject({
      criterion: "loss-better-answers-worse",
      args: { metric: "eval/exact_match", best: 0.7, bestStep: 30 },
    })
    expect((yield* run([0.2, 0.5, 0.7, 0.72, 0.74, 0.75, 0.77, 0.8])).kind).toBe("healthy")
  }).pipe(Effect.provide(inMemory())),
)
