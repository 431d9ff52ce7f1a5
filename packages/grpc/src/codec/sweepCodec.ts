// Between sweep.proto and the values of SweepApi. Owns the schemas of what has none in the domain, because it is the
// fold of facts or computed and is never stored (states, progress, results), and their conversion.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Artifact } from "@sweep/domain/Artifact"
import type { Curve } from "@sweep/domain/Curve"
import { Slot } from "@sweep/domain/Device"
import { Fact } from "@sweep/domain/Fact"
import { AgentId, Epoch, SweepId, TrialNumber } from "@sweep/domain/Id"
import { StoredOrigin } from "@sweep/domain/Origin"
import { OutOfMemory } from "@sweep/domain/OutOfMemory"
import { Parameters } from "@sweep/domain/Parameter"
import { Reason, StoredReason } from "@sweep/domain/Reason"
import { SweepSpec } from "@sweep/domain/SweepSpec"
import { trialStates } from "@sweep/domain/Trial"
import { FailureClass, TrialEvent } from "@sweep/domain/TrialEvent"
import { TrialWarning } from "@sweep/domain/TrialWarning"
import { Verdict } from "@sweep/domain/Verdict"
import * as wire from "@sweep/proto/sweep"
import { fromBytes64, toBytes64 } from "./columnBytes.ts"
import { jsonCodec } from "./jsonChunks.ts"
import type { ControlAction, Removal } from "@sweep/protocol/SweepApi"
import { WireError } from "../transport/WireError.ts"

const Values = Schema.Record(Schema.String, Schema.Number)

/** What a coordinator of an earlier version does not send. */
const added = <S extends Schema.Top & { readonly DecodingServices: never }>(schema: S, fallback: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefaultKey<S>(Effect.succeed(fallback as never)))

const Trial = Schema.Struct({
  sweep: SweepId,
  number: TrialNumber,
  parameters: Parameters,
  seed: Schema.Number,
  revision: Schema.Number,
  origin: StoredOrigin,
  state: Schema.Literals(trialStates),
  attempt: Schema.Number,
  epoch: Schema.NullOr(Epoch),
  agent: Schema.NullOr(AgentId),
  slot: Schema.NullOr(Schema.Number),
  host: added(Schema.NullOr(Schema.String), null),
  objective: Schema.NullOr(Schema.Number),
  values: Values,
  lastStep: added(Schema.NullOr(Schema.Number), null),
  stopReason: Schema.NullOr(StoredReason),
  failure: Schema.NullOr(
    Schema.Struct({
      class: FailureClass,
      message: StoredReason,
      detail: Schema.NullOr(Schema.String),
      memory: Schema.optionalKey(OutOfMemory),
    }),
  ),
  verdict: Schema.NullOr(Verdict),
  reusedFrom: added(Schema.NullOr(Schema.Struct({ sweep: SweepId, trial: TrialNumber })), null),
  createdAt: Schema.Number,
  startedAt: Schema.NullOr(Schema.Number),
  endedAt: Schema.NullOr(Schema.Number),
  busyMs: added(Schema.Number, 0),
  busySince: added(Schema.NullOr(Schema.Number), null),
  rounds: added(Schema.Number, 0),
  waitedAt: added(Schema.NullOr(Schema.Number), null),
  lineage: added(
    Schema.Array(
      Schema.Struct({
        trial: TrialNumber,
        epoch: Epoch,
        step: Schema.Number,
        after: Schema.NullOr(Epoch),
        replaced: Parameters,
        reason: StoredReason,
      }),
    ),
    [],
  ),
  warnings: added(
    Schema.Array(
      Schema.Union([
        Schema.Struct({ ...TrialWarning.cases.LinesSkipped.fields, epoch: Epoch }),
        Schema.Struct({ ...TrialWarning.cases.StepMadeSmaller.fields, epoch: Epoch }),
      ]),
    ),
    [],
  ),
})

const SweepState = Schema.Struct({
  id: SweepId,
  spec: SweepSpec,
  revision: Schema.Number,
  status: Schema.Literals(["running", "paused", "stopped", "finished"]),
  versions: Schema.Record(Schema.String, Schema.String),
  trials: Schema.ReadonlyMap(TrialNumber, Trial),
  createdAt: Schema.Number,
  endedAt: Schema.NullOr(Schema.Number),
  activeMs: added(Schema.Number, 0),
  activeSince: added(Schema.NullOr(Schema.Number), null),
  reason: Schema.NullOr(StoredReason),
})

