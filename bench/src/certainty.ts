// Whether a sweep's answer is as sure as it says: simulated sweeps of 2 to 200 configurations whose truth is known (equal
// ones, unrelated ones, smooth responses, lists; one run or several, the best ones run again) and replays of the real
// response table with seed noise. Of the answers that claim about 80 % (70 to 90), 80 ± 5 % have to be right. Beside it
// stands what a comparison of the best two says, which suffers the winner's curse.
// `node bench/src/certainty.ts [--simulated 1200] [--replayed 240] [--from 100001]`; the last line is one JSON object.
import { parseArgs } from "node:util"
import { answerOf } from "@sweep/diagnosis/answer"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { foldFacts, type SweepState } from "@sweep/domain/SweepState"
import { sampled } from "@sweep/domain/Origin"
import { read } from "./responseTable.ts"
import { replayedSweep, type SimulatedSweep, simulatedSweep } from "./simulatedSweeps.ts"

const { values } = parseArgs({
  options: {
    simulated: { type: "string", default: "1200" },
    replayed: { type: "string", default: "240" },
    // The model's priors were chosen on seeds below 2,000.
    from: { type: "string", default: "100001" },
  },
})

const sweep = SweepId.make("simulated")
const agent = AgentId.make("a")

const stateOf = ({ sets }: SimulatedSweep): SweepState => {
  const facts: Array<Fact> = [{ _tag: "SweepSubmitted", at: 0, sweep, spec: exampleSpec(), versions: {} }]
  let number = 0
  for (const { parameters, runs } of sets) {
    for (const { seed, loss } of runs) {
      number++
      const of = { sweep, trial: TrialNumber.make(number) }
      const epoch = Epoch.make(number)
      facts.push(
        { _tag: "TrialCreated", at: number, ...of, parameters, seed, revision: 1, origin: sampled },
        { _tag: "TrialAssigned", at: number, ...of, epoch, attempt: 1, agent, slot: 0 },
        { _tag: "TrialCompleted", at: number, ...of, epoch, objective: loss, step: 1, values: {} },
      )
    }
  }
  return foldFacts(facts).get(sweep)!
}

interface Judged {
  readonly family: string
  readonly sets: number
  readonly claim: number
  readonly right: boolean
  readonly ahead: number
  readonly aheadRight: boolean
  /** Of the simplest comparison: the best two means against their pooled spread, where something ran twice. */
  readonly naive: number | null
  readonly held: boolean
}

const key = (parameters: object): string => JSON.stringify(Object.entries(parameters).sort())

