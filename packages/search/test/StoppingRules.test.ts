import { said } from "@sweep/domain/Reason"
import { describe, expect, it } from "vitest"
import { medianRule, percentileOf } from "../src/stopping/MedianRule.ts"
import { patience } from "../src/stopping/Patience.ts"
import { neverPromotes, proceed } from "../src/stopping/Stopper.ts"
import { type Judge, stopOnVerdict } from "../src/stopping/StopOnVerdict.ts"
import { threshold } from "../src/stopping/Threshold.ts"
import { curve, curvesOf, verdicts } from "./curves.ts"

const common = { resource: "epoch", min_resource: 0, action: "stop" } as const

describe("median", () => {
  const curves = curvesOf(curve(1, 0.9, 0.2), curve(2, 0.5), curve(3, 0.7), curve(4, 0.6), curve(5, 0.4))

  it("stops what is worse than the median of the others at the same point", () => {
    const rule = medianRule("minimize", { ...common, min_trials: 4, percentile: 50 })
    // For trial 3 at epoch 1 the others are 0.4, 0.5, 0.6, 0.9: the median is 0.55. Trial 1 is alone at epoch 2.
    // For trial 4 it is its own value.
    expect(verdicts(rule, curves)).toEqual({ 1: "Continue", 2: "Continue", 3: "Stop", 4: "Continue", 5: "Continue" })
  })

  it("waits for enough trials and for its start", () => {
    const late = { ...common, percentile: 50 }
    expect(verdicts(medianRule("minimize", { ...late, min_trials: 5 }), curves)[3]).toBe("Continue")
    expect(verdicts(medianRule("minimize", { ...late, min_trials: 4, min_resource: 2 }), curves)[3]).toBe("Continue")
  })

  it("takes other percentiles", () => {
    expect(percentileOf([1, 2, 3, 4], 50)).toBe(2.5)
    expect(percentileOf([1, 2, Infinity], 50)).toBe(2)
    const strict = medianRule("minimize", { ...common, min_trials: 4, percentile: 1 })
    expect(verdicts(strict, curves)).toMatchObject({ 2: "Stop", 5: "Continue" })
  })
})

describe("patience", () => {
  const rule = (min_delta: number, min_resource = 0) =>
    patience("minimize", { ...common, min_resource, patience: 2, min_delta })
  const of = (...values: ReadonlyArray<number>) => verdicts(rule(0), curvesOf(curve(1, ...values)))[1]

  it("counts values without improvement", () => {
    expect(of(0.9, 0.8, 0.85)).toBe("Continue")
    expect(of(0.9, 0.8, 0.85, 0.8)).toBe("Stop")
    expect(of(0.9, 0.8, 0.85, 0.79)).toBe("Continue")
    expect(of(0.9, Number.NaN, Number.NaN)).toBe("Stop")
  })

  it("wants more than min_delta, and starts at min_resource", () => {
    expect(verdicts(rule(0.05), curvesOf(curve(1, 0.9, 0.88, 0.86)))[1]).toBe("Stop")
    expect(verdicts(rule(0.05, 4), curvesOf(curve(1, 0.9, 0.88, 0.86)))[1]).toBe("Continue")
  })
})

describe("threshold", () => {
  it.each([
    [{ lower: null, upper: 2 }, 2.1, "Stop"],
    [{ lower: null, upper: 2 }, 2, "Continue"],
    [{ lower: 0.1, upper: null }, 0.05, "Stop"],
    [{ lower: 0.1, upper: 2 }, Number.NaN, "Stop"],
    [{ lower: 0.1, upper: 2 }, 1, "Continue"],
  ] as const)("%o at %f", (bounds, value, tag) => {
    expect(verdicts(threshold({ ...common, ...bounds }), curvesOf(curve(1, value)))[1]).toBe(tag)
  })
})

describe("stop on a verdict", () => {
  it("comes before the rule beside it", () => {
    const judge: Judge = (reports) => (reports.at(-1)!.value > 1 ? said("overfitting") : null)
    const rule = stopOnVerdict(judge, { decide: () => proceed, promote: neverPromotes })
    expect(verdicts(rule, curvesOf(curve(1, 0.5, 1.5), curve(2, 0.5)))).toEqual({ 1: "Stop", 2: "Continue" })
  })
})
