// Why something happened to a trial, a sweep or an agent: a code with its arguments, in no language. Owns the codes; the
// sentences are english.ts and chinese.ts, under the same keys. Decisions look at the tag, never at a sentence.
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { AgentId, TrialNumber } from "../Id.ts"
import { VerdictKind } from "../trial/Verdict.ts"

/** A value of the sweep's metric: JSON has no NaN, and `null` stands for "not a finite number". */
const Value = Schema.NullOr(Schema.Finite)
/** Where in training a rule compared. */
const point = { resource: Schema.Literals(["epoch", "step", "seconds"]), at: Schema.Finite }

/** The page of the documentation that says what to do. */
const Help = Schema.NullOr(Schema.String)
/** What a trainer left that did not say how it ended. */
const lastWords = {
  words: Schema.NullOr(Schema.String),
  /** Lines of events.jsonl, and what was wrong with the first. */
  unreadable: Schema.NullOr(Schema.Int),
  problem: Schema.NullOr(Schema.String),
}

/** Codes that hold no other reason. */
const plain = {
  /** A sentence that somebody wrote: a user, a program of theirs, or an earlier version of this one. */
  Said: { text: Schema.String },
  ByHand: {},
  FromPage: {},
  ByProgram: {},
  CtrlC: {},
  /** The command that ran the sweep has ended. */
  CommandEnded: {},
  /** The agent that a command had started for its sweep has ended. */
  OwnAgentEnded: {},
  SweepIsPaused: {},

  SpaceExhausted: {},
  SamplerExhausted: {},
  SamplerFailed: { message: Schema.String },
  TrialsSpent: { trials: Schema.Finite },
  HoursSpent: { hours: Schema.Finite },
  GpuHoursSpent: { hours: Schema.Finite },
  TargetReached: { trial: TrialNumber, metric: Schema.String, target: Schema.Finite },

  /** Successive halving: not among the best of those that reached the rung. */
  BehindAtRung: { ...point, value: Value, place: Schema.Int, among: Schema.Int, kept: Schema.Int },
  WorseThanMedian: { ...point, best: Value, trials: Schema.Int, bar: Value },
  WorseThanPercentile: { ...point, best: Value, percentile: Schema.Finite, trials: Schema.Int, bar: Value },
  /** `band` counts reported values of the metric. */
  WorseThanBand: { band: Schema.Int, value: Value, bar: Value, runs: Schema.Int },
  NoImprovement: { best: Value, values: Schema.Int },
  AboveBound: { value: Value, bound: Schema.Finite },
  BelowBound: { value: Value, bound: Schema.Finite },
  NotANumber: {},
  Judged: { verdict: VerdictKind, sinceStep: Schema.NullOr(Schema.Finite) },
  /** A rule had set it aside, and no trial is left whose result could bring it back. */
  NeverPromoted: {},
  /** A member of a population continues from the checkpoint of a better one. */
  Exploits: { ...point, place: Schema.Int, among: Schema.Int, parent: Schema.Int, value: Value },
  WaitsForPopulation: { step: Schema.Finite },

  /** Its trainer ended early without anybody but its agent having asked. */
  AgentAsked: {},
  AgentForgot: {},
  AgentSilent: { agent: AgentId, seconds: Schema.Finite },
  /** By a user, in whose words `why` is. */
  AgentRemoved: { agent: AgentId, why: Schema.NullOr(Schema.String) },
  /** `state`: what the engine calls the end of the job that was the agent. */
  JobEnded: { engine: Schema.String, state: Schema.String },
  JobGone: { engine: Schema.String },
  /** The attempt is not the trial's newest. */
  Superseded: {},
  Unstorable: {},

  AgentDrains: {},
  AgentStopped: {},
  AgentRestarted: {},
  /** A restarted agent cannot know how a trainer ended that was not its child. */
  EndUnknown: {},
  AgentFailed: { message: Schema.String },
  LeaseLapsed: { seconds: Schema.Finite },
  GivenAway: {},
  /** `sign`: what announced it. */
  HostLeaves: { seconds: Schema.Finite, sign: Schema.String },
  SlotMissing: { slot: Schema.Int },
  SlotBusy: { slot: Schema.Int, problem: Schema.String },
  SlotWithdrawn: { slot: Schema.Int },
  SourcesUnreachable: { problem: Schema.String },
  CheckpointUnreachable: { parent: TrialNumber, problem: Schema.String },
  DiskFull: { message: Schema.String },
  /** Somebody but the agent sent the trainer SIGTERM. */
  ForeignSignal: {},
  NotInTime: {},
  SpoolOverflow: { bytes: Schema.Finite },
  NoProgress: { minutes: Schema.Finite, step: Schema.Finite },

  /** How a trial failed, where no program of the user's said it. */
  NothingReported: { metric: Schema.String, help: Help },
  /** `arrived`: some of the metrics that did arrive, `more`: how many others. */
  MetricMissing: {
    metric: Schema.String,
    arrived: Schema.Array(Schema.String),
    more: Schema.NullOr(Schema.Int),
    near: Schema.NullOr(Schema.String),
    help: Help,
  },
  MetricNotFinite: { metric: Schema.String, value: Schema.String },
  NoTrainingRun: { problem: Schema.String },
  ReportUnstorable: { problem: Schema.String },
  HostOutOfMemory: {},
  TrainerOutOfMemory: { words: Schema.String },
  TrainerCannotStart: { words: Schema.String },
  TrainerExited: { status: Schema.NullOr(Schema.Int), ...lastWords },
  TrainerKilled: { signal: Schema.String, ...lastWords },
  /** The warm process called the attempt so, and the trainer wrote no such event. */
  TrainerContradicts: { status: Schema.String, ...lastWords },
  TrainerVanished: lastWords,
  TrainerForbidden: { agent: AgentId, trainer: Schema.String, allowed: Schema.Array(Schema.String) },
  MetricsForbidden: { agent: AgentId, metrics: Schema.Array(Schema.String), allowed: Schema.Array(Schema.String) },
  CannotPrepare: { problem: Schema.String },
} as const

