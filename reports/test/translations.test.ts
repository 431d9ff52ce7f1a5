import { SweepId, TrialNumber } from "@sweep/domain/Id"
import { diagnose } from "@sweep/diagnosis/diagnose"
import type { DiagnosisContext } from "@sweep/diagnosis/DiagnosisContext"
import type { CurveFeatures } from "@sweep/domain/Curve"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { catalogue, inChinese } from "../src/translations.ts"

const orNull = <A>(of: fc.Arbitrary<A>) => fc.option(of, { nil: null, freq: 6 })
const loss = fc.double({ min: 0.1, max: 6, noNaN: true })
const step = fc.integer({ min: 0, max: 400 })

const features: fc.Arbitrary<CurveFeatures> = fc.record({
  sweep: fc.constant(SweepId.make("words")),
  trial: fc.constant(TrialNumber.make(1)),
  evals: fc.integer({ min: 0, max: 12 }),
  firstEval: orNull(loss),
  bestEval: orNull(loss),
  bestStep: orNull(fc.oneof(fc.constant(0), step)),
  lastEval: orNull(loss),
  lastStep: orNull(step),
  generalizationLoss: fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { maxLength: 8 }),
  consecutiveIncreases: fc.integer({ min: 0, max: 5 }),
  trainAtBest: orNull(loss),
  trainAtLast: orNull(loss),
  gaps: fc.array(fc.double({ min: -1, max: 2, noNaN: true }), { maxLength: 8 }),
  nonFinite: fc.boolean(),
})

const some = <A>(...values: ReadonlyArray<A>) => fc.option(fc.constantFrom(...values), { nil: undefined })
const context: fc.Arbitrary<DiagnosisContext> = fc.record({
  finished: fc.boolean(),
  parameters: fc
    .record({
      learning_rate: some(1e-5, 3e-4, 0.01),
      rank: some(2, 8, 64),
      alpha: some(16, 128),
      dropout: some(0, 0.2),
      epochs: some(1, 2, 8),
      max_steps: some(100),
      max_samples: some(500),
      weight_decay: some(0, 0.1),
      warmup_ratio: some(0, 0.2),
      max_grad_norm: some(0, 5),
      precision: some("fp16"),
      target_modules: some("all-linear", "q_proj"),
      evals_per_epoch: some(1, 2),
    })
    .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never),
  trainer: fc.constantFrom("peft", "command"),
  totalSteps: orNull(step),
  sweepBest: orNull(loss),
  metric: fc.constantFrom("eval/loss", "eval/exact_match"),
})

const numbersIn = (text: string) => text.match(/\d[\d.e-]*\d|\d/g)?.toSorted() ?? []

describe("what the diagnosis says, in Chinese", () => {
  const said = new Set<string>()
  fc.assert(
    fc.property(features, context, (one, around) => {
      const { evidence, advice } = diagnose(one, around)
      for (const text of [...evidence.map(({ statement }) => statement), ...advice]) said.add(text)
    }),
    { numRuns: 20_000, seed: 7 },
  )

  it("has every sentence, with the same numbers", () => {
    const without = [...said].filter((text) => inChinese(text) === undefined)
    expect(without).toEqual([])
    for (const text of said) {
      const chinese = inChinese(text)!
      // "once" is written as a digit.
      if (!text.includes("once")) expect(numbersIn(chinese), chinese).toEqual(numbersIn(text))
      expect(chinese).not.toMatch(/\b(the|to|from|of|step)\b/)
    }
  })

  it.each(catalogue)("still needs: %s", (english) => {
    const parts = english.split("{}").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    const pattern = new RegExp(parts.join(".+?"))
    expect([...said].some((text) => pattern.test(text))).toBe(true)
  })

  it("leaves other people's words alone", () => {
    expect(inChinese("the diagnosis failed: no idea")).toBeUndefined()
  })
})

describe("why a sweep has ended, in Chinese", () => {
  it.each([
    ["its budget of 20 trials is used", "20 次试验的预算已用完"],
    ["its budget of 1.5 GPU hours is used", "1.5 GPU 小时的预算已用完"],
    ["its budget of 2 hours is used", "2 小时的预算已用完"],
    ["trial 7 reached the target 1.5 of eval/loss", "第 7 号试验达到了 eval/loss 的目标值 1.5"],
  ])("%s", (english, chinese) => {
    expect(inChinese(english)).toBe(chinese)
  })
})
