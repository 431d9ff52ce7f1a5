// From a trial's curves to a verdict. Owns the order of the rules: what is broken and what cannot be judged come first,
// overfitting before the milder findings, healthy last. Pure; measurements and thresholds are in rules.ts and answers.ts,
// what to do about a verdict in advice.ts, the sentences in sentences/.
//
//   diverged       a loss is not finite, or train and eval loss have both blown up and stayed there
//   inconclusive   fewer than four evaluations
//   overfitting    the eval loss is above its lowest by more than noise while the train loss fell; or the metric that
//                  trials are ranked by is worse than its best by more than noise
//   underfitting   the trial is over and neither loss has fallen
//   plateaued      the eval loss, or without one the metric, has gone nowhere for a third of the run
//   healthy        none of these
import type { CurveFeatures } from "@sweep/domain/Curve"
import { type Evidence, Verdict, type VerdictKind } from "@sweep/domain/Verdict"
import { adviceFor } from "./advice.ts"
import { answersOf, worseAnswers } from "./answers.ts"
import type { DiagnosisContext } from "./DiagnosisContext.ts"
import { evidence } from "./evidence.ts"
import { isCertain } from "./isCertain.ts"
import { divergence, flatEnd, leastEvals, overfitting, shapeOf, underfitting } from "./rules.ts"

/** What is to be said of a trial with these curves. */
export const diagnose = (features: CurveFeatures, context: DiagnosisContext): Verdict => {
  const shape = shapeOf(features.steps, features.evals)
  const answers = answersOf(features, context)
  const verdict = (kind: VerdictKind, sinceStep: number | null, found: ReadonlyArray<Evidence>): Verdict =>
    new Verdict({
      kind,
      sinceStep,
      ...((kind === "overfitting" || kind === "diverged") && isCertain(features) ? { certain: true } : {}),
      evidence: found,
      advice: adviceFor(kind, features, context, found),
    })

  const diverged = divergence(features, shape)
  if (diverged !== null) return verdict("diverged", diverged.since, [diverged.evidence])

  const { evals, steps, metricSteps } = features
  const hasLoss = evals.length >= leastEvals
  const hasAnswers = answers !== null && answers.values.length >= leastEvals
  if (!hasLoss && !hasAnswers) {
    const most = Math.max(evals.length, features.metricValues.length)
    const of = { value: most, threshold: leastEvals, holds: false }
    return verdict("inconclusive", null, [evidence("evals", { evals: most, needed: leastEvals }, of)])
  }

  const rise = hasLoss ? overfitting(features, shape) : { holds: false, evidence: [] }
  const worse = hasAnswers ? worseAnswers(features, answers, context) : null
  const ofAnswers = worse === null ? [] : [worse.evidence]
  if (rise.holds) return verdict("overfitting", steps[shape.best]!, [...rise.evidence, ...ofAnswers])
  if (worse?.holds === true)
    return verdict("overfitting", metricSteps[answers!.best]!, [...ofAnswers, ...rise.evidence])

  const little = hasLoss ? underfitting(features, shape) : { holds: false, evidence: [] }
  if (context.finished && little.holds) return verdict("underfitting", null, little.evidence)

  const flat = flatEnd(hasLoss ? shape : answers!)
  // Answers that still improve are no plateau, whatever the loss does.
  const isImproving = hasAnswers && !flatEnd(answers).holds
  if (flat.holds && !isImproving)
    return verdict("plateaued", flat.since, [flat.evidence, ...rise.evidence, ...ofAnswers])

  return verdict("healthy", null, [...rise.evidence, flat.evidence, ...little.evidence, ...ofAnswers])
}
