// What diagnosis says of a trial. Owns the vocabulary; the rules that reach a verdict live in the diagnosis package, and
// so do the sentences: a verdict holds codes and the numbers that belong into their sentences, in no language.
import * as Schema from "effect/Schema"

export const VerdictKind = Schema.Literals([
  "healthy",
  "overfitting",
  "underfitting",
  "diverged",
  "plateaued",
  "inconclusive",
])
export type VerdictKind = typeof VerdictKind.Type

/** What stands in the gaps of a sentence. */
export const Arguments = Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.String]))
export type Arguments = typeof Arguments.Type

export class Evidence extends Schema.Class<Evidence>("Evidence")({
  /** Which criterion: `eval-rise`, `train-falls`, `flat-end` … */
  criterion: Schema.String,
  /** The numbers of its sentence. */
  args: Schema.optionalKey(Arguments),
  /** The sentence, in facts from before verdicts held codes: `args` is missing there. */
  statement: Schema.optionalKey(Schema.String),
  value: Schema.Finite,
  threshold: Schema.Finite,
  /** Whether the criterion was met. */
  holds: Schema.Boolean,
}) {}

/** Something a user can do: a code, as `lower-rate`, and the numbers of its sentence. */
export class Advice extends Schema.Class<Advice>("Advice")({
  code: Schema.String,
  args: Arguments,
}) {}

export class Verdict extends Schema.Class<Verdict>("Verdict")({
  kind: VerdictKind,
  /** The optimiser step since which it holds (for overfitting: that of the best eval loss). */
  sinceStep: Schema.NullOr(Schema.Finite),
  /** Whether a running trial will not come back from it: only then may it be ended for its verdict. */
  certain: Schema.optionalKey(Schema.Boolean),
  evidence: Schema.Array(Evidence),
  /** What a user can do about it, most useful first. A string is a sentence of a fact from before there were codes. */
  advice: Schema.Array(Schema.Union([Advice, Schema.String])),
}) {}
