import { expect, it } from "vitest"
import { answerOf } from "@sweep/diagnosis/answer"
import { edgesOf, lighterThan } from "../src/certainty.ts"
import { quantile } from "../src/quantile.ts"
import { standingsOf } from "../src/Standings.ts"
import { fixture } from "./fixture.ts"

it("ranks the trials with a result and puts the others last", () => {
  const standings = standingsOf(fixture())
  const objectives = standings.ranked.map((one) => one.objective!)
  expect(objectives).toEqual(objectives.toSorted((a, b) => a - b))
  expect(standings.ranked).toHaveLength(13)
  expect(standings.all.at(-1)!.trial.state).toBe("infeasible")
  expect(standings.best).toBe(standings.ranked[0])
  expect(standings.varying).toEqual(["rank", "alpha", "learning_rate", "epochs"])
  expect(standings.base).toBeCloseTo(2.9104)
  expect(standings.open).toBe(0)
})

it("takes the largest where the goal is to maximise", () => {
  const standings = standingsOf(fixture({ maximise: true }))
  expect(standings.best!.objective).toBe(Math.max(...standings.ranked.map((one) => one.objective!)))
  expect(standings.middleHalf![0]).toBeGreaterThan(standings.middleHalf![1])
})

it("ranks replicas by their mean", () => {
  const good = { rank: 8, alpha: 32, learning_rate: 8e-4, epochs: 4 }
  const bad = { rank: 8, alpha: 32, learning_rate: 8e-3, epochs: 8 }
  const results = fixture({ trials: [bad, good, good, bad, good].map((parameters) => ({ parameters })) })
  const standings = standingsOf(results)
  const [best, next] = standings.configurations
  expect(best!.parameters).toEqual(good)
  expect(best!.standings).toHaveLength(3)
  expect(best!.mean).toBeCloseTo(best!.standings.reduce((sum, one) => sum + one.objective!, 0) / 3)
  expect(next!.standings).toHaveLength(2)
  expect(answerOf(results.sweep, results.at)!.certainty).toMatchObject({ level: "clear", noiseFrom: "runs" })
})

it("does not claim to know when nothing ran twice", () => {
  const results = fixture()
  expect(answerOf(results.sweep, results.at)!.certainty).toMatchObject({ level: "open", noiseFrom: "neighbours" })
  const alone = fixture({ trials: [{ parameters: { rank: 8 } }] })
  expect(answerOf(alone.sweep, alone.at)).toMatchObject({ runnerUp: null, certainty: null })
})

it("finds a cheaper trial that is nearly as good, and values at the edge", () => {
  const standings = standingsOf(fixture())
  const lighter = lighterThan(standings)!
  expect(lighter.duration!).toBeLessThanOrEqual(0.6 * standings.best!.duration!)
  expect(lighter.objective!).toBeLessThan(standings.best!.objective! * 1.02)
  expect(edgesOf(standings)).toEqual(["epochs"])
})

it("counts the time of lost attempts, too", () => {
  const standings = standingsOf(fixture())
  const retried = standings.all.find((one) => one.attempts.length > 1)!
  expect(retried.duration!).toBeGreaterThan(60_000)
})

it("interpolates quantiles", () => {
  expect([0, 0.25, 0.5, 1].map((share) => quantile([4, 1, 3, 2], share))).toEqual([1, 1.75, 2.5, 4])
  expect(quantile([], 0.5)).toBeNull()
})
