// The space a sweep searches: its dimensions in the order of the file, the parameters derived from them, and the
// constraints. Owns the shape only; conditions, derivations and constraints are CEL text that the search package evaluates.
import * as Schema from "effect/Schema"
import { Distribution } from "./Distribution.ts"
import { ParameterName } from "./Parameter.ts"

export class Dimension extends Schema.Class<Dimension>("Dimension")({
  name: ParameterName,
  distribution: Distribution,
  /** CEL over the other parameters; the dimension exists only where it is true. */
  when: Schema.NullOr(Schema.String),
  /** A belief where good values lie, in the parameter's own unit; `width` is one standard deviation (in decades for log distributions). */
  prior: Schema.NullOr(Schema.Struct({ center: Schema.Finite, width: Schema.Finite })),
}) {}

export class Derived extends Schema.Class<Derived>("Derived")({
  name: ParameterName,
  /** CEL over the dimensions and the derived parameters before it. */
  expression: Schema.String,
  when: Schema.NullOr(Schema.String),
}) {}

export class SearchSpace extends Schema.Class<SearchSpace>("SearchSpace")({
  dimensions: Schema.Array(Dimension),
  derived: Schema.Array(Derived),
  /** CEL, each true of every trial. */
  constraints: Schema.Array(Schema.String),
}) {}
