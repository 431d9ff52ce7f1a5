// What a person can do about a verdict, most useful first, in terms of the trial's own parameters. Owns the words and
// the sizes of the steps; the verdict itself is diagnose's.
import type { CurveFeatures } from "@sweep/domain/Curve"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { parameterDefaults } from "@sweep/domain/TrainingConfig"
import type { VerdictKind } from "@sweep/domain/Verdict"
import type { DiagnosisContext } from "./DiagnosisContext.ts"
import { short } from "./numbers.ts"

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
  const total = context.totalSteps ?? (context.finished ? features.lastStep : null)
  if (epochs === undefined || numberOf(context, "max_steps") !== undefined || total === null || total <= 0)
    return undefined
  return (epochs * step) / total
}

/** Three, ten or thirty times less (or more): the steps people search learning rates in. */
const scaled = (rate: number, factor: number): string => short(Number((rate * factor).toPrecision(1)))

const lowerRate = (context: DiagnosisContext, factor: number): ReadonlyArray<string> => {
  const rate = numberOf(context, "learning_rate")
  return rate === undefined ? [] : [`lower learning_rate from ${short(rate)} to about ${scaled(rate, factor)}`]
}

const raiseRate = (context: DiagnosisContext): ReadonlyArray<string> => {
  const rate = numberOf(context, "learning_rate")
  return rate === undefined ? [] : [`raise learning_rate from ${short(rate)} to about ${scaled(rate, 3)}`]
}

const smallerRank = (context: DiagnosisContext): ReadonlyArray<string> => {
  const rank = numberOf(context, "rank")
  if (rank === undefined || rank <= 4) return []
  const alpha = numberOf(context, "alpha")
  const together = alpha === undefined ? "" : ` (and alpha from ${short(alpha)} to ${short(alpha / 2)} with it)`
  return [`lower rank from ${rank} to ${Math.floor(rank / 2)}${together}: fewer parameters memorise less`]
}

const moreDropout = (context: DiagnosisContext): ReadonlyArray<string> => {
  const dropout = numberOf(context, "dropout")
  if (dropout === undefined || dropout >= 0.3) return []
  return dropout < 0.1
    ? ["set dropout to 0.1, up to 0.3 if that is not enough"]
    : [`raise dropout from ${short(dropout)} towards 0.3`]
}

const moreData = (context: DiagnosisContext): string => {
  const samples = numberOf(context, "max_samples")
  return samples === undefined
    ? "add more, or more varied, training examples"
    : `use more training examples than max_samples: ${samples}`
}

const stopEarlier = (features: CurveFeatures, context: DiagnosisContext): ReadonlyArray<string> => {
  const { bestStep } = features
  if (bestStep === null) return []
  if (bestStep === 0)
    return ["the untouched base model has the lowest eval loss: nothing this trial learned helped on the eval file"]
  const epoch = epochAt(bestStep, context, features)
  const where = epoch === undefined ? `step ${bestStep}` : `step ${bestStep} (epoch ${short(epoch)})`
  const epochs = numberOf(context, "epochs")
  const fewer =
    epoch !== undefined && epochs !== undefined && Math.ceil(epoch) < epochs
      ? `; epochs: ${Math.max(1, Math.ceil(epoch))} is enough`
      : ""
  return [`stop at ${where}: the adapter of that step, the best by eval loss, is the one that is kept${fewer}`]
}

const overfitting = (features: CurveFeatures, context: DiagnosisContext): ReadonlyArray<string> => {
  const { bestStep, lastStep } = features
  const total = context.totalSteps ?? lastStep
  // Best within the first third: the steps are too large, not only too many.
  const early = bestStep !== null && total !== null && bestStep < total / 3
  const rate = lowerRate(context, 1 / 3)
  return [
    ...stopEarlier(features, context),
    ...(early ? rate : []),
    ...smallerRank(context),
    ...(early ? [] : rate),
    ...moreDropout(context),
    ...(numberOf(context, "weight_decay") === 0 ? ["set weight_decay to 0.01"] : []),
    moreData(context),
    ...(context.metric.startsWith("eval/loss")
      ? []
      : [`rank by ${context.metric} as this sweep does: the eval loss can rise while answers still improve`]),
  ]
}

const diverged = (context: DiagnosisContext): ReadonlyArray<string> => {
  const warmup = numberOf(context, "warmup_ratio")
  const clip = numberOf(context, "max_grad_norm")
  return [
    ...lowerRate(context, 1 / 10),
    ...(warmup !== undefined && warmup < 0.1 ? [`raise warmup_ratio from ${short(warmup)} to 0.1`] : []),
    ...(clip === 0 || (clip !== undefined && clip > 1) ? ["set max_grad_norm to 1"] : []),
    ...(valueOf(context, "precision") === "fp16" ? ["use precision: bf16, whose range fp16 lacks"] : []),
    "look for broken examples: empty answers, or sequences cut off before the answer begins",
  ]
}

const underfitting = (context: DiagnosisContext): ReadonlyArray<string> => {
  const epochs = numberOf(context, "epochs")
  const rank = numberOf(context, "rank")
  return [
    ...raiseRate(context),
    ...(epochs !== undefined && epochs < 3 ? [`train longer: epochs ${short(epochs)} → ${short(epochs + 1)}`] : []),
    ...(rank === undefined ? [] : [`raise rank from ${rank} to ${rank * 2}`]),
    ...(valueOf(context, "target_modules") === "all-linear" || context.trainer !== "peft"
      ? []
      : ["adapt all linear layers: target_modules: all-linear"]),
  ]
}

const inconclusive = (features: CurveFeatures, context: DiagnosisContext): ReadonlyArray<string> => {
  if (!context.finished) return []
  const evals = numberOf(context, "evals_per_epoch")
  return [
    features.evals === 0
      ? "report eval/loss: without it nothing can be said of overfitting"
      : evals === undefined
        ? "evaluate more often"
        : `evaluate more often: evals_per_epoch ${evals} → ${evals * 2}`,
  ]
}

/** What to do, most useful first; empty when there is nothing to do. */
export const adviceFor = (
  kind: VerdictKind,
  features: CurveFeatures,
  context: DiagnosisContext,
): ReadonlyArray<string> => {
  switch (kind) {
    case "overfitting":
      return overfitting(features, context)
    case "diverged":
      return diverged(context)
    case "underfitting":
      return underfitting(context)
    case "plateaued":
      return stopEarlier(features, context)
    case "inconclusive":
      return inconclusive(features, context)
    case "healthy":
      return context.finished && features.evals > 0 && features.bestStep === features.lastStep
        ? ["the eval loss was still at its lowest at the end: more epochs may lower it further"]
        : []
  }
}
