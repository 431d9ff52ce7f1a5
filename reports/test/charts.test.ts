// What the charts are made of: thinning, frames, axes, pairs of a heat map, packing.
import { expect, it } from "vitest"
import { axisOf } from "../src/charts/axisOf.ts"
import { frameOf } from "../src/charts/frame.ts"
import { heatMap, heatMapPairs } from "../src/charts/heatMap.ts"
import { pack } from "../src/charts/pack.ts"
import { thin } from "../src/charts/thin.ts"
import { unpack } from "../page/unpack.ts"
import { standingsOf } from "../src/Standings.ts"
import { fixture } from "./fixture.ts"

it("thins a curve to a limit and keeps its ends, its lowest point and its spikes", () => {
  const points = Array.from({ length: 5_000 }, (_, step) => ({ step, value: Math.sin(step / 300) + 2 }))
  points[777] = { step: 777, value: 0.5 }
  points[3_000] = { step: 3_000, value: 9 }
  const kept = thin(points, 300)
  expect(kept).toHaveLength(300)
  expect(kept[0]).toBe(points[0])
  expect(kept.at(-1)).toBe(points.at(-1))
  expect(kept).toContain(points[777])
  expect(kept).toContain(points[3_000])
  expect(kept.map((point) => point.step)).toEqual(kept.map((point) => point.step).toSorted((a, b) => a - b))
  expect(thin(points.slice(0, 10), 300)).toEqual(points.slice(0, 10))
})

it("frames nearly all values and counts the others", () => {
  const values = Array.from({ length: 100 }, (_, index) => 1 + index / 100)
  const frame = frameOf([...values, 1e6, -1e6])
  expect(frame.outside).toBe(2)
  expect(frame.low).toBeLessThan(1)
  expect(frame.high).toBeGreaterThan(1.99)
  expect(frame.high).toBeLessThan(3)
  for (const few of [[], [3], [3, 3, 3], [0], [-1]]) {
    const { low, high, outside } = frameOf(few)
    expect(low).toBeLessThan(high)
    expect(outside).toBe(0)
  }
})

const space = fixture().sweep.spec.space

it("lays learning rates and doubling values out on a log axis, others not", () => {
  expect(axisOf("learning_rate", [1e-4, 2e-4, 9e-3], space)).toMatchObject({ kind: "number", log: true })
  expect(axisOf("optimizer.learning_rate", [1e-4, 3e-4], space)).toMatchObject({ log: true })
  expect(axisOf("rank", [32, 4, 8, 16], space)).toMatchObject({ log: true, ticks: [4, 8, 16, 32] })
  expect(axisOf("epochs", [1, 2, 3], space)).toMatchObject({ log: false, ticks: [1, 2, 3] })
  expect(axisOf("dropout", [0, 0.1], space)).toMatchObject({ log: false })
  expect(axisOf("variant", ["lora", "oft", "lora"], space)).toEqual({ kind: "named", values: ["lora", "oft"] })
  expect(axisOf("alpha", [null, 8, undefined], space)).toEqual({ kind: "named", values: ["8", "null"] })
  const many = Array.from({ length: 30 }, (_, index) => 2e-5 * 1.2 ** index)
  expect(axisOf("learning_rate", many, space)).toMatchObject({ ticks: [3e-5, 1e-4, 3e-4, 1e-3, 3e-3] })
})

it("packs rows and the page unpacks them", () => {
  const rows = [
    { trial: 1, tone: "healthy", value: 1.25, best: true, note: null },
    { trial: 2, tone: "healthy", value: 2, best: false, note: "x" },
  ]
  expect(unpack(pack(rows))).toEqual(rows)
  expect(unpack(pack([]))).toEqual([])
})

it("maps rank by learning rate, and what matters most besides", () => {
  const standings = standingsOf(fixture())
  expect(heatMapPairs(standings, space, [])).toEqual([["rank", "learning_rate"]])
  expect(heatMapPairs(standings, space, ["learning_rate", "rank"])).toEqual([["rank", "learning_rate"]])
  expect(heatMapPairs(standings, space, ["epochs", "alpha"])).toEqual([
    ["rank", "learning_rate"],
    ["epochs", "alpha"],
  ])
})

it("does not map a parameter against one that follows from it", () => {
  const trials = [4, 8, 16, 4, 8, 16].map((rank, index) => ({
    parameters: { rank, alpha: 2 * rank, epochs: index < 3 ? 1 : 2 },
  }))
  const standings = standingsOf(fixture({ trials }))
  expect(heatMapPairs(standings, space, ["rank", "alpha", "epochs"])).toEqual([["rank", "epochs"]])
})

it("shows the best objective of each cell", () => {
  const results = fixture()
  const standings = standingsOf(results)
  const chart = heatMap(standings, space, ["rank", "epochs"], "heat")
  for (const cell of chart.data["cells"]!) {
    const inside = standings.ranked.filter(
      ({ trial }) =>
        [trial.parameters["rank"], trial.parameters["epochs"]].map(String).toSorted().join() ===
        [cell["x"], cell["y"]].map(String).toSorted().join(),
    )
    // rank and epochs share the values 4 and 8: both readings hold more trials than the cell.
    expect(inside.map((one) => one.trial.number)).toContain(cell["trial"])
    expect(cell["value"]).toBe(standings.ranked.find((one) => one.trial.number === cell["trial"])!.objective)
  }
  expect(chart.data["cells"]!.reduce((sum, cell) => sum + Number(cell["trials"]), 0)).toBe(standings.ranked.length)
  expect(Math.max(...chart.data["cells"]!.map((cell) => Number(cell["goodness"])))).toBe(1)
})
