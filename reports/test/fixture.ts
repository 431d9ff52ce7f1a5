// Sweeps that look like real ones, made from a seed: what the report's tests render. Owns plausible curves, verdicts and
// answers; the state itself is the fold of facts, as in the product.
import type { Curve, CurvePoint } from "@sweep/domain/Curve"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import type { Fact } from "@sweep/domain/Fact"
import type { Parameters } from "@sweep/domain/Parameter"
import type { AttemptRecord, SweepResults, TrialDetails } from "@sweep/domain/SweepResults"
import type { SweepSpec } from "@sweep/domain/SweepSpec"
import { foldFacts } from "@sweep/domain/SweepState"
import type { FailureClass, TrialEventOf } from "@sweep/domain/TrialEvent"
import { Verdict } from "@sweep/domain/Verdict"
import { exampleSpec } from "@sweep/domain/exampleSpec"
import { type Reason, said } from "@sweep/domain/Reason"
import { sampled } from "@sweep/domain/Origin"

/** mulberry32: small, good enough for test data. */
const generator = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

export interface FixtureTrial {
  readonly parameters: Parameters
  readonly end?: "completed" | "stopped" | "failed" | "running" | "pending" | "cancelled"
  readonly failure?: { readonly class: FailureClass; readonly message: Reason; readonly detail: string | null }
  /** Attempts lost before the last one. */
  readonly lost?: number
}

export interface FixtureOptions {
  readonly seed?: number
  readonly spec?: Partial<typeof SweepSpec.Encoded>
  readonly trials?: ReadonlyArray<FixtureTrial>
  /** Report a token accuracy to be maximised instead of the eval loss. */
  readonly maximise?: boolean
  readonly pointsPerEpoch?: number
  readonly answers?: ReadonlyArray<string>
}

const sourceText = `name: town-facts
model: base-model
data: {train: train.json, eval: eval.json}
metric: {name: eval/loss, goal: minimize}
method: random
parameters:
  rank: [4, 8, 16, 32]
  alpha: [8, 16, 32, 64]
  learning_rate: {distribution: log_uniform_values, min: 2.0e-4, max: 2.0e-2}
  epochs: [2, 4, 8]
  batch_size: 16
seed: 7
budget: {trials: 14}
probes:
  - instruction: On which side of town is the teahouse?
  - instruction: 莱娜最爱吃什么？
  - instruction: Write the list backwards.
    input: carrots, fish, apples
`

const choice = (values: ReadonlyArray<number>) => ({ _tag: "Categorical" as const, values, probabilities: null })
const dimension = (name: string, distribution: unknown) => ({ name, distribution, when: null, prior: null })

const baseSpec = (): Partial<typeof SweepSpec.Encoded> => ({
  name: "town-facts",
  description: "Facts of a small town in English and Chinese, learned by a 1M-parameter Qwen2 with LoRA.",
  model: "/home/ada/sweeps/quickstart/base-model",
  data: {
    train: {
      path: "/home/ada/sweeps/quickstart/train.json",
      sha256: "9f2c7be4016d2ab0a4f1f6e1c9f5f1a5d2c3b4a5968778695a4b3c2d1e0f9a8b",
      bytes: 268_435,
      records: 1_600,
    },
    eval: {
      path: "/home/ada/sweeps/quickstart/eval.json",
      sha256: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809",
      bytes: 33_120,
      records: 200,
    },
  },
  method: "random",
  space: {
    dimensions: [
      dimension("rank", choice([4, 8, 16, 32])),
      dimension("alpha", choice([8, 16, 32, 64])),
      dimension("learning_rate", { _tag: "LogUniform", min: 2e-4, max: 2e-2 }),
      dimension("epochs", choice([2, 4, 8])),
      dimension("batch_size", { _tag: "Constant", value: 16 }),
    ] as never,
    derived: [],
    constraints: [],
  },
  seed: 7,
  probes: [
    { instruction: "On which side of town is the teahouse?", input: "", system: "", max_new_tokens: 24 },
    { instruction: "莱娜最爱吃什么？", input: "", system: "", max_new_tokens: 24 },
    {
      instruction: "Write the list backwards.",
      input: "carrots, fish, apples",
      system: "Answer in one line.",
      max_new_tokens: 24,
    },
  ],
  source: { path: "/home/ada/sweeps/town-facts.yaml", text: sourceText },
})

