// What a person asked for: one immutable revision of a sweep. Owns the shape; reading a file into it is the spec
// room's work. Everything in it is resolved (absolute paths, defaults filled in), so that a coordinator on another
// host needs nothing but this.
import * as Schema from "effect/Schema"
import { SweepId, TrialNumber } from "../Id.ts"
import { KeepRule } from "../trial/Artifact.ts"
import { Metric } from "../space/Metric.ts"
import { OutcomeConstraint } from "../space/OutcomeConstraint.ts"
import { Parameters } from "../space/Parameter.ts"
import { Method, MethodReason } from "./Method.ts"
import { SearchSpace } from "../space/SearchSpace.ts"
import { Snapshot } from "./Snapshot.ts"
import { LlamaFactorySpec } from "../training/LlamaFactory.ts"

/** A result of another sweep. */
export const Learned = Schema.Struct({
  sweep: SweepId,
  /** Of its first run, when it ran with several seeds. */
  trial: TrialNumber,
  parameters: Parameters,
  outcome: Schema.Literals(["completed", "stopped", "failed", "infeasible"]),
  /** Mean over its runs; `null` for a failure. */
  objective: Schema.NullOr(Schema.Finite),
  values: Schema.Record(Schema.String, Schema.Finite),
})
export type Learned = typeof Learned.Type

/**
 * Who trains: the built-in PEFT trainer, LLaMA-Factory, a command of the user's, or a program that asks for its trials
 * itself.
 */
export const Trainer = Schema.Literals(["peft", "llamafactory", "command", "external"])
export type Trainer = typeof Trainer.Type

export const Probe = Schema.Struct({
  instruction: Schema.String,
  input: Schema.String,
  system: Schema.String,
  max_new_tokens: Schema.Int,
})
export type Probe = typeof Probe.Type

export const builtInTaskMetrics = ["exact_match", "rouge_l"] as const

/** How answers to eval questions are measured at every evaluation; each metric is reported as `eval/NAME`. */
const TaskMetrics = Schema.Struct({
  /** Built-in names, and functions as `/absolute/path.py:name`. */
  metrics: Schema.Array(Schema.String),
  /** The first this many eval records are asked; `null`: all. */
  samples: Schema.NullOr(Schema.Int),
  max_new_tokens: Schema.Int,
})

/** Where the metrics of a program are read that reports none itself; paths start at its working directory. */
const MetricsFrom = Schema.Struct({
  /** Regular expressions (Python's) with a named group for each metric; `step` and `epoch` are theirs. */
  stdout: Schema.optionalKey(Schema.Array(Schema.String)),
  json: Schema.optionalKey(Schema.String),
  csv: Schema.optionalKey(Schema.String),
  tensorboard: Schema.optionalKey(Schema.String),
})
export type MetricsFrom = typeof MetricsFrom.Type

/** A file the trials read, and what was in it when the sweep was submitted. */
export const DataFile = Schema.Struct({
  path: Schema.String,
  sha256: Schema.String,
  bytes: Schema.Finite,
  records: Schema.Int,
})
export type DataFile = typeof DataFile.Type

export class SweepSpec extends Schema.Class<SweepSpec>("SweepSpec")({
  name: Schema.String,
  description: Schema.String,
  /** A hub id, `modelscope:ID`, or an absolute path; empty where a command trainer's file names none. */
  model: Schema.String,
  /** Files with empty paths where a command trainer's file names none. */
  data: Schema.Struct({ train: DataFile, eval: DataFile }),
  trainer: Trainer,
  /** For `trainer: command`: an argument vector with W&B's macros; never a shell. */
  command: Schema.NullOr(Schema.Array(Schema.String)),
  metric: Metric,
  /** Every objective of a sweep with several, the first being `metric`. */
  metrics: Schema.optionalKey(Schema.Array(Metric)),
  /** Limits on what trials report: one that breaks them is not feasible, and never the best. */
  outcomes: Schema.optionalKey(Schema.Array(OutcomeConstraint)),
  method: Method,
  /** Why the method was chosen where the file names none; absent where it does. */
  methodBecause: Schema.optionalKey(MethodReason),
  space: SearchSpace,
  /** Dotted names of the nested parameter groups; a command gets each as one argument. */
  groups: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Parameters whose lists and maps travel as their JSON text. */
  structured: Schema.optionalKey(Schema.Array(Schema.String)),
  /** For `trainer: command`: whether modules stand in for `wandb` and listen to other trackers; they do unless false. */
  standIns: Schema.optionalKey(Schema.Boolean),
  metricsFrom: Schema.optionalKey(MetricsFrom),
  /** For `trainer: command` with a program: the folder it was found from, in which it runs where an agent has it. */
  workingDirectory: Schema.optionalKey(Schema.String),
  /** The program, data and model as they were sent along; absent where agents read them at the same paths. */
  snapshot: Schema.optionalKey(Snapshot),
  /** What the file says of it: the folder to send, `null`: nothing is sent. Absent: the repository or folder of the program. */
  sourceFolder: Schema.optionalKey(Schema.NullOr(Schema.String)),
  seed: Schema.Int,
  /** Runs per set of parameters, with different seeds; samplers see their mean. */
  replicas: Schema.Int,
  /** The early-stopping rule with its options as the file gives them, checked by the spec room; `null`: none. */
  earlyTerminate: Schema.NullOr(Schema.Record(Schema.String, Schema.Json)),
  overfitting: Schema.Struct({ action: Schema.Literals(["flag", "stop"]) }),
  budget: Schema.Struct({
    trials: Schema.NullOr(Schema.Int),
    gpuHours: Schema.NullOr(Schema.Finite),
    hours: Schema.NullOr(Schema.Finite),
  }),
  /** Devices one trial takes. */
  resources: Schema.Struct({ gpus: Schema.Int }),
  probes: Schema.Array(Probe),
  taskMetrics: Schema.optionalKey(TaskMetrics),
  /** Names of variables with secrets that the trials get of their agent's environment; none unless given. */
  secrets: Schema.optionalKey(Schema.Array(Schema.String)),
  /** For `trainer: llamafactory`. */
  llamafactory: Schema.optionalKey(LlamaFactorySpec),
  /** Which files of its trials the coordinator keeps; `best` unless given. */
  artifacts: Schema.optionalKey(KeepRule),
  /** Trials to run first, exactly as given. */
  enqueue: Schema.Array(Parameters),
  /** Whether the result of the same run in another sweep stands for a new one. */
  reuse: Schema.optionalKey(Schema.Boolean),
  /**
   * What was in the model's folder when the sweep was submitted: a hash of the names, sizes and both ends of its files.
   * Absent for a model that a hub has.
   */
  modelFingerprint: Schema.optionalKey(Schema.String),
  /** Earlier sweeps whose results teach the sampler. */
  warmStart: Schema.optionalKey(Schema.Array(SweepId)),
  /** Those of their results that lay in the space when the sweep was submitted or extended; the coordinator's work. */
  learned: Schema.optionalKey(Schema.Array(Learned)),
  /** The file as it was written, for reproduction. */
  source: Schema.Struct({ path: Schema.String, text: Schema.String }),
}) {}