const Plain = Schema.TaggedUnion(plain)

/** Codes that tell of an attempt's end, `last`, what followed from it. */
const following = {
  /** Released for another attempt, at the cost of one of the trial's retries. */
  Retried: { last: Plain },
  /** The agent seemed at fault: the trial goes to another one. */
  TakenFromAgent: { agent: AgentId, last: Plain },
} as const

export const Reason = Schema.TaggedUnion({
  ...plain,
  ...following,
  GaveUp: { attempts: Schema.Int, last: Schema.TaggedUnion({ ...plain, ...following }) },
})
export type Reason = typeof Reason.Type
export type ReasonTag = Reason["_tag"]
export type PlainReason = typeof Plain.Type

/** What a code's sentence is made of. */
export type ReasonArguments<Tag extends ReasonTag> = Omit<Extract<Reason, { readonly _tag: Tag }>, "_tag">

export const said = (text: string): Extract<Reason, { readonly _tag: "Said" }> => ({ _tag: "Said", text })

/** The end of an attempt that the reason comes down to. */
export const lastOf = (reason: Reason): PlainReason => {
  switch (reason._tag) {
    case "Retried":
    case "TakenFromAgent":
      return reason.last
    case "GaveUp":
      return lastOf(reason.last)
    default:
      return reason
  }
}

/** How the fact version before this one began the sentence that is `Retried` today: open trials keep their count. */
const retriedBefore = "retried after a bug: "

/** Of a fact from before there were codes: its sentence stands as it is, in every language. */
const ofOlderText = (text: string): Reason =>
  text.startsWith(retriedBefore) ? { _tag: "Retried", last: said(text.slice(retriedBefore.length)) } : said(text)

/** In a fact: a code, or the sentence of an older one. */
export const StoredReason = Schema.Union([Reason, Schema.String]).pipe(
  Schema.decodeTo(
    Schema.toType(Reason),
    SchemaTransformation.transform({
      decode: (stored) => (typeof stored === "string" ? ofOlderText(stored) : stored),
      encode: (reason): Reason | string => reason,
    }),
  ),
)
