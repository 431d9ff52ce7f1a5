// What values a parameter can take, and with what density. Owns the schema of each distribution of W&B's sweep
// file, in the same terms; drawing from them is the samplers' work.
import * as Schema from "effect/Schema"
import { ParameterValue } from "./Parameter.ts"

const bounds = { min: Schema.Finite, max: Schema.Finite }

export const Distribution = Schema.TaggedUnion({
  /** One value. */
  Constant: { value: ParameterValue },
  /** Each value with its probability, or all equally likely (`probabilities: null`). */
  Categorical: {
    values: Schema.NonEmptyArray(ParameterValue),
    probabilities: Schema.NullOr(Schema.Array(Schema.Finite)),
  },
  /** Integers from min to max, both included. */
  IntUniform: bounds,
  Uniform: bounds,
  /** round(X / q) · q, X uniform in [min, max]. */
  QUniform: { ...bounds, q: Schema.Finite },
  /** exp(U), U uniform in [ln min, ln max]; min > 0. */
  LogUniform: bounds,
  QLogUniform: { ...bounds, q: Schema.Finite },
  /** X such that ln(1 / X) is uniform in [ln(1 / max), ln(1 / min)]: by this formula the same as LogUniform. */
  InvLogUniform: bounds,
  Normal: { mu: Schema.Finite, sigma: Schema.Finite },
  QNormal: { mu: Schema.Finite, sigma: Schema.Finite, q: Schema.Finite },
  /** exp(N(mu, sigma)). */
  LogNormal: { mu: Schema.Finite, sigma: Schema.Finite },
  QLogNormal: { mu: Schema.Finite, sigma: Schema.Finite, q: Schema.Finite },
  Beta: { a: Schema.Finite, b: Schema.Finite },
  QBeta: { a: Schema.Finite, b: Schema.Finite, q: Schema.Finite },
})
export type Distribution = typeof Distribution.Type
