// A state directory as people who tune leave it: a sweep over five parameters with two seeds each, whose trials learn, overfit,
// diverge, run out of memory or stop early, on four hosts. Owns what these trials are like; the page's benchmark fills its
// stores with them.
import * as Effect from "effect/Effect"
import { diagnose } from "@sweep/diagnosis/diagnose"
import { curveFeatures, type CurvePoint } from "@sweep/domain/Curve"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import type { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { TrialEvent } from "@sweep/domain/TrialEvent"
import { said } from "@sweep/domain/Reason"
import { sampled } from "@sweep/domain/Origin"
import { type Random, random } from "@sweep/search/Random"
import * as DuckdbStore from "@sweep/store/DuckdbStore"
import type { EventBatch } from "@sweep/store/EventBatch"
import { Store } from "@sweep/store/Store"

export interface PageFill {
  readonly trials: number
  /** Points of each curve. */
  readonly points: number
  readonly name?: string
}

const start = Date.UTC(2026, 10, 20, 8)
/** Trials written together. */
const group = 200
const places = 8
const variants = ["lora", "qlora", "dora"] as const

const spec = (name: string) =>
  exampleSpec({
    name,
    description: "Which rank, learning rate and variant for a support assistant of 1.5 billion parameters.",
    model: "/models/Qwen2.5-1.5B-Instruct",
    method: "gp",
    replicas: 2,
    space: {
      dimensions: [
        {
          name: "learning_rate",
          distribution: { _tag: "LogUniform", min: 1e-5, max: 5e-3 },
          when: null,
          prior: null,
        },
        {
          name: "rank",
          distribution: { _tag: "Categorical", values: [4, 8, 16, 32, 64], probabilities: null },
          when: null,
          prior: null,
        },
        { name: "lora_dropout", distribution: { _tag: "Uniform", min: 0, max: 0.3 }, when: null, prior: null },
        {
          name: "epochs",
          distribution: { _tag: "Categorical", values: [1, 2, 3], probabilities: null },
          when: null,
          prior: null,
        },
        {
          name: "variant",
          distribution: { _tag: "Categorical", values: [...variants], probabilities: null },
          when: null,
          prior: null,
        },
      ],
      derived: [],
      constraints: [],
    },
    budget: { trials: null, gpuHours: null, hours: null },
    probes: [
      { instruction: "How do I return a parcel?", input: "", system: "", max_new_tokens: 64 },
      { instruction: "Explain LoRA to a ten-year-old.", input: "", system: "", max_new_tokens: 64 },
    ],
    source: { path: "support.yaml", text: `name: ${name}\nmethod: gp\nmodel: Qwen/Qwen2.5-1.5B-Instruct\n` },
  })

const pick = <A>(of: ReadonlyArray<A>, from: Random): A => of[from.index(of.length)]!

interface Parameters {
  readonly learning_rate: number
  readonly rank: number
  readonly lora_dropout: number
  readonly epochs: number
  readonly variant: string
}

/** The longer a search runs, the more often it looks near what was good. */
const parametersOf = (set: number, from: Random): Parameters => {
  const near = from.uniform() < Math.min(0.7, set / 60)
  const exponent = near ? -3.35 + 0.5 * (from.uniform() + from.uniform() - 1) : -5 + 2.7 * from.uniform()
  return {
    learning_rate: Number((10 ** exponent).toPrecision(4)),
    rank: near ? pick([8, 16, 16, 32], from) : pick([4, 8, 16, 32, 64], from),
    lora_dropout: Number((0.3 * from.uniform()).toPrecision(3)),
    epochs: pick([1, 2, 3], from),
    variant: pick(variants, from),
  }
}

/** Train and eval loss by step. */
const curvesOf = (parameters: Parameters, points: number, from: Random) => {
  const { learning_rate: rate, rank, epochs, lora_dropout: dropout, variant } = parameters
  const off = Math.log10(rate) + 3.3
  const floor = 1.28 + 0.12 * off ** 2 + 0.05 * Math.abs(Math.log2(rank / 16)) + (variant === "qlora" ? 0.03 : 0)
  const total = 400 * epochs
  const speed = 3 + 2.5 * Math.min(1.6, rate / 5e-4)
  const overfits = rate > 4e-4 && epochs > 1 ? 0.22 * (epochs - 1) * (1 - 2 * dropout) * Math.log10(rank + 1) : 0
  const diverges = rate > 2.6e-3 && from.uniform() < 0.7
  const train: Array<CurvePoint> = []
  const evals: Array<CurvePoint> = []
  const evalEvery = Math.max(1, Math.floor(points / 24))
  for (let i = 1; i <= points; i++) {
    const share = i / points
    const step = Math.max(i, Math.round(share * total))
    const fallen = Math.exp(-speed * share)
    const noise = 0.05 * (from.uniform() - 0.5)
    const up = diverges && share > 0.25 ? 3 * (share - 0.25) + 0.5 * from.uniform() : 0
    train.push({ step, value: floor - 0.12 * share - overfits * share + 1.1 * fallen + noise + up })
    if (i % evalEvery === 0 || i === points) {
      const worse = overfits * Math.max(0, share - 0.45) * 1.4
      evals.push({ step, value: floor + 0.9 * fallen + worse + 0.2 * noise + up })
    }
  }
  return { train, evals, total, diverges }
}

const sample = (trial: number, probe: number): TrialEvent => ({
  type: "sample",
  seq: 1,
  at: new Date(start).toISOString(),
  probe,
  prompt: "User: …",
  answer:
    probe === 0
      ? `Go to "My orders", choose the parcel and press Return. A label comes by mail (trial ${trial}).`
      : "Imagine a big book. LoRA leaves the book alone and puts notes on thin slips between its pages.",
})

/** What one trial left: its facts and its values. */
const trialOf = (
  /** Epochs are unique in a store. */
  base: number,
  sweep: SweepId,
  number: number,
  parameters: Parameters,
  points: number,
  startedAt: number,
  from: Random,
) => {
  const trial = TrialNumber.make(number)
  const epoch = Epoch.make(base + number)
  const { train, evals, total, diverges } = curvesOf(parameters, points, from)
  const place = number % places
  const agent = AgentId.make(`gpu-${1 + Math.floor(place / 2)}`)
  const took = (4 + 10 * parameters.epochs + 3 * from.uniform()) * 60_000
  const of = (at: number) => ({ at, sweep, trial })
  const isOom = parameters.rank === 64 && parameters.variant === "dora" && from.uniform() < 0.6
  const stops = !diverges && evals.at(-1)!.value > 1.9 && from.uniform() < 0.5
  const endedAt = startedAt + (isOom ? 40_000 : stops ? took / 2 : took)
  const keptEvals = stops ? evals.slice(0, Math.ceil(evals.length / 2)) : evals
  const keptTrain = stops ? train.slice(0, Math.ceil(train.length / 2)) : train
  const objective = keptEvals.reduce((least, { value }) => Math.min(least, value), Number.POSITIVE_INFINITY)
  const values = {
    "eval/loss": objective,
    "train/loss": keptTrain.at(-1)!.value,
    "train/tokens_per_second": 5_200 + 40 * place,
  }
  const end: Fact = isOom
    ? {
        _tag: "TrialFailed",
        ...of(endedAt),
        class: "oom",
        message: said("CUDA out of memory. Tried to allocate 1.12 GiB; 23.4 of 24 GiB are in use."),
        detail: null,
      }
    : stops
      ? { _tag: "TrialStopped", ...of(endedAt), reason: said("worse than the median at step 400"), objective, values }
      : { _tag: "TrialCompleted", ...of(endedAt), epoch, objective, step: total, values }
  const verdict = diagnose(curveFeatures(sweep, trial, keptEvals, keptTrain), {
    finished: true,
    parameters: { ...parameters },
    trainer: "peft",
    totalSteps: total,
    metric: "eval/loss",
    goal: "minimize",
  })
  const facts: ReadonlyArray<Fact> = [
    {
      _tag: "TrialCreated",
      ...of(startedAt - 2_000),
      parameters: { ...parameters },
      seed: 7 + (number % 2),
      revision: 1,
      origin: number % 2 === 1 ? sampled : { _tag: "Replica", of: TrialNumber.make(number - 1) },
    },
    { _tag: "TrialAssigned", ...of(startedAt - 1_000), epoch, attempt: 1, agent, slot: place % 2 },
    { _tag: "TrialStarted", ...of(startedAt), epoch },
    end,
    ...(isOom ? [] : [{ _tag: "VerdictReached" as const, ...of(endedAt + 10), verdict }]),
  ]
  const rows = isOom
    ? []
    : [
        ...keptTrain.map((point) => ({ ...point, metric: 0 })),
        ...keptEvals.map((point) => ({ ...point, metric: 1 })),
        ...keptTrain.map(({ step }) => ({ step, value: 5_000 + 400 * from.uniform(), metric: 2 })),
      ].toSorted((a, b) => a.step - b.step)
  const batch: EventBatch = {
    sweep,
    trial,
    epoch,
    firstSeq: 1,
    lastSeq: Math.max(1, rows.length),
    points: {
      metrics: ["train/loss", "eval/loss", "train/tokens_per_second"],
      seq: Uint32Array.from(rows, (_, i) => i + 1),
      metric: Uint32Array.from(rows, ({ metric }) => metric),
      step: Float64Array.from(rows, ({ step }) => step),
      value: Float64Array.from(rows, ({ value }) => value),
      at: Float64Array.from(rows, (_, i) => startedAt + (i / rows.length) * (endedAt - startedAt)),
    },
    events: isOom ? [] : [sample(number, 0), sample(number, 1)],
  }
  return { facts, batch, endedAt }
}

/** Fills the store of a state directory, and says the sweep's id. */
export const fillPage = (directory: string, { trials, points, name = "support-lora" }: PageFill): Promise<string> => {
  const sweep = SweepId.make(name)
  const from = random(7, 1, "page")
  const free = Array.from({ length: places }, (_, i) => start + i * 5_000)
  let parameters = parametersOf(0, from)
  return Effect.gen(function* () {
    const store = yield* Store
    yield* store.append([{ _tag: "SweepSubmitted", at: start - 5_000, sweep, spec: spec(name), versions: {} }])
    const base = yield* store.lastEpoch
    let last = start
    for (let first = 1; first <= trials; first += group) {
      const made = Array.from({ length: Math.min(group, trials - first + 1) }, (_, i) => {
        const number = first + i
        if (number % 2 === 1) parameters = parametersOf(number / 2, from)
        const place = number % places
        const one = trialOf(base, sweep, number, parameters, points, free[place]!, from)
        free[place] = one.endedAt + 4_000
        last = Math.max(last, one.endedAt)
        return one
      })
      yield* store.append(made.flatMap(({ facts }) => facts))
      yield* store.ingest(
        made.map(({ batch }) => batch).filter(({ points: { seq } }) => seq.length > 0),
        [],
      )
    }
    yield* store.append([
      { _tag: "SweepFinished", at: last + 1_000, sweep, reason: said(`its budget of ${trials} trials is used`) },
    ])
    return name
  }).pipe(Effect.provide(DuckdbStore.layer({ directory })), Effect.runPromise)
}

if (import.meta.main) {
  const [, , directory, trials = "160", points = "120", name = "support-lora"] = process.argv
  console.log(await fillPage(directory!, { trials: Number(trials), points: Number(points), name }))
}
