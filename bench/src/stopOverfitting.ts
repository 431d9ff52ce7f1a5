// What `overfitting: stop` costs and saves: every curve of the looked-at-once half is replayed evaluation by evaluation
// and ended where the rule would end it. `node bench/src/stopOverfitting.ts [--curves FILE] [--half tune]`; the last line
// of stdout is one JSON object. A stop is false when the curve later goes more than 1 % below the lowest evaluation that
// it had made by then. Beside it the verdict itself as the rule: ended as soon as a trial is called overfitting.
import { diagnose } from "@sweep/diagnosis/diagnose"
import { shouldStop } from "@sweep/diagnosis/shouldStop"
import { type CurveFeatures, curveFeatures } from "@sweep/domain/Curve"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import { chosenCurves, groupOf } from "./curves/chosenCurves.ts"
import type { RealCurve } from "./curves/readCurves.ts"

const { curves, half } = chosenCurves()
const long = curves.filter(({ evals }) => evals.filter(({ value }) => Number.isFinite(value)).length >= 5)

const featuresOf = (curve: RealCurve): CurveFeatures =>
  curveFeatures(SweepId.make("bench"), TrialNumber.make(1), curve.evals, curve.train)

const asOf = (features: CurveFeatures, evals: number): CurveFeatures => {
  const now = features.steps[evals - 1]!
  const { nonFiniteStep } = features
  return {
    ...features,
    steps: features.steps.slice(0, evals),
    evals: features.evals.slice(0, evals),
    train: features.train.slice(0, evals),
    nonFiniteStep: nonFiniteStep !== null && nonFiniteStep <= now ? nonFiniteStep : null,
  }
}

const context = {
  finished: false,
  parameters: {},
  trainer: "external",
  totalSteps: null,
  metric: "eval/loss",
  goal: "minimize",
} as const
const rules: Readonly<Record<string, (seen: CurveFeatures) => boolean>> = {
  "overfitting: stop": (seen) => shouldStop(diagnose(seen, context), "stop"),
  "at the first verdict": (seen) => ["overfitting", "diverged"].includes(diagnose(seen, context).kind),
}

interface Row {
  readonly rule: string
  readonly source: string
  readonly curves: number
  readonly stopped: number
  readonly false: number
  readonly falseShare: number
  /** Mean over the stopped: by how much the lowest eval loss until then lies above that of the whole curve. */
  readonly qualityLost: number
  /** Mean over the stopped, and over all curves: the share of steps that were not run. */
  readonly savedOfStopped: number
  readonly savedOfAll: number
}

const mean = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : Number((values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(4))

const measure = (rule: string, source: string, among: ReadonlyArray<RealCurve>): Row => {
  const stops = among.flatMap((curve) => {
    const features = featuresOf(curve)
    const { evals, steps } = features
    const lowest = Math.min(...evals)
    for (let seen = 2; seen < evals.length; seen++) {
      const now = asOf(features, seen)
      if (!rules[rule]!(now)) continue
      return [{ lost: Math.min(...now.evals) / lowest - 1, saved: 1 - steps[seen - 1]! / steps.at(-1)! }]
    }
    return []
  })
  const wrong = stops.filter(({ lost }) => 1 / (1 + lost) < 0.99).length
  return {
    rule,
    source,
    curves: among.length,
    stopped: stops.length,
    false: wrong,
    falseShare: mean(stops.map(({ lost }) => (1 / (1 + lost) < 0.99 ? 1 : 0))),
    qualityLost: mean(stops.map(({ lost }) => lost)),
    savedOfStopped: mean(stops.map(({ saved }) => saved)),
    savedOfAll: Number((stops.reduce((sum, { saved }) => sum + saved, 0) / Math.max(1, among.length)).toFixed(4)),
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(7)
const rows = Object.keys(rules).flatMap((rule) => [
  ...Array.from(Map.groupBy(long, groupOf), ([source, among]) => measure(rule, source, among)),
  measure(rule, "all", long),
])
for (const row of rows) {
  console.log(
    `${row.rule.padEnd(21)} ${row.source.padEnd(18)} ${String(row.stopped).padStart(4)} of ${String(row.curves).padStart(4)} stopped, false ${percent(row.falseShare)} (${row.false}), quality lost ${percent(row.qualityLost)}, steps saved ${percent(row.savedOfStopped)} of theirs, ${percent(row.savedOfAll)} of all`,
  )
}
const stop = rows.find(({ rule, source }) => rule === "overfitting: stop" && source === "all")!
/** One in eleven is what wanting three verdicts in a row alone gets to. */
const ok = stop.falseShare < 0.09
console.log(JSON.stringify({ bench: "stopOverfitting", half, rows, ok }))
