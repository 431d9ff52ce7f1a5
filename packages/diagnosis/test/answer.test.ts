import { describe, expect, it } from "vitest"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Parameters } from "@sweep/domain/Parameter"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { foldFacts, type SweepState } from "@sweep/domain/SweepState"
import { Verdict, type VerdictKind } from "@sweep/domain/Verdict"
import { sampled } from "@sweep/domain/Origin"
import { said } from "@sweep/domain/Reason"
import { answerOf } from "../src/answer/answerOf.ts"
import { answerJson } from "../src/answer/answerJson.ts"
import { moreTrials } from "../src/answer/moreTrials.ts"
import { normals } from "./curves.ts"

const sweep = SweepId.make("s")

interface Ran {
  readonly parameters: Parameters
  /** `null`: the run failed. */
  readonly objective: number | null
  readonly seed?: number
  readonly verdict?: readonly [VerdictKind, sinceStep: number]
  readonly steps?: number
}

const sweepOf = (trials: ReadonlyArray<Ran>, spec: Partial<typeof SweepSpec.Encoded> = {}): SweepState => {
  const facts = trials.flatMap(({ parameters, objective, seed = 0, verdict, steps = 100 }, i): ReadonlyArray<Fact> => {
    const of = { sweep, trial: TrialNumber.make(i + 1) }
    const epoch = Epoch.make(i + 1)
    return [
      { _tag: "TrialCreated", at: 1, ...of, parameters, seed, revision: 1, origin: sampled },
      { _tag: "TrialAssigned", at: 2, ...of, epoch, attempt: 1, agent: AgentId.make("a"), slot: 0 },
      { _tag: "TrialStarted", at: 1000 * i, ...of, epoch },
      objective === null
        ? { _tag: "TrialFailed", at: 1000 * i + 600, ...of, class: "diverged", message: said("NaN"), detail: null }
        : { _tag: "TrialCompleted", at: 1000 * i + 600, ...of, epoch, objective, step: steps, values: {} },
      ...(verdict === undefined
        ? []
        : [
            {
              _tag: "VerdictReached" as const,
              at: 1000 * i + 700,
              ...of,
              verdict: new Verdict({ kind: verdict[0], sinceStep: verdict[1], evidence: [], advice: [] }),
            },
          ]),
    ]
  })
  return foldFacts([{ _tag: "SweepSubmitted", at: 0, sweep, spec: exampleSpec(spec), versions: {} }, ...facts]).get(
    sweep,
  )!
}

const set = (rank: number, ...values: ReadonlyArray<number | null>): ReadonlyArray<Ran> =>
  values.map((objective, seed) => ({ parameters: { rank }, objective, seed }))

const certaintyOf = (trials: ReadonlyArray<Ran>) => answerOf(sweepOf(trials), 1e6)!.certainty!

describe("how sure", () => {
  it("is clear when the gap is far larger than what seeds do", () => {
    const found = answerOf(sweepOf([...set(8, 1.0, 1.01, 0.99), ...set(4, 1.2, 1.21, 1.19)]), 1e6)!
    expect(found.certainty).toMatchObject({ level: "clear", noiseFrom: "runs" })
    expect(found.runnerUp!.behind).toBeCloseTo(0.2, 9)
    expect(found.certainty!.noise[1]).toBeGreaterThan(0.003)
    expect(found.certainty!.noise[1]).toBeLessThan(0.03)
  })

  it("is open when seeds do as much, and names the rival", () => {
    const found = certaintyOf([...set(8, 1.0, 1.1), ...set(4, 1.12, 1.02)])
    expect(found.level).toBe("open")
    expect(found.rivals).toEqual([4])
  })

  it("compares sets by the seeds they share", () => {
    // What the seed does is ten times what the rank does, and the same for both.
    const paired = certaintyOf([...set(8, 1.0, 1.5, 2.02, 0.51), ...set(4, 1.05, 1.56, 2.06, 0.56)])
    const apart = certaintyOf([...set(8, 1.0, 1.5, 2.02, 0.51), ...set(4, 1.56, 0.56, 1.05, 2.06)])
    expect(paired.chance).toBeGreaterThan(0.9)
    expect(apart.chance).toBeLessThan(0.8)
  })

  it("does not pass an assumption for knowledge", () => {
    expect(certaintyOf([...set(8, 1), ...set(4, 1.5)])).toMatchObject({ level: "open", noiseFrom: "assumed" })
    expect(answerOf(sweepOf(set(8, 1, 2)), 1e6)).toMatchObject({ runnerUp: null, certainty: null, more: null })
    expect(answerOf(sweepOf([]), 1e6)).toBeNull()
  })

  it("draws the lucky best of many equal ones back", () => {
    const deviate = normals(3)
    const equal = Array.from({ length: 30 }, (_, i) => ({
      parameters: { learning_rate: (i * 7) % 30, rank: (i * 11) % 30 },
      objective: 1 + 0.1 * deviate(),
    }))
    const { best, certainty } = answerOf(sweepOf(equal), 1e6)!
    expect(certainty!.chance).toBeLessThan(0.5)
    expect(certainty!.level).toBe("open")
    // It is expected nearer to the mean of all than it was seen.
    expect(certainty!.expected[1]).toBeGreaterThan(best.value + 0.05)
    expect(certainty!.noiseFrom).toBe("neighbours")
  })

  it("mirrors losses and accuracies", () => {
    const trials = [...set(8, 1.0, 1.02), ...set(4, 1.2, 1.19), ...set(2, 1.3, 1.33)]
    const mirrored = trials.map((one) => ({ ...one, objective: -one.objective! }))
    const metric = { name: "eval/accuracy", goal: "maximize" as const, summary: "best" as const, target: null }
    const [loss, accuracy] = [answerOf(sweepOf(trials), 1e6)!, answerOf(sweepOf(mirrored, { metric }), 1e6)!]
    expect(accuracy.certainty!.chance).toBe(loss.certainty!.chance)
    expect(accuracy.runnerUp!.behind).toBeCloseTo(loss.runnerUp!.behind, 12)
    expect(accuracy.certainty!.expected[0]).toBeCloseTo(-loss.certainty!.expected[2], 12)
  })

  it("says the same of the same sweep, as JSON too", () => {
    const trials = [...set(8, 1.0, 1.02), ...set(4, 1.2, 1.19)]
    const [one, two] = [0, 1].map(() => answerOf(sweepOf(trials), 1e6)!)
    expect(one).toEqual(two)
    const json = JSON.parse(JSON.stringify(answerJson(one!)))
    expect(json.certainty.probability_best_of_all).toBe(one!.certainty!.chance)
    expect(json.runner_up.behind).toBe(one!.runnerUp!.behind)
  })
})

