// What diagnosis says of a trial. Owns the vocabulary; the rules that reach a verdict live in the diagnosis room.
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

export class Evidence extends Schema.Class<Evidence>("Evidence")({
  /** Which criterion: `generalization-loss`, `consecutive-increases`, `widening-gap` … */
  criterion: Schema.String,
  /** One sentence with the numbers in it. */
  statement: Schema.String,
  value: Schema.Finite,
  threshold: Schema.Finite,
  /** Whether the criterion was met. */
  holds: Schema.Boolean,
}) {}

export class Verdict extends Schema.Class<Verdict>("Verdict")({
  kind: VerdictKind,
  /** The optimiser step since which it holds (for overfitting: that of the best eval loss). */
  sinceStep: Schema.NullOr(Schema.Finite),
  evidence: Schema.Array(Evidence),
  /** What a person can do about it, most useful first. */
  advice: Schema.Array(Schema.String),
}) {}
