// What a user can do about a verdict, most useful first, in terms of the trial's own parameters. Owns the choice and the
// sizes of the steps; the sentences stand in sentences/ under the same codes. What was tried on the 480 real trials of the
// response table and made more trials worse than better (a lower rank, more dropout against overfitting) is not advised.
import { type CurveFeatures, lossNames } from "@sweep/domain/Curve"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import { Advice, type Arguments, type Evidence, type VerdictKind } from "@sweep/domain/Verdict"
import type { DiagnosisContext } from "./DiagnosisContext.ts"

/** By code, what its sentence names. */
export interface AdviceArguments {
  readonly "base-is-best": Readonly<Record<string, never>>
  readonly "keep-step": { readonly step: number }
  readonly "keep-epoch": { readonly step: number; readonly epoch: number }
  readonly "fewer-epochs": { readonly step: number; readonly epoch: number; readonly epochs: number }
  readonly "stop-at-step": { readonly step: number }
  readonly "stop-at-epoch": { readonly step: number; readonly epoch: number }
  readonly "enough-at-step": { readonly step: number }
  readonly "enough-at-epoch": { readonly step: number; readonly epoch: number }
  readonly "lower-rate": { readonly from: number; readonly to: number }
  readonly "raise-rate": { readonly from: number; readonly to: number }
  readonly "more-data": Readonly<Record<string, never>>
  readonly "more-samples": { readonly samples: number }
  readonly "watch-metric": { readonly metric: string }
  readonly "checkpoint-by-metric": { readonly metric: string; readonly step: number }
  readonly "more-warmup": { readonly from: number; readonly to: number }
  readonly clip: { readonly to: number }
  readonly bf16: Readonly<Record<string, never>>
  readonly "check-examples": Readonly<Record<string, never>>
  readonly longer: { readonly from: number; readonly to: number }
  readonly "raise-rank": { readonly from: number; readonly to: number }
  readonly "all-linear": Readonly<Record<string, never>>
  readonly "report-eval-loss": Readonly<Record<string, never>>
  readonly "evaluate-more": Readonly<Record<string, never>>
  readonly "evaluate-more-often": { readonly from: number; readonly to: number }
  readonly "still-falling": Readonly<Record<string, never>>
}

const advice = <Code extends keyof AdviceArguments>(code: Code, args: AdviceArguments[Code]): Advice =>
  new Advice({ code, args: { ...args } as Arguments })

type Name = keyof typeof parameterDefaults

/** The value the trial ran with; `undefined` where nobody knows it. */
const valueOf = ({ parameters, trainer }: DiagnosisContext, name: Name): ParameterValue | undefined =>
  parameters[name] ?? (trainer === "peft" ? parameterDefaults[name] : undefined)

const numberOf = (context: DiagnosisContext, name: Name): number | undefined => {
  const value = valueOf(context, name)
  return typeof value === "number" ? value : undefined
}

/** Epochs done at `step`, where the plan of the trial is known. */
const epochAt = (step: number, context: DiagnosisContext, features: CurveFeatures): number | undefined => {
  const epochs = numberOf(context, "epochs")
  const total = context.totalSteps ?? (context.finished ? (features.steps.at(-1) ?? null) : null)
  if (epochs === undefined || numberOf(context, "max_steps") !== undefined || total === null || total <= 0)
    return undefined
  return (epochs * step) / total
}

/** Three, ten or thirty times less (or more): the steps people search learning rates in. */
const scaled = (rate: number, factor: number): number => Number((rate * factor).toPrecision(1))

const lowerRate = (context: DiagnosisContext, factor: number): ReadonlyArray<Advice> => {
  const from = numberOf(context, "learning_rate")
  return from === undefined ? [] : [advice("lower-rate", { from, to: scaled(from, factor) })]
}

const raiseRate = (context: DiagnosisContext): ReadonlyArray<Advice> => {
  const from = numberOf(context, "learning_rate")
  return from === undefined ? [] : [advice("raise-rate", { from, to: scaled(from, 3) })]
}

const moreData = (context: DiagnosisContext): Advice => {
  const samples = numberOf(context, "max_samples")
  return samples === undefined ? advice("more-data", {}) : advice("more-samples", { samples })
}

/** The step of the lowest eval loss; `null` without one. */
const bestStepOf = ({ steps, evals }: CurveFeatures): number | null => {
  const at = evals.indexOf(evals.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY))
  return steps[at] ?? null
}

