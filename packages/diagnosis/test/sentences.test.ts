import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { CurveFeatures } from "@sweep/domain/Curve"
import { Evidence } from "@sweep/domain/Verdict"
import { diagnose } from "../src/diagnose.ts"
import type { DiagnosisContext } from "../src/DiagnosisContext.ts"
import { adviceSentence, catalogues, evidenceSentence } from "../src/sentences/sentence.ts"
import { features } from "./curves.ts"

const loss = fc.double({ min: 0.1, max: 6, noNaN: true })
const course = fc.oneof(
  fc.constant([2, 1.98, 1.97, 1.96, 1.96]),
  fc.array(loss, { maxLength: 12 }),
  // Falls, then rises or stays: what random values hardly ever do.
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 8 }), fc.constantFrom(-0.05, 0, 0.02, 0.2, 2))
    .map(([fall, rest, by]) => [
      ...Array.from({ length: fall }, (_, i) => 3 - i * 0.3),
      ...Array.from({ length: rest }, (_, i) => 3 - fall * 0.3 + i * by),
    ]),
)
const one: fc.Arbitrary<CurveFeatures> = fc
  .tuple(course, course, fc.constantFrom(0, 8), fc.boolean(), fc.constantFrom(null, 500), fc.boolean())
  .map(([evals, train, length, up, samples, broken]) => {
    const metric = Array.from({ length }, (_, i) => (up ? 0.3 + i / 20 : 0.8 - Math.abs(i - 3) / 20))
    return features(broken ? [...evals, Number.NaN] : evals, train, metric, samples)
  })
const some = <A>(...values: ReadonlyArray<A>) => fc.option(fc.constantFrom(...values), { nil: undefined })
const context: fc.Arbitrary<DiagnosisContext> = fc.record({
  finished: fc.boolean(),
  parameters: fc
    .record({
      learning_rate: some(1e-5, 3e-4, 0.01),
      rank: some(2, 8, 64),
      epochs: some(1, 2, 8),
      max_steps: some(100),
      max_samples: some(500),
      warmup_ratio: some(0, 0.2),
      max_grad_norm: some(0, 5),
      precision: some("fp16"),
      target_modules: some("all-linear", "q_proj"),
      evals_per_epoch: some(1, 2),
    })
    .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never),
  trainer: fc.constantFrom("peft", "command", "external"),
  totalSteps: fc.constantFrom(null, 60, 300),
  metric: fc.constantFrom("eval/loss", "eval/exact_match"),
  goal: fc.constantFrom("minimize", "maximize"),
})

const numbersIn = (text: string) => text.match(/\d[\d.e-]*\d|\d/g)?.toSorted() ?? []

describe("the sentences of verdicts", () => {
  const codes = new Map<string, readonly [english: string, chinese: string]>()
  fc.assert(
    fc.property(one, context, (curves, around) => {
      const { evidence, advice } = diagnose(curves, around)
      for (const found of evidence) {
        const said = [evidenceSentence(found, "en"), evidenceSentence(found, "zh")] as const
        codes.set(`evidence ${found.criterion} ${said[0]}`, said)
      }
      for (const given of advice) {
        const said = [adviceSentence(given, "en"), adviceSentence(given, "zh")] as const
        codes.set(`advice ${typeof given === "string" ? given : given.code} ${said[0]}`, said)
      }
    }),
    { numRuns: 4_000, seed: 7 },
  )

  it("name the same numbers in both languages, and no gaps", () => {
    for (const [english, chinese] of codes.values()) {
      expect(english).not.toMatch(/undefined|null|NaN%|Infinity|\[object/)
      expect(chinese).toMatch(/\p{Script=Han}/u)
      expect(chinese).not.toMatch(/\b(the|to|from|of|step)\b/)
      expect(numbersIn(chinese)).toEqual(numbersIn(english))
    }
  })

  const keys = [
    ...Object.keys(catalogues.en.evidence).map((code) => `evidence ${code}`),
    ...Object.keys(catalogues.en.advice).map((code) => `advice ${code}`),
  ]
  it.each(keys.filter((key) => key !== "evidence defect"))("is still said: %s", (key) => {
    expect([...codes.keys()].some((said) => said.startsWith(`${key} `))).toBe(true)
  })

  it("of facts from before there were codes stand as they are", () => {
    const old = { criterion: "generalization-loss", value: 3, threshold: 2, holds: true }
    const evidence = new Evidence({ ...old, statement: "the last eval loss is the lowest" })
    expect(evidenceSentence(evidence, "zh")).toBe("the last eval loss is the lowest")
    expect(adviceSentence("set dropout to 0.1", "zh")).toBe("set dropout to 0.1")
  })

  it("of codes that this version does not know are the codes", () => {
    expect(
      evidenceSentence(new Evidence({ criterion: "toString", args: {}, value: 0, threshold: 0, holds: true }), "en"),
    ).toBe("toString")
  })
})