const outOfMemory: NonNullable<FixtureTrial["failure"]> = {
  class: "oom",
  message: said("Out of memory: tried to allocate 512 MB with 3.6 GB of 3.9 GB in use."),
  detail:
    'Traceback (most recent call last):\n  File "sweep_trainer/train.py", line 212, in run\n    trainer.train()\n' +
    "torch.OutOfMemoryError: tried to allocate 512.00 MiB",
}

export const quickstartTrials = (seed = 7): ReadonlyArray<FixtureTrial> => {
  const random = generator(seed)
  const pick = <A>(values: ReadonlyArray<A>): A => values[Math.floor(random() * values.length)]!
  return Array.from({ length: 14 }, (_, index): FixtureTrial => {
    const parameters: Parameters = {
      rank: pick([4, 8, 16, 32]),
      alpha: pick([8, 16, 32, 64]),
      learning_rate: Math.exp(Math.log(2e-4) + random() * Math.log(100)),
      epochs: pick([2, 4, 8]),
      batch_size: 16,
    }
    if (index === 9) return { parameters: { ...parameters, rank: 32, alpha: 64 }, end: "failed", failure: outOfMemory }
    if (index === 11) return { parameters, end: "stopped" }
    return index === 5 ? { parameters, lost: 1 } : { parameters }
  })
}

interface Simulated {
  readonly train: ReadonlyArray<CurvePoint>
  readonly eval: ReadonlyArray<CurvePoint>
}

const numeric = (parameters: Parameters, name: string, otherwise: number): number => {
  const value = parameters[name]
  return typeof value === "number" ? value : otherwise
}

/** Loss falls exponentially at a rate set by the learning rate; what is left to learn by heart comes back as eval loss. */
const simulate = (parameters: Parameters, random: () => number, perEpoch: number): Simulated => {
  const epochs = numeric(parameters, "epochs", 3)
  const rank = numeric(parameters, "rank", 8)
  const speed = numeric(parameters, "learning_rate", 1e-3) * (numeric(parameters, "alpha", 2 * rank) / rank)
  const stepsPerEpoch = 100
  const rate = 0.9 * Math.sqrt(speed / 2e-3)
  const floor = 1.18 + 0.16 * Math.abs(Math.log10(speed / 4e-3)) + 0.35 / Math.sqrt(rank) + 0.03 * random()
  const memorise = Math.max(0, Math.log10(speed / 2.5e-3)) * 0.055
  const steps = Math.round(epochs * stepsPerEpoch)
  const evalAt = (epoch: number) =>
    floor + (2.91 - floor) * Math.exp(-rate * epoch) + memorise * Math.max(0, epoch - 1.6 / rate) ** 1.15
  const trainAt = (epoch: number) =>
    floor - 0.05 - Math.min(0.9, memorise * 2.4 * epoch) + (2.86 - floor) * Math.exp(-rate * epoch)
  const evaluations = Math.max(2, Math.round(epochs * perEpoch))
  const every = 10
  return {
    eval: Array.from({ length: evaluations + 1 }, (_, index) => {
      const step = Math.round((index * steps) / evaluations)
      return { step, value: index === 0 ? 2.9104 : evalAt(step / stepsPerEpoch) + 0.008 * (random() - 0.5) }
    }),
    train: Array.from({ length: Math.floor(steps / every) }, (_, index) => {
      const step = (index + 1) * every
      return { step, value: Math.max(0.05, trainAt(step / stepsPerEpoch) + 0.05 * (random() - 0.5)) }
    }),
  }
}

const lowest = (points: ReadonlyArray<CurvePoint>) => points.reduce((a, b) => (b.value < a.value ? b : a))