/** Only the peft trainer keeps an adapter of the best step by itself; of other programs nobody knows what they keep. */
const stopEarlier = (features: CurveFeatures, context: DiagnosisContext): ReadonlyArray<Advice> => {
  const step = bestStepOf(features)
  if (step === null) return []
  if (step === 0) return [advice("base-is-best", {})]
  const epoch = epochAt(step, context, features)
  if (context.trainer !== "peft")
    return [epoch === undefined ? advice("stop-at-step", { step }) : advice("stop-at-epoch", { step, epoch })]
  if (epoch === undefined) return [advice("keep-step", { step })]
  const epochs = numberOf(context, "epochs")
  const enough = Math.max(1, Math.ceil(epoch))
  return epochs !== undefined && enough < epochs
    ? [advice("fewer-epochs", { step, epoch, epochs: enough })]
    : [advice("keep-epoch", { step, epoch })]
}

/** A plateau gains nothing worth its steps. The best checkpoint is kept where it lies before the end. */
const enough = (
  features: CurveFeatures,
  context: DiagnosisContext,
  found: ReadonlyArray<Evidence>,
): ReadonlyArray<Advice> => {
  if (features.evals.length > 0 && bestStepOf(features) !== features.steps.at(-1)) return stopEarlier(features, context)
  const step = found.find(({ criterion }) => criterion === "flat-end")?.args?.["since"]
  if (typeof step !== "number") return []
  const epoch = epochAt(step, context, features)
  return [epoch === undefined ? advice("enough-at-step", { step }) : advice("enough-at-epoch", { step, epoch })]
}

const overfitting = (
  features: CurveFeatures,
  context: DiagnosisContext,
  found: ReadonlyArray<Evidence>,
): ReadonlyArray<Advice> => {
  // Of the loss, or of the answers alone?
  const byLoss = found.some(({ criterion, holds }) => criterion === "eval-rise" && holds)
  const worst = found.find(
    ({ criterion, holds }) => holds && (criterion === "metric-worse" || criterion === "loss-better-answers-worse"),
  )
  const step = worst?.args?.["bestStep"]
  return [
    ...(typeof step === "number" ? [advice("checkpoint-by-metric", { metric: context.metric, step })] : []),
    ...(byLoss && worst === undefined ? stopEarlier(features, context) : []),
    ...lowerRate(context, 1 / 3),
    moreData(context),
    ...(byLoss && worst === undefined && context.rankedBy === undefined && !lossNames(context.metric).isEvalLoss
      ? [advice("watch-metric", { metric: context.metric })]
      : []),
  ]
}

const diverged = (context: DiagnosisContext): ReadonlyArray<Advice> => {
  const warmup = numberOf(context, "warmup_ratio")
  const clip = numberOf(context, "max_grad_norm")
  return [
    ...lowerRate(context, 1 / 10),
    ...(warmup !== undefined && warmup < 0.1 ? [advice("more-warmup", { from: warmup, to: 0.1 })] : []),
    ...(clip === 0 || (clip !== undefined && clip > 1) ? [advice("clip", { to: 1 })] : []),
    ...(valueOf(context, "precision") === "fp16" ? [advice("bf16", {})] : []),
    advice("check-examples", {}),
  ]
}

const underfitting = (context: DiagnosisContext): ReadonlyArray<Advice> => {
  const epochs = numberOf(context, "epochs")
  const rank = numberOf(context, "rank")
  return [
    ...raiseRate(context),
    ...(epochs === undefined ? [] : [advice("longer", { from: epochs, to: Math.ceil(epochs) * 2 })]),
    ...(rank === undefined ? [] : [advice("raise-rank", { from: rank, to: rank * 2 })]),
    ...(context.trainer !== "peft" || valueOf(context, "target_modules") === "all-linear"
      ? []
      : [advice("all-linear", {})]),
  ]
}

const inconclusive = (features: CurveFeatures, context: DiagnosisContext): ReadonlyArray<Advice> => {
  if (!context.finished) return []
  const evals = numberOf(context, "evals_per_epoch")
  return [
    features.evals.length === 0 && features.metricValues.length === 0
      ? advice("report-eval-loss", {})
      : evals === undefined
        ? advice("evaluate-more", {})
        : advice("evaluate-more-often", { from: evals, to: evals * 2 }),
  ]
}

/** What to do, most useful first; empty when there is nothing to do. `found`: the evidence of the verdict. */
export const adviceFor = (
  kind: VerdictKind,
  features: CurveFeatures,
  context: DiagnosisContext,
  found: ReadonlyArray<Evidence>,
): ReadonlyArray<Advice> => {
  switch (kind) {
    case "overfitting":
      return overfitting(features, context, found)
    case "diverged":
      return diverged(context)
    case "underfitting":
      return underfitting(context)
    case "plateaued":
      return enough(features, context, found)
    case "inconclusive":
      return inconclusive(features, context)
    case "healthy":
      return context.finished && features.evals.length > 0 && bestStepOf(features) === features.steps.at(-1)
        ? [advice("still-falling", {})]
        : []
  }
}