/** P(T > −t) for the difference of two means by a normal approximation: what many tools print. */
const naiveOf = ({ sets }: SimulatedSweep): number | null => {
  const means = sets.map(({ runs }) => runs.reduce((sum, { loss }) => sum + loss, 0) / runs.length)
  let [squares, freedom] = [0, 0]
  sets.forEach(({ runs }, i) => {
    freedom += runs.length - 1
    squares += runs.reduce((sum, { loss }) => sum + (loss - means[i]!) ** 2, 0)
  })
  if (freedom < 2) return null
  const [a, b] = Array.from(means.keys()).sort((x, y) => means[x]! - means[y]!)
  const error = Math.sqrt((squares / freedom) * (1 / sets[a!]!.runs.length + 1 / sets[b!]!.runs.length))
  const z = (means[b!]! - means[a!]!) / error
  // Abramowitz & Stegun 26.2.17 is precise enough for a figure of comparison.
  const t = 1 / (1 + 0.2316419 * z)
  const tail =
    (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - tail
}

const judge = (simulated: SimulatedSweep): Judged => {
  const truth = new Map(simulated.sets.map((set) => [key(set.parameters), set.truth]))
  const state = stateOf(simulated)
  const { best, runnerUp, certainty } = answerOf(state, 0)!
  const own = truth.get(key(best.parameters))!
  const second = truth.get(key(state.trials.get(TrialNumber.make(runnerUp!.trials[0]!))!.parameters))!
  const [low, , high] = runnerUp!.truly
  return {
    family: simulated.family,
    sets: simulated.sets.length,
    claim: certainty!.chance,
    right: own === Math.min(...truth.values()),
    ahead: runnerUp!.chance,
    aheadRight: own < second,
    naive: naiveOf(simulated),
    held: second - own >= low && second - own <= high,
  }
}

const mean = (xs: ReadonlyArray<number>): number => xs.reduce((sum, x) => sum + x, 0) / Math.max(1, xs.length)
const share = (xs: ReadonlyArray<boolean>): number => mean(xs.map(Number))
const round = (x: number): number => Number(x.toFixed(3))

/** Claims from 70 to 90 %, and how many of them are right. */
const eighty = (claims: ReadonlyArray<{ readonly claim: number; readonly right: boolean }>) => {
  const chosen = claims.filter(({ claim }) => claim >= 0.7 && claim < 0.9)
  const right = share(chosen.map((one) => one.right))
  const half = 1.96 * Math.sqrt((right * (1 - right)) / Math.max(1, chosen.length))
  return {
    answers: chosen.length,
    claimed: round(mean(chosen.map(({ claim }) => claim))),
    right: round(right),
    interval: [round(Math.max(0, right - half)), round(Math.min(1, right + half))] as const,
  }
}

const edges = [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.001]
const show = (name: string, judged: ReadonlyArray<Judged>): void => {
  const cells = edges.slice(1).map((high, i) => {
    const bin = judged.filter(({ claim }) => claim >= edges[i]! && claim < high)
    const text =
      bin.length === 0
        ? "–"
        : `${mean(bin.map((one) => one.claim)).toFixed(2)} → ${share(bin.map((one) => one.right)).toFixed(2)} (${bin.length})`
    return text.padStart(18)
  })
  console.log(`${name.padEnd(14)}${cells.join("")}`)
}

const from = Number(values.from)
const table = read()
const simulated = Array.from({ length: Number(values.simulated) }, (_, i) => judge(simulatedSweep(from + i)))
const replayed =
  table === null ? [] : Array.from({ length: Number(values.replayed) }, (_, i) => judge(replayedSweep(table, from + i)))
const all = [...simulated, ...replayed]

console.log("probability of being the best of all: claimed → right (answers)")
show("all", all)
for (const family of new Set(all.map((one) => one.family)))
  show(
    family,
    all.filter((one) => one.family === family),
  )
for (const [low, high] of [
  [2, 3],
  [4, 10],
  [11, 40],
  [41, 200],
] as const) {
  show(
    `${low} to ${high} sets`,
    all.filter(({ sets }) => sets >= low && sets <= high),
  )
}
const equal = simulated.filter(({ family }) => family === "equal")
const falselySure = share(equal.map(({ claim }) => claim >= 0.8))
const ahead = eighty(all.map((one) => ({ claim: one.ahead, right: one.aheadRight })))
const compared = all.filter(({ naive }) => naive !== null)
const naive = eighty(compared.map((one) => ({ claim: one.naive!, right: one.right })))
const atEighty = { simulated: eighty(simulated), replayed: eighty(replayed), all: eighty(all) }
console.log(`equal sets called likely or clear: ${(100 * falselySure).toFixed(1)} % of ${equal.length}`)
console.log(`80 % intervals of the lead that hold it: ${(100 * share(all.map((one) => one.held))).toFixed(0)} %`)
console.log(`a plain comparison of the best two, taken as "best of all": ${JSON.stringify(naive)}`)
const near = ({ right, claimed }: { readonly right: number; readonly claimed: number }) =>
  Math.abs(right - claimed) <= 0.05
console.log(
  JSON.stringify({
    name: "certainty",
    sweeps: { simulated: simulated.length, replayed: replayed.length },
    at_80: atEighty,
    ahead_of_runner_up_at_80: ahead,
    plain_comparison_at_80: naive,
    equal_called_likely: round(falselySure),
    lead_intervals_hold: round(share(all.map((one) => one.held))),
    ok: near(atEighty.all) && falselySure <= 0.05,
  }),
)