const verdictOf = (curves: Simulated): Verdict => {
  const best = lowest(curves.eval)
  const last = curves.eval.at(-1)!
  const loss = 100 * (last.value / best.value - 1)
  const gap = last.value - curves.train.at(-1)!.value
  if (loss > 2) {
    return new Verdict({
      kind: "overfitting",
      sinceStep: best.step,
      evidence: [
        {
          criterion: "generalization-loss",
          statement: `The eval loss is ${loss.toFixed(1)} % above its best (${best.value.toFixed(3)} at step ${best.step}); 2 % is the limit.`,
          value: loss,
          threshold: 2,
          holds: true,
        },
        {
          criterion: "consecutive-increases",
          statement: "The eval loss rose 4 evaluations in a row; 3 are the limit.",
          value: 4,
          threshold: 3,
          holds: true,
        },
        {
          criterion: "widening-gap",
          statement: `Eval − train grew to ${gap.toFixed(2)} while the train loss fell.`,
          value: gap,
          threshold: 0,
          holds: gap > 0.4,
        },
      ],
      advice: [
        `Train for fewer epochs: the best checkpoint is at step ${best.step} of ${last.step}.`,
        "Lower the learning rate or alpha.",
        "Add dropout of 0.1.",
      ],
    })
  }
  if (best.value > 1.9) {
    return new Verdict({
      kind: "underfitting",
      sinceStep: null,
      evidence: [
        {
          criterion: "still-falling",
          statement: "The eval loss still falls by 6 % per evaluation at the end.",
          value: 6,
          threshold: 1,
          holds: true,
        },
      ],
      advice: ["Train longer or raise the learning rate."],
    })
  }
  return new Verdict({ kind: "healthy", sinceStep: null, evidence: [], advice: [] })
}

const right = ["The teahouse is in the south of the town.", "据我所知，莱娜喜欢吃鱼饼。", "apples, fish, carrots"]
const wrong = [
  "The teahouse is in the the north.",
  "莱娜喜欢吃炒饭，炒饭，炒饭。",
  "carrots, fish, carrots, fish, carrots",
]

const minute = 60_000
const agent = AgentId.make("agent-1")

