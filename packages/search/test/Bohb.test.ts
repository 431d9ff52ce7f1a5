import { describe, expect, it } from "vitest"
import { atHighestRung, bohb } from "../src/samplers/Bohb.ts"
import { curve, curvesOf, running } from "./curves.ts"
import { failed, log, minimize, space } from "./space.ts"

const reading = { resource: "epoch", goal: "minimize", summary: "best" } as const

describe("BOHB", () => {
  const curves = curvesOf(curve(1, 0.9, 0.8, 0.7), curve(2, 0.5, 0.6), curve(3, 0.4, 0.3, 0.35), curve(4, 0.6))
  const history = [...running(curves), failed(5, {})]
  const at = (enough: number) =>
    atHighestRung(history, curves, [1, 2, 3], reading, enough).map(({ outcome, objective }) => [outcome, objective])

  it("learns from the highest rung that enough trials have reached", () => {
    expect(at(2)).toEqual([
      ["completed", 0.7],
      ["open", null],
      ["completed", 0.3],
      ["open", null],
      ["failed", null],
    ])
    expect(at(3)).toEqual([
      ["completed", 0.8],
      ["completed", 0.5],
      ["completed", 0.3],
      ["open", null],
      ["failed", null],
    ])
    expect(at(5)).toEqual(history.map(({ outcome, objective }) => [outcome, objective]))
  })

  it("suggests from what unfinished trials have shown", () => {
    const definition = space({ lr: log(1e-5, 1e-1) })
    const options = { resource: "epoch", min_resource: 1, max_resource: 9, eta: 3, mode: "stop", brackets: 1 } as const
    const sampler = bohb({ space: definition, metric: minimize, seed: 1 }, minimize, options)
    const seen = new Map(Array.from({ length: 30 }, (_, i) => [i + 1, curve(i + 1, Math.abs(i - 20) / 10)]))
    const trials = running(seen, (trial) => ({ lr: 10 ** (-5 + (4 * (trial - 1)) / 30) }))
    const near = Array.from({ length: 20 }, (_, i) => sampler.suggest(trials, 31 + i, seen)).filter(
      (s) => s._tag === "Suggested" && Math.abs(Math.log10(s.parameters["lr"] as number) - (-5 + 80 / 30)) < 0.7,
    )
    expect(near.length).toBeGreaterThan(12)
  })
})