describe("what to run next", () => {
  const overfit = (parameters: Parameters): Ran => ({ parameters, objective: 1, verdict: ["overfitting", 25] })

  it("trains only as long as it helped", () => {
    const { best, next } = answerOf(sweepOf([overfit({ rank: 8, epochs: 16 })]), 1e6)!
    expect(best.parameters).toEqual({ rank: 8, epochs: 16 })
    expect(next).toMatchObject({
      parameters: { rank: 8, epochs: 4 },
      shorter: { parameter: "epochs", from: 16, to: 4, because: "overfitting" },
      checkpoint: 25,
      kept: true,
    })
  })

  it("counts in steps where steps limit the training", () => {
    const { next } = answerOf(sweepOf([overfit({ epochs: 16, max_steps: 100 })]), 1e6)!
    expect(next.shorter).toMatchObject({ parameter: "max_steps", from: 100, to: 25 })
  })

  it("knows the built-in trainer's default, and invents none for a program's", () => {
    expect(answerOf(sweepOf([overfit({ rank: 8 })]), 1e6)!.next.shorter).toMatchObject({ from: 3, to: 1 })
    const program = sweepOf([overfit({ rank: 8 })], { trainer: "command", command: ["x"] })
    expect(answerOf(program, 1e6)!.next).toMatchObject({ parameters: { rank: 8 }, shorter: null })
  })

  it("leaves a healthy one as it is", () => {
    const { next } = answerOf(sweepOf([{ parameters: { epochs: 4 }, objective: 1, verdict: ["healthy", 50] }]), 1e6)!
    expect(next).toMatchObject({ parameters: { epochs: 4 }, shorter: null, checkpoint: null })
  })
})

it("puts a set whose runs mostly failed behind the others", () => {
  const found = answerOf(sweepOf([...set(8, 0.5, null, null), ...set(4, 0.59, 0.6, 0.61)]), 1e6)!
  expect(found.best.trials).toEqual([4, 5, 6])
  expect(answerOf(sweepOf([...set(8, 0.5, 0.51, null), ...set(4, 0.59, 0.6, 0.61)]), 1e6)!.best).toMatchObject({
    trials: [1, 2],
    failed: 1,
  })
})

it("adds up what the attempts took", () => {
  expect(answerOf(sweepOf([...set(8, 1), ...set(4, 2)]), 1e6)!.cost).toEqual({ best: 600, all: 1200, trials: 2 })
})

describe("moreTrials", () => {
  it("foresees what as many more random trials gain", () => {
    // The lowest of n uniform numbers is 1 / (n + 1) on average.
    let state = 1
    const uniform = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    const gains = Array.from({ length: 200 }, () => moreTrials(Array.from({ length: 40 }, uniform), 40)!)
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
    expect(mean).toBeGreaterThan(0.5 * (1 / 41 - 1 / 81))
    expect(mean).toBeLessThan(2 * (1 / 41 - 1 / 81))
  })

  it("says nothing of a few", () => {
    expect(moreTrials([1, 2, 3], 10)).toBeNull()
    expect(moreTrials([1, 1, 1, 1, 1, 1, 1, 1], 10)).toBe(0)
  })
})
