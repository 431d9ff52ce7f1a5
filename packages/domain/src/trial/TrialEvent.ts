// What a trainer reports, as it stands in events.jsonl (docs/trainer-contract.md). Owns the schema of each line;
// reading the file is the agent's work, storing it the store's.
import * as Schema from "effect/Schema"
import { TrialNumber } from "../Id.ts"
import { MemoryKind } from "./OutOfMemory.ts"

export const FailureClass = Schema.Literals(["oom", "diverged", "data", "dependency", "unreported", "bug"])
export type FailureClass = typeof FailureClass.Type

/** JSON has no NaN: a value that is not finite travels as its name. */
const MetricValue = Schema.Union([Schema.Finite, Schema.Literals(["NaN", "Infinity", "-Infinity"])])
export const metricNumber = (value: typeof MetricValue.Type): number => Number(value)
export const Values = Schema.Record(Schema.String, MetricValue)
/** Whole numbers of lines and probes: what the columns that keep them hold. */
const mostLines = 2 ** 31 - 1
export const LineNumber = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostLines }))
const line = { seq: LineNumber, at: Schema.String }
const Seconds = Schema.Record(Schema.String, Schema.Finite)

/** How an optimiser step is computed: in pieces of so many sequences. */
const StepSize = Schema.Struct({ micro_batch_size: Schema.Int, gradient_checkpointing: Schema.Boolean })

export const TrialEvent = Schema.Union([
  Schema.Struct({
    ...line,
    type: Schema.Literal("started"),
    pid: Schema.Int,
    warm: Schema.Boolean,
    versions: Schema.Record(Schema.String, Schema.String),
    device: Schema.String,
    trainable_parameters: Schema.optionalKey(Schema.Finite),
    total_parameters: Schema.optionalKey(Schema.Finite),
    total_steps: Schema.optionalKey(Schema.Finite),
    /** Steps that a shorter trial of the sweep had done for it, and which trial that was. */
    shared_steps: Schema.optionalKey(Schema.Finite),
    shared_from: Schema.optionalKey(Schema.NullOr(TrialNumber)),
    timings: Schema.optionalKey(Seconds),
  }),
  Schema.Struct({
    ...line,
    type: Schema.Literal("metrics"),
    step: Schema.Finite,
    epoch: Schema.optionalKey(Schema.Finite),
    values: Values,
  }),
  Schema.Struct({
    ...line,
    type: Schema.Literal("memory"),
    peak_device_bytes: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
    peak_host_bytes: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
    /** A step was out of memory so computed; what follows is computed as `next` says, with the same result. */
    kind: Schema.optionalKey(MemoryKind),
    out_of_memory: Schema.optionalKey(StepSize),
    next: Schema.optionalKey(StepSize),
  }),
  Schema.Struct({
    ...line,
    type: Schema.Literal("checkpoint"),
    step: Schema.Finite,
    path: Schema.String,
    bytes: Schema.Finite,
  }),
  Schema.Struct({
    ...line,
    type: Schema.Literal("sample"),
    probe: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: mostLines })),
    prompt: Schema.String,
    answer: Schema.String,
  }),
  Schema.Struct({
    ...line,
    type: Schema.Literal("finished"),
    step: Schema.Finite,
    values: Values,
    adapter: Schema.optionalKey(Schema.NullOr(Schema.String)),
    interrupted: Schema.Boolean,
    timings: Schema.optionalKey(Seconds),
  }),
  Schema.Struct({
    ...line,
    type: Schema.Literal("failed"),
    class: FailureClass,
    message: Schema.String,
    detail: Schema.NullOr(Schema.String),
    /** Of the class `oom`. */
    memory: Schema.optionalKey(
      Schema.Struct({
        kind: MemoryKind,
        peak_device_bytes: Schema.NullOr(Schema.Finite),
        peak_host_bytes: Schema.NullOr(Schema.Finite),
        tried: Schema.NullOr(StepSize),
      }),
    ),
  }),
  Schema.Struct({
    ...line,
    type: Schema.Literal("post"),
    post: Schema.String,
    /** The evaluation of what was trained, and of what the post made of it. */
    before: Values,
    after: Values,
    layers: Schema.optionalKey(
      Schema.Array(
        Schema.Struct({
          module: Schema.String,
          rank: Schema.Int,
          kept: Schema.Int,
          similarity: Schema.NullOr(Schema.Finite),
        }),
      ),
    ),
  }),
  /** It left at `pause_at`, with a checkpoint to resume from. */
  Schema.Struct({ ...line, type: Schema.Literal("paused"), step: Schema.Finite }),
])
export type TrialEvent = typeof TrialEvent.Type
export type TrialEventOf<T extends TrialEvent["type"]> = Extract<TrialEvent, { readonly type: T }>

/** One line of events.jsonl. Fails with a readable `SchemaError`; unknown fields are ignored. */
export const decodeTrialEventLine = Schema.decodeUnknownEffect(Schema.fromJsonString(TrialEvent))
