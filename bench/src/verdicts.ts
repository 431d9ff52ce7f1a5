// How often verdicts are right: every curve of the looked-at-once half is diagnosed as a finished trial and compared with
// its label (docs/verdicts.md). `node bench/src/verdicts.ts [--curves FILE] [--half tune]`; the last line of stdout is one
// JSON object. Printed are precision and recall by verdict with Wilson's 95 % intervals, by source, and how often the
// step is right within one evaluation. A curve with two acceptable labels counts only when the verdict is neither.
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { diagnose } from "@sweep/diagnosis/diagnose"
import { curveFeatures } from "@sweep/domain/Curve"
import { SweepId, TrialNumber } from "@sweep/domain/Id"
import type { VerdictKind } from "@sweep/domain/Verdict"
import { chosenCurves, groupOf } from "./curves/chosenCurves.ts"
import { labelCurve } from "./curves/labelCurve.ts"
import type { RealCurve } from "./curves/readCurves.ts"
import { root } from "./root.ts"

const letters: Readonly<Record<string, VerdictKind>> = {
  h: "healthy",
  o: "overfitting",
  u: "underfitting",
  p: "plateaued",
  d: "diverged",
}
const kinds: ReadonlyArray<VerdictKind> = [
  "overfitting",
  "diverged",
  "plateaued",
  "underfitting",
  "healthy",
  "inconclusive",
]

const byEye = new Map(
  readFileSync(join(root, "bench/data/curve-labels.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" ") as [string, string]),
)

const { curves, half } = chosenCurves()

/** Every verdict that would be right; empty where the rule is unsure and nobody has looked. */
const labelsOf = (curve: RealCurve) => {
  const label = labelCurve(curve.evals, curve.train)
  if (label.clear) return { right: [label.kind], since: label.since, clear: true }
  const id = createHash("sha256")
    .update(curve.source + curve.path)
    .digest("hex")
    .slice(0, 5)
  const seen = half === "held" ? byEye.get(id) : undefined
  return { right: Array.from(seen ?? "", (letter) => letters[letter]!), since: null, clear: false }
}

const wilson = (hits: number, of: number): readonly [number, number] => {
  if (of === 0) return [0, 1]
  const z = 1.96
  const share = hits / of
  const middle = (share + z ** 2 / (2 * of)) / (1 + z ** 2 / of)
  const width = (z * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2))) / (1 + z ** 2 / of)
  return [Math.max(0, middle - width), Math.min(1, middle + width)]
}

const judged = curves.flatMap((curve) => {
  const labels = labelsOf(curve)
  if (labels.right.length === 0) return []
  const features = curveFeatures(SweepId.make("bench"), TrialNumber.make(1), curve.evals, curve.train)
  const verdict = diagnose(features, {
    finished: true,
    parameters: {},
    trainer: "external",
    totalSteps: null,
    metric: "eval/loss",
    goal: "minimize",
  })
  const at = (step: number | null) => features.steps.findIndex((one) => one >= (step ?? Number.NaN))
  const near = labels.since === null || Math.abs(at(labels.since) - at(verdict.sinceStep)) <= 1
  return [{ curve, ...labels, said: verdict.kind, near }]
})

interface Row {
  readonly kind: VerdictKind
  readonly precision: number | null
  readonly recall: number | null
  readonly right: number
  readonly said: number
  readonly labelled: number
}
const share = (hits: number, of: number): number | null => (of === 0 ? null : Number((hits / of).toFixed(3)))
const shown = (hits: number, of: number): string => {
  const [low, high] = wilson(hits, of)
  return of === 0
    ? "–".padEnd(32)
    : `${(hits / of).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] of ${of}`.padEnd(32)
}

const table = (name: string, among: typeof judged): ReadonlyArray<Row> => {
  console.log(`\n${name}: ${among.length} curves, ${among.filter(({ clear }) => !clear).length} labelled by eye`)
  return kinds.map((kind): Row => {
    const said = among.filter((one) => one.said === kind && (one.right.length === 1 || !one.right.includes(kind)))
    const labelled = among.filter(({ right }) => right.length === 1 && right[0] === kind)
    const right = labelled.filter((one) => one.said === kind)
    console.log(
      `  ${kind.padEnd(13)} precision ${shown(right.length, said.length)} recall ${shown(right.length, labelled.length)}`,
    )
    return {
      kind,
      precision: share(right.length, said.length),
      recall: share(right.length, labelled.length),
      right: right.length,
      said: said.length,
      labelled: labelled.length,
    }
  })
}

for (const [name, among] of Map.groupBy(judged, ({ curve }) => groupOf(curve))) table(name, among)
const all = table(`all sources, half "${half}"`, judged)
const clear = table(
  "of these, those that the rule labels",
  judged.filter((one) => one.clear),
)

const dated = judged.filter(({ right, said, since }) => since !== null && said === right[0] && said !== "plateaued")
const near = dated.filter(({ near: is }) => is).length
console.log(`\nsince when, within one evaluation: ${shown(near, dated.length)}`)

/** Fewer labelled curves than this say nothing of a goal. */
const leastLabelled = 10
const goal = (kind: VerdictKind): number => (kind === "overfitting" ? 0.95 : 0.9)
const ok = all
  .filter(({ labelled }) => labelled >= leastLabelled)
  .every(({ kind, precision, recall }) => (precision ?? 0) >= goal(kind) && (recall ?? 0) >= goal(kind))
console.log(
  JSON.stringify({ bench: "verdicts", half, curves: judged.length, all, clear, since: share(near, dated.length), ok }),
)
