// A state directory as a long sweep leaves it: every trial completed, with its facts, verdict and curves. Owns what these
// trials are like.
import * as Effect from "effect/Effect"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { Evidence, Verdict } from "@sweep/domain/Verdict"
import * as DuckdbStore from "@sweep/store/DuckdbStore"
import type { EventBatch } from "@sweep/store/EventBatch"
import { Store } from "@sweep/store/Store"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { sampled } from "@sweep/domain/Origin"

const metrics = ["train/loss", "train/learning_rate", "train/grad_norm", "eval/loss"]
const lines = 25
export const pointsPerTrial = lines * metrics.length

const sweep = SweepId.make("scale")
const start = Date.UTC(2026, 0, 1)
/** Trials written together. */
const group = 500

/** Open ended: whoever connects gets trials. */
const spec = exampleSpec({
  name: "scale",
  method: "random",
  space: {
    dimensions: [
      { name: "learning_rate", distribution: { _tag: "LogUniform", min: 1e-5, max: 1e-2 }, when: null, prior: null },
    ],
    derived: [],
    constraints: [],
  },
  budget: { trials: null, gpuHours: null, hours: null },
})

const factsOf = (number: number): ReadonlyArray<Fact> => {
  const at = start + number * 1_000
  const trial = TrialNumber.make(number)
  const epoch = Epoch.make(number)
  const ofTrial = { at, sweep, trial }
  const objective = 1 + (number % 997) / 997
  const agent = AgentId.make(`agent-${number % 1_000}`)
  const evidence = new Evidence({
    criterion: "eval-lowest",
    args: { lowest: objective, lowestStep: lines },
    value: 0,
    threshold: 5,
    holds: false,
  })
  return [
    {
      _tag: "TrialCreated",
      ...ofTrial,
      parameters: { learning_rate: 1e-5 * (1 + (number % 991)) },
      seed: 7,
      revision: 1,
      origin: sampled,
    },
    { _tag: "TrialAssigned", ...ofTrial, epoch, attempt: 1, agent, slot: 0 },
    { _tag: "TrialStarted", ...ofTrial, epoch },
    {
      _tag: "TrialCompleted",
      ...ofTrial,
      epoch,
      objective,
      step: lines,
      values: Object.fromEntries(metrics.map((name) => [name, objective])),
    },
    {
      _tag: "VerdictReached",
      ...ofTrial,
      verdict: new Verdict({ kind: "healthy", sinceStep: null, evidence: [evidence], advice: [] }),
    },
  ]
}

const batchOf = (number: number): EventBatch => {
  const count = pointsPerTrial
  const points = {
    metrics,
    seq: new Uint32Array(count),
    metric: new Uint32Array(count),
    step: new Float64Array(count),
    value: new Float64Array(count),
    at: new Float64Array(count),
  }
  for (let i = 0; i < count; i++) {
    const line = 1 + Math.floor(i / metrics.length)
    points.seq[i] = line
    points.metric[i] = i % metrics.length
    points.step[i] = line
    points.value[i] = 1 + (number % 997) / 997 + 1 / line
    points.at[i] = start + number * 1_000 + line
  }
  return {
    sweep,
    trial: TrialNumber.make(number),
    epoch: Epoch.make(number),
    firstSeq: 1,
    lastSeq: lines,
    points,
    events: [],
  }
}

/** Fills the store of a state directory with `trials` completed trials. */
export const fillStore = (directory: string, trials: number): Promise<void> =>
  Effect.gen(function* () {
    const store = yield* Store
    yield* store.append([{ _tag: "SweepSubmitted", at: start, sweep, spec, versions: {} }])
    for (let first = 1; first <= trials; first += group) {
      const numbers = Array.from({ length: Math.min(group, trials - first + 1) }, (_, i) => first + i)
      yield* store.append(numbers.flatMap(factsOf))
      yield* store.ingest(numbers.map(batchOf), [])
    }
  }).pipe(Effect.provide(DuckdbStore.layer({ directory })), Effect.runPromise)
