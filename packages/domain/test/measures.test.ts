import { describe, expect, it } from "vitest"
import { answersMetric, measuresOf } from "../src/sweep/measures.ts"
import { exampleSpec } from "./exampleSpec.ts"

const loss = { name: "eval/loss", goal: "minimize", summary: "best", target: null } as const
const task = (...metrics: ReadonlyArray<string>) => ({ metrics, samples: null, max_new_tokens: 48 })

describe("measures of answers", () => {
  it("are task metrics and further objectives, and not what trials are ranked by", () => {
    const latency = { ...loss, name: "latency" }
    const judged = { ...loss, name: "eval/judged", goal: "maximize" } as const
    const spec = exampleSpec({
      metrics: [loss, latency, judged],
      taskMetrics: task("rouge_l", "/a/b.py:judged", "/a/b.py:cost"),
    })
    expect(measuresOf(spec)).toEqual([
      { name: "latency", goal: "minimize" },
      { name: "eval/judged", goal: "maximize" },
      { name: "eval/rouge_l", goal: "maximize" },
    ])
    // Of these, latency is no answer, and which way `cost` is better nobody said.
    expect(answersMetric(spec).name).toBe("eval/judged")
    expect(answersMetric(exampleSpec({ taskMetrics: task("/a/b.py:cost") })).name).toBe("eval/loss")
    expect(answersMetric(exampleSpec({ taskMetrics: task("exact_match") }))).toEqual({
      name: "eval/exact_match",
      goal: "maximize",
    })
    const ranked = exampleSpec({ metric: judged, taskMetrics: task("exact_match", "/a/b.py:judged") })
    expect(answersMetric(ranked).name).toBe("eval/judged")
    expect(measuresOf(ranked).map(({ name }) => name)).toEqual(["eval/exact_match"])
  })
})
