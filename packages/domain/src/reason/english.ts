// The reasons in English: clauses, which stand after a colon as well as alone. A sentence ends with the reason that it
// holds: the SQL of the views is made from these.
import type { Catalogue } from "./Catalogue.ts"
import { choice, type Gaps, names, number, optional, type Phrase, plural, reason, say } from "./Phrase.ts"

const point = ({ resource, at }: Gaps<{ resource: "epoch" | "step" | "seconds"; at: number }>): Phrase =>
  say`${choice(resource, { epoch: say`epoch`, step: say`step`, seconds: say`second` })} ${at}`

type Left = Gaps<{ words: string | null; unreadable: number | null; problem: string | null }>
const leftBehind = ({ words, unreadable, problem }: Left): Phrase =>
  say`${optional(words, say` Its last words: ${words}`)}${optional(unreadable, say` ${plural(unreadable, "line")} of events.jsonl could not be read; the first: ${problem}.`)}`

export const english: Catalogue = {
  Said: ({ text }) => say`${text}`,
  ByHand: () => say`by hand`,
  FromPage: () => say`from the page`,
  ByProgram: () => say`a program asked for it`,
  CtrlC: () => say`Ctrl-C`,
  CommandEnded: () => say`the command that ran it has ended`,
  OwnAgentEnded: () => say`the agent of this machine ended`,
  SweepIsPaused: () => say`the sweep is paused`,

  SpaceExhausted: () => say`every set of parameters was tried`,
  SamplerExhausted: () => say`the sampler has nothing more to try`,
  SamplerFailed: ({ message }) => say`the sampler failed: ${message}`,
  TrialsSpent: ({ trials }) => say`its budget of ${plural(trials, "trial")} is used`,
  HoursSpent: ({ hours }) => say`its budget of ${plural(hours, "hour")} is used`,
  GpuHoursSpent: ({ hours }) => say`its budget of ${plural(hours, "GPU hour")} is used`,
  TargetReached: ({ trial, metric, target }) => say`trial ${trial} reached the target ${target} of ${metric}`,

  BehindAtRung: (gaps) =>
    say`at ${point(gaps)} it is number ${gaps.place} of ${gaps.among} with ${number(gaps.value)}; only the best ${plural(gaps.kept, "trial")} continue`,
  WorseThanMedian: (gaps) =>
    say`at ${point(gaps)} its best, ${number(gaps.best)}, is worse than the median of ${plural(gaps.trials, "trial")}, ${number(gaps.bar)}`,
  WorseThanPercentile: (gaps) =>
    say`at ${point(gaps)} its best, ${number(gaps.best)}, is worse than percentile ${gaps.percentile} of ${plural(gaps.trials, "trial")}, ${number(gaps.bar)}`,
  WorseThanBand: ({ band, value, bar, runs }) =>
    say`at value ${band} of the metric ${number(value)} is worse than ${number(bar)}, the threshold of ${plural(runs, "run")}`,
  NoImprovement: ({ best, values }) => say`no improvement on ${number(best)} in the last ${plural(values, "value")}`,
  AboveBound: ({ value, bound }) => say`${number(value)} is above ${bound}`,
  BelowBound: ({ value, bound }) => say`${number(value)} is below ${bound}`,
  NotANumber: () => say`its value is not a number`,
  Judged: ({ verdict, sinceStep }) => say`${verdict}${optional(sinceStep, say` since step ${sinceStep}`)}`,
  NeverPromoted: () => say`the stopping rule had set it aside, and no trial is left that could bring it back`,
  Exploits: (gaps) =>
    say`at ${point(gaps)} it is number ${gaps.place} of ${gaps.among}; it continues from trial ${gaps.parent} (${number(gaps.value)})`,
  WaitsForPopulation: ({ step }) => say`it waits at step ${step}`,

  AgentAsked: () => say`its agent asked it to stop`,
  AgentForgot: () => say`the agent came back without it`,
  AgentSilent: ({ agent, seconds }) => say`agent ${agent} was not heard of for ${seconds} s`,
  AgentRemoved: ({ agent, why }) => say`a user removed agent ${agent}${optional(why, say`: ${why}`)}`,
  JobEnded: ({ engine, state }) => say`${engine} has ended its job: ${state}`,
  JobGone: ({ engine }) => say`${engine} has ended its job: it is gone from the queue`,
  Superseded: () => say`this attempt no longer counts`,
  Unstorable: () => say`what it reports cannot be stored`,

  AgentDrains: () => say`the agent drains`,
  AgentStopped: () => say`the agent was stopped`,
  AgentRestarted: () => say`the agent restarted`,
  EndUnknown: () => say`the agent restarted, and the trainer ended without saying how`,
  AgentFailed: ({ message }) => say`the agent could not continue it: ${message}`,
  LeaseLapsed: ({ seconds }) => say`the agent's lease ended: no contact with the coordinator for ${seconds} s`,
  GivenAway: () => say`the coordinator has given the trial up or to another agent`,
  HostLeaves: ({ seconds, sign }) => say`the agent's host goes within ${seconds} s (${sign})`,
  SlotMissing: ({ slot }) => say`the agent has no slot ${slot}`,
  SlotBusy: ({ slot, problem }) => say`slot ${slot} of the agent is not free: ${problem}`,
  SlotWithdrawn: ({ slot }) => say`slot ${slot} of the agent is withdrawn`,
  SourcesUnreachable: ({ problem }) => say`its source snapshot cannot be had here: ${problem}`,
  CheckpointUnreachable: ({ parent, problem }) => say`the checkpoint of trial ${parent} cannot be fetched: ${problem}`,
  DiskFull: ({ message }) => say`the disk of the agent's host is full: ${message}`,
  ForeignSignal: () => say`something other than this agent asked the trainer to leave (SIGTERM)`,
  NotInTime: () => say`it did not finish in time`,
  SpoolOverflow: ({ bytes }) => say`The trainer wrote more than ${bytes} bytes of events.`,
  NoProgress: ({ minutes, step }) =>
    say`The trainer made no progress: for ${minutes} min it wrote no event and no line of a log, the last at step ${step}.`,

  NothingReported: ({ metric, help }) =>
    say`the metric \`${metric}\` never arrived, nor did any other: the trainer reported nothing${optional(help, say`. How a program reports its metrics: ${help}`)}`,
  MetricMissing: ({ metric, arrived, more, near, help }) =>
    say`the metric \`${metric}\` never arrived; what did: ${names(arrived)}${optional(more, say` and ${more} more`)}${optional(near, say`. Did you mean \`${near}\`?`)}${optional(help, say`. How a program reports its metrics: ${help}`)}`,
  MetricNotFinite: ({ metric, value }) => say`the metric \`${metric}\` was ${value}`,
  NoTrainingRun: ({ problem }) => say`these parameters describe no training run: ${problem}`,
  ReportUnstorable: ({ problem }) => say`What the trainer reports cannot be stored: ${problem}`,
  HostOutOfMemory: () => say`The kernel ended the trainer because the machine's memory ran out.`,
  TrainerOutOfMemory: ({ words }) => say`The trainer ran out of memory: ${words}`,
  TrainerCannotStart: ({ words }) => say`The trainer could not start: ${words}`,
  TrainerExited: (gaps) =>
    say`The trainer exited with status ${gaps.status} without saying how the trial ended.${leftBehind(gaps)}`,
  TrainerKilled: (gaps) => say`The trainer was ended by ${gaps.signal}.${leftBehind(gaps)}`,
  TrainerContradicts: (gaps) =>
    say`The trainer reported the attempt as ${gaps.status} but wrote no such event.${leftBehind(gaps)}`,
  TrainerVanished: (left) => say`The trainer ended without saying how the trial ended.${leftBehind(left)}`,
  TrainerForbidden: ({ agent, trainer, allowed }) =>
    say`Agent ${agent} does not allow the trainer \`${trainer}\`; its owner allows: ${names(allowed, "none")}.`,
  MetricsForbidden: ({ agent, metrics, allowed }) =>
    say`Agent ${agent} does not run ${names(metrics)} as a metric; its owner allows the metrics' code of ${names(allowed, "no folder")} (sweep agent --allow-metrics DIR).`,
  CannotPrepare: ({ problem }) => say`The agent cannot prepare the attempt: ${problem}`,

  Retried: ({ last }) => say`retried after a bug: ${reason(last)}`,
  TakenFromAgent: ({ agent, last }) => say`taken from agent ${agent}, where it failed: ${reason(last)}`,
  GaveUp: ({ attempts, last }) =>
    say`given up after ${plural(attempts, "attempt")} without a result; the last: ${reason(last)}`,
}