const Progress = Schema.Array(
  Schema.Struct({
    sweep: SweepId,
    trial: TrialNumber,
    step: Schema.Number,
    totalSteps: Schema.NullOr(Schema.Number),
    values: Values,
  }),
)

const CoordinatorStatus = Schema.Struct({
  version: Schema.String,
  pid: Schema.Number,
  home: Schema.String,
  agents: Schema.Array(
    Schema.Struct({
      agent: AgentId,
      version: Schema.String,
      hostname: Schema.String,
      slots: Schema.Array(Slot),
      trainers: Schema.Array(Schema.String),
      running: Schema.Array(Schema.Struct({ sweep: SweepId, trial: TrialNumber, slot: Schema.Number })),
      state: Schema.Literals(["connected", "draining", "quarantined", "suspect", "lost"]),
    }),
  ),
})

/** Everything of a sweep but its curves, which travel in columns. */
const ResultsHead = Schema.Struct({
  sweep: SweepState,
  details: Schema.Array(
    Schema.Struct({
      trial: TrialNumber,
      started: Schema.NullOr(TrialEvent.members[0]),
      memory: Schema.NullOr(TrialEvent.members[2]),
      finished: Schema.NullOr(TrialEvent.members[5]),
      post: Schema.NullOr(TrialEvent.members[7]),
      samples: Schema.Array(TrialEvent.members[4]),
    }),
  ),
  attempts: Schema.Array(
    Schema.Struct({
      trial: TrialNumber,
      attempt: Schema.Number,
      agent: AgentId,
      assignedAt: Schema.Number,
      endedAt: Schema.NullOr(Schema.Number),
      end: Schema.NullOr(Schema.String),
      cause: added(Schema.NullOr(Reason), null),
    }),
  ),
  at: Schema.Number,
})

const QueryResult = Schema.Struct({
  columns: Schema.Array(Schema.Struct({ name: Schema.String, type: Schema.String })),
  rows: Schema.Array(Schema.Array(Schema.Unknown)),
  truncated: Schema.Boolean,
})

export const specJson = jsonCodec(SweepSpec)
export const factJson = jsonCodec(Fact)
export const stateJson = jsonCodec(SweepState)
export const statesJson = jsonCodec(Schema.Array(SweepState))
export const statusJson = jsonCodec(CoordinatorStatus)
export const progressJson = jsonCodec(Progress)
export const snapshotJson = jsonCodec(Schema.Struct({ sweep: SweepState, progress: Progress }))
export const resultsJson = jsonCodec(ResultsHead)
export const queryJson = jsonCodec(QueryResult)
export const artifactsJson = jsonCodec(Schema.Array(Artifact))

export const encodeCurve = (curve: Curve): wire.Curve => ({
  trial: curve.trial,
  metric: curve.metric,
  step: toBytes64(curve.points.map(({ step }) => step)),
  value: toBytes64(curve.points.map(({ value }) => value)),
})

/** Throws a WireError. */
export const decodeCurve = (curve: wire.Curve): Curve => {
  const step = fromBytes64("curve.step", curve.step)
  const value = fromBytes64("curve.value", curve.value)
  if (step.length !== value.length) throw new WireError({ message: "curve: the columns differ in length" })
  return {
    trial: TrialNumber.make(curve.trial),
    metric: curve.metric,
    points: Array.from(step, (at, i) => ({ step: at, value: value[i]! })),
  }
}

export const encodeRemoval = ({ trials, points, files, bytes }: Removal): wire.RemoveResponse => ({
  trials: BigInt(trials),
  points: BigInt(points),
  files: BigInt(files),
  bytes: BigInt(bytes),
})

export const decodeRemoval = ({ trials, points, files, bytes }: wire.RemoveResponse): Removal => ({
  trials: Number(trials),
  points: Number(points),
  files: Number(files),
  bytes: Number(bytes),
})

const actions = {
  stop: wire.ControlAction.CONTROL_ACTION_STOP,
  pause: wire.ControlAction.CONTROL_ACTION_PAUSE,
  resume: wire.ControlAction.CONTROL_ACTION_RESUME,
} as const satisfies Record<ControlAction, wire.ControlAction>

export const encodeAction = (action: ControlAction): wire.ControlAction => actions[action]

/** Throws a WireError. */
export const decodeAction = (value: wire.ControlAction): ControlAction => {
  const found = Object.entries(actions).find(([, code]) => code === value)
  if (found === undefined) throw new WireError({ message: `action: unknown value ${value}` })
  return found[0] as ControlAction
}