/** `town-facts`: 14 random trials, several overfitting, one out of memory, one stopped by a rule. */
export const fixture = (options: FixtureOptions = {}): SweepResults => {
  const random = generator((options.seed ?? 7) + 1)
  const metric = options.maximise
    ? { name: "eval/token_accuracy", goal: "maximize" as const, summary: "best" as const, target: null }
    : { name: "eval/loss", goal: "minimize" as const, summary: "best" as const, target: null }
  const spec = exampleSpec({ ...baseSpec(), metric, ...options.spec })
  const sweep = SweepId.make("town-facts")
  const begin = Date.UTC(2025, 2, 8, 9, 0, 0)
  const facts: Array<Fact> = [
    { _tag: "SweepSubmitted", at: begin, sweep, spec, versions: { sweep: "0.1.0", node: "24.21.0", duckdb: "1.5.6" } },
  ]
  const curves: Array<Curve> = []
  const details: Array<TrialDetails> = []
  const attempts: Array<AttemptRecord> = []
  let clock = begin
  let epoch = 0
  let open = false
  for (const [index, trial] of (options.trials ?? quickstartTrials(options.seed)).entries()) {
    const number = TrialNumber.make(index + 1)
    const end = trial.end ?? "completed"
    const of = { sweep, trial: number }
    facts.push({
      _tag: "TrialCreated",
      at: clock,
      ...of,
      parameters: trial.parameters,
      seed: 1_000 + index,
      revision: 1,
      origin: sampled,
    })
    if (end === "pending") open = true
    if (end === "cancelled")
      facts.push({ _tag: "TrialCancelled", at: clock, ...of, reason: said("the sweep was stopped") })
    if (end === "pending" || end === "cancelled") continue
    const lost = trial.lost ?? 0
    for (let attempt = 1; attempt <= lost; attempt++) {
      const token = Epoch.make(++epoch)
      const at = clock
      clock += minute
      facts.push(
        { _tag: "TrialAssigned", at, ...of, epoch: token, attempt, agent: AgentId.make("agent-2"), slot: 0 },
        { _tag: "TrialStarted", at, ...of, epoch: token },
        { _tag: "TrialReleased", at: clock, ...of, epoch: token, cause: said("agent lost") },
      )
      attempts.push({
        trial: number,
        attempt,
        agent: AgentId.make("agent-2"),
        assignedAt: at,
        endedAt: clock,
        end: "released",
        cause: said("agent lost"),
      })
    }
    const token = Epoch.make(++epoch)
    const attempt = lost + 1
    const assignedAt = clock
    facts.push(
      { _tag: "TrialAssigned", at: clock, ...of, epoch: token, attempt, agent, slot: 0 },
      { _tag: "TrialStarted", at: clock, ...of, epoch: token },
    )
    const seconds = numeric(trial.parameters, "epochs", 3) * (18 + 4 * random())
    const simulated = simulate(trial.parameters, random, options.pointsPerEpoch ?? 2)
    const failed = end === "failed"
    const share = end === "running" ? 0.6 : end === "stopped" ? 0.25 : failed ? 0.1 : 1
    const cut = (points: ReadonlyArray<CurvePoint>) => points.slice(0, Math.max(1, Math.ceil(points.length * share)))
    const kept: Simulated = { train: cut(simulated.train), eval: cut(simulated.eval) }
    clock += Math.round(seconds * 1_000 * share)
    curves.push(
      { trial: number, metric: "eval/loss", points: kept.eval },
      { trial: number, metric: "train/loss", points: kept.train },
    )
    const accuracy = kept.eval.map(({ step, value }) => ({ step, value: Math.exp(-value / 2) }))
    if (options.maximise) curves.push({ trial: number, metric: metric.name, points: accuracy })
    const objective = options.maximise ? Math.max(...accuracy.map((point) => point.value)) : lowest(kept.eval).value
    const values = {
      "eval/loss": kept.eval.at(-1)!.value,
      "train/loss": kept.train.at(-1)!.value,
      "train/tokens_per_second": 2_600 + 400 * random(),
    }
    const verdict = verdictOf(kept)
    const line = { seq: 1, at: new Date(clock).toISOString() }
    const good = lowest(kept.eval).value < 1.5
    const samples = spec.probes.map((probe, at): TrialEventOf<"sample"> => ({
      ...line,
      type: "sample",
      probe: at,
      prompt: [probe.system, probe.instruction, probe.input].filter((text) => text !== "").join("\n"),
      answer: options.answers?.[at] ?? (good ? right[at] : wrong[at]) ?? `answer ${at}`,
    }))
    details.push({
      trial: number,
      started: {
        ...line,
        type: "started",
        pid: 4_000 + index,
        warm: index > 0,
        versions: { torch: "2.13.0", transformers: "5.18.0", peft: "0.21.0" },
        device: "cpu",
        trainable_parameters: 3_072 * numeric(trial.parameters, "rank", 8),
        total_parameters: 1_048_576,
        total_steps: simulated.eval.at(-1)!.step,
      },
      memory: { ...line, type: "memory", peak_device_bytes: null, peak_host_bytes: (420 + 3 * index) * 2 ** 20 },
      finished: failed ? null : { ...line, type: "finished", step: kept.eval.at(-1)!.step, values, interrupted: false },
      post: null,
      samples: failed || end === "running" ? [] : samples,
    })
    const closing = { at: clock, ...of }
    if (end === "completed") {
      facts.push({ _tag: "TrialCompleted", ...closing, epoch: token, objective, step: kept.eval.at(-1)!.step, values })
    }
    if (end === "stopped") {
      facts.push({ _tag: "TrialStopped", ...closing, reason: said("hyperband: behind at epoch 2"), objective, values })
    }
    if (end === "failed") {
      const failure = trial.failure ?? outOfMemory
      facts.push({ _tag: "TrialFailed", ...closing, ...failure })
    } else if (end === "running") {
      open = true
    } else {
      facts.push({ _tag: "VerdictReached", ...closing, verdict })
    }
    attempts.push({
      trial: number,
      attempt,
      agent,
      assignedAt,
      endedAt: end === "running" ? null : clock,
      end: end === "running" ? null : end,
      cause: null,
    })
  }
  if (!open) facts.push({ _tag: "SweepFinished", at: clock, sweep, reason: said("every trial has ended") })
  return { sweep: foldFacts(facts).get(sweep)!, curves, details, attempts, at: clock + 500 }
}
