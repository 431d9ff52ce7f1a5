// A small valid spec, for tests that need one and do not care which.
import * as Schema from "effect/Schema"
import { SweepSpec } from "../src/sweep/SweepSpec.ts"

export const exampleSpec = (change: Partial<typeof SweepSpec.Encoded> = {}): SweepSpec =>
  Schema.decodeUnknownSync(SweepSpec)({
    name: "example",
    description: "",
    model: "/models/tiny",
    data: {
      train: { path: "/data/train.json", sha256: "00", bytes: 1, records: 1 },
      eval: { path: "/data/eval.json", sha256: "00", bytes: 1, records: 1 },
    },
    trainer: "peft",
    command: null,
    metric: { name: "eval/loss", goal: "minimize", summary: "best", target: null },
    method: "grid",
    space: {
      dimensions: [
        {
          name: "rank",
          distribution: { _tag: "Categorical", values: [4, 8], probabilities: null },
          when: null,
          prior: null,
        },
        {
          name: "learning_rate",
          distribution: { _tag: "Categorical", values: [1e-3, 1e-2], probabilities: null },
          when: null,
          prior: null,
        },
      ],
      derived: [],
      constraints: [],
    },
    seed: 7,
    replicas: 1,
    earlyTerminate: null,
    overfitting: { action: "flag" },
    budget: { trials: null, gpuHours: null, hours: null },
    resources: { gpus: 1 },
    probes: [],
    enqueue: [],
    source: { path: "example.yaml", text: "" },
    ...change,
  })
