import { describe, expect, it } from "vitest"
import { asha, type AshaOptions, bracketOf, rungsOf } from "../src/stopping/Asha.ts"
import { curve, curvesOf, running, verdicts, verdictsOnTheWay } from "./curves.ts"

const options = (change: Partial<AshaOptions> = {}): AshaOptions => ({
  resource: "epoch",
  min_resource: 1,
  max_resource: null,
  eta: 3,
  mode: "stop",
  brackets: 1,
  ...change,
})

describe("ASHA", () => {
  it("has rungs at min · etaᵏ below max", () => {
    expect(rungsOf(options({ max_resource: 27 }))).toEqual([1, 3, 9])
    expect(rungsOf(options({ min_resource: 10, max_resource: 100, eta: 2 }))).toEqual([10, 20, 40, 80])
  })

  it("lets the best third of a rung continue, trials before the first rung alone", () => {
    const curves = curvesOf(
      curve(1, 0.9),
      curve(2, 0.5, 0.45),
      curve(3, 0.7),
      curve(4, 0.6),
      curve(5, 0.4),
      curve(6, 0.8),
    )
    expect(verdicts(asha("minimize", "best", options()), curves)).toEqual({
      1: "Stop",
      2: "Continue",
      3: "Stop",
      4: "Stop",
      5: "Continue",
      6: "Stop",
    })
    expect(verdicts(asha("minimize", "best", options({ min_resource: 2 })), curves)).toMatchObject({ 1: "Continue" })
  })

  it("compares at the rung and not where trials are now, by the summary of the metric", () => {
    // At epoch 2: best so far 0.3 (trial 1) against 0.5; last 0.6 against 0.5.
    const curves = curvesOf(curve(1, 0.3, 0.6), curve(2, 0.9, 0.5, 0.1))
    const two = options({ min_resource: 2, eta: 2 })
    expect(verdictsOnTheWay(asha("minimize", "best", two), curves)).toEqual({ 1: "Continue", 2: "Stop" })
    expect(verdictsOnTheWay(asha("minimize", "last", two), curves)).toEqual({ 1: "Stop", 2: "Continue" })
  })

  it("counts in steps or seconds as well, and in epochs where only some reports say them", () => {
    const curves = curvesOf(curve(1, 0.9), curve(2, 0.5), curve(3, 0.4))
    for (const change of [
      { resource: "step", min_resource: 10 },
      { resource: "seconds", min_resource: 60 },
    ] as const) {
      expect(verdictsOnTheWay(asha("minimize", "best", options(change)), curves)).toEqual({
        1: "Stop",
        2: "Stop",
        3: "Continue",
      })
    }
    const later = options({ resource: "step", min_resource: 11 })
    expect(verdictsOnTheWay(asha("minimize", "best", later), curves)).toMatchObject({ 1: "Continue" })
    const sparse = curvesOf(
      curve(1, 0.9, 0.9).map((r, i) => (i === 0 ? { ...r, epoch: null } : r)),
      curve(2, 0.5),
      curve(3, 0.4),
    )
    expect(verdictsOnTheWay(asha("minimize", "best", options()), sparse)).toMatchObject({ 1: "Stop" })
  })

  it("judges a trial at its rung and not again on the way to the next", () => {
    // Trial 1 was among the best when it came to epoch 1; two better ones have come since, and it is at epoch 2.
    const curves = curvesOf(curve(1, 0.5, 0.45), curve(2, 0.4), curve(3, 0.3))
    const stopper = asha("minimize", "best", options({ eta: 3 }))
    expect(stopper.decide([], curves, curves.get(1)!.at(-1)!)._tag).toBe("Continue")
    expect(stopper.decide([], curves, curves.get(1)![0]!)._tag).toBe("Stop")
  })

  it("stops NaN whoever else is there", () => {
    expect(verdicts(asha("minimize", "best", options()), curvesOf(curve(1, Number.NaN)))).toEqual({ 1: "Stop" })
  })

  it("with promotion pauses at a rung and brings back the best third, highest rung first", () => {
    const stopper = asha("minimize", "best", options({ mode: "promote" }))
    const curves = curvesOf(curve(1, 0.9), curve(2, 0.5), curve(3, 0.7), curve(4, 0.6), curve(5, 0.8), curve(6, 0.4))
    expect(verdicts(stopper, curves)).toEqual({
      1: "Pause",
      2: "Continue",
      3: "Pause",
      4: "Pause",
      5: "Pause",
      6: "Continue",
    })
    // Trial 2 arrived when it was not among the best third; now it is.
    expect(stopper.promote(running(curves), curves)).toEqual([6, 2])
    // Once past its rung a trial is not asked again before the next.
    const on = curvesOf(curve(1, 0.9, 0.8), curve(2, 0.5), curve(3, 0.7))
    expect(stopper.decide(running(on), on, on.get(1)![1]!)._tag).toBe("Continue")
    expect(asha("minimize", "best", options()).promote(running(curves), curves)).toEqual([])
  })

  it("spreads trials over brackets as Hyperband does, and compares within a bracket", () => {
    // s = 2, eta = 3: 9, ⌈3/2⌉ · 3 = 6 and 3 of 18 trials.
    const counts = [0, 0, 0]
    for (let trial = 1; trial <= 1_800; trial++) counts[bracketOf(trial, 3, 3)]!++
    expect(counts.map((n) => Math.round(n / 100))).toEqual([9, 6, 3])
    const stopper = asha("minimize", "best", options({ max_resource: 27, brackets: null }))
    const free = Array.from({ length: 40 }, (_, i) => i + 1).filter((trial) => bracketOf(trial, 3, 3) === 2)
    const curves = curvesOf(curve(100, 0.1), ...free.map((trial) => curve(trial, 0.9, 0.9)))
    for (const trial of free) {
      expect(stopper.decide([], curves, curves.get(trial)!.at(-1)!)._tag).toBe("Continue")
    }
  })
})
