// One reason of every code, with arguments to choose: for tests that walk them all.
import { AgentId, TrialNumber } from "../src/Id.ts"
import { type PlainReason, type Reason, type ReasonArguments, type ReasonTag, said } from "../src/reason/Reason.ts"

export const exampleReasons = (options: {
  /** Of whatever is counted. */
  readonly count: number
  readonly value: number | null
  readonly resource?: "epoch" | "step" | "seconds"
  /** `null`: whatever may be left out is. */
  readonly sinceStep?: number | null
}): ReadonlyArray<Reason> => {
  const { count, value, resource = "epoch", sinceStep = 20 } = options
  const point = { resource, at: 2.5 }
  const agent = AgentId.make("gpu-7")
  const trial = TrialNumber.make(3)
  const silent: PlainReason = { _tag: "AgentSilent", agent, seconds: 90 }
  const optional = <Value>(of: Value): Value | null => (sinceStep === null ? null : of)
  const help = optional("docs/scripts.md")
  const left = { words: optional("Bus error"), unreadable: optional(count), problem: optional("no JSON") }
  const examples: { readonly [Tag in ReasonTag]: ReasonArguments<Tag> } = {
    Said: { text: 'it\'s "enough" — 够了' },
    ByHand: {},
    FromPage: {},
    ByProgram: {},
    CtrlC: {},
    CommandEnded: {},
    OwnAgentEnded: {},
    SweepIsPaused: {},
    SpaceExhausted: {},
    SamplerExhausted: {},
    SamplerFailed: { message: "no such thing" },
    TrialsSpent: { trials: count },
    HoursSpent: { hours: count },
    GpuHoursSpent: { hours: count },
    TargetReached: { trial, metric: "eval/loss", target: 0.25 },
    BehindAtRung: { ...point, value, place: 5, among: 9, kept: count },
    WorseThanMedian: { ...point, best: value, trials: count, bar: 0.123456 },
    WorseThanPercentile: { ...point, best: value, percentile: 25, trials: count, bar: 12345.678 },
    WorseThanBand: { band: 3, value, bar: -0.5, runs: count },
    NoImprovement: { best: value, values: count },
    AboveBound: { value, bound: 1.5 },
    BelowBound: { value, bound: 0 },
    NotANumber: {},
    Judged: { verdict: "overfitting", sinceStep },
    NeverPromoted: {},
    Exploits: { ...point, place: 4, among: 4, parent: 3, value },
    WaitsForPopulation: { step: 128 },
    AgentAsked: {},
    AgentForgot: {},
    AgentSilent: { agent, seconds: 90 },
    AgentRemoved: { agent, why: sinceStep === null ? null : "it is sold" },
    JobEnded: { engine: "slurm", state: "NODE_FAIL" },
    JobGone: { engine: "slurm" },
    Superseded: {},
    Unstorable: {},
    AgentDrains: {},
    AgentStopped: {},
    AgentRestarted: {},
    EndUnknown: {},
    AgentFailed: { message: "a defect" },
    LeaseLapsed: { seconds: 900 },
    GivenAway: {},
    HostLeaves: { seconds: 30, sign: "SIGUSR1" },
    SlotMissing: { slot: 2 },
    SlotBusy: { slot: 2, problem: "another process holds its memory" },
    SlotWithdrawn: { slot: 0 },
    SourcesUnreachable: { problem: "the disk is full" },
    CheckpointUnreachable: { parent: trial, problem: "the coordinator has none" },
    DiskFull: { message: "No space left on device" },
    ForeignSignal: {},
    NotInTime: {},
    SpoolOverflow: { bytes: 1_000_000_000 },
    NoProgress: { minutes: 2.5, step: 40 },
    NothingReported: { metric: "loss", help },
    MetricMissing: { metric: "loss", arrived: ["eval/loss", "lr"], more: optional(count), near: optional("los"), help },
    MetricNotFinite: { metric: "loss", value: "-Infinity" },
    NoTrainingRun: { problem: "`rank` cannot be 0" },
    ReportUnstorable: { problem: "a name is too long" },
    HostOutOfMemory: {},
    TrainerOutOfMemory: { words: "CUDA out of memory" },
    TrainerCannotStart: { words: "No module named 'torch'" },
    TrainerExited: { status: 1, ...left },
    TrainerKilled: { signal: "SIGSEGV", ...left },
    TrainerContradicts: { status: "failed", ...left },
    TrainerVanished: left,
    TrainerForbidden: { agent, trainer: "command", allowed: optional(["peft"]) ?? [] },
    MetricsForbidden: { agent, metrics: ["judge.py:score"], allowed: optional(["/metrics"]) ?? [] },
    CannotPrepare: { problem: "no such slot" },
    Retried: { last: said("the GPU fell off the bus") },
    TakenFromAgent: { agent, last: said("a package is missing") },
    GaveUp: { attempts: count, last: silent },
  }
  const one = Object.entries(examples).map(([_tag, args]) => ({ _tag, ...args }) as Reason)
  const retried = { _tag: "Retried", last: silent } as const
  return [...one, { _tag: "GaveUp", attempts: count, last: retried }]
}
