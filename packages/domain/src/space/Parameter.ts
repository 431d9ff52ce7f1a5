// A parameter's value and a set of them. Owns equality and the canonical text of a set, nothing about where they come from.
import * as Schema from "effect/Schema"

export const ParameterValue = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])
export type ParameterValue = typeof ParameterValue.Type

/** It becomes a part of arguments and of files' fields: none begins with `-`, or holds what a program could take apart. */
export const parameterNamePattern = /^[A-Za-z_][A-Za-z0-9_.-]*$/
export const ParameterName = Schema.String.check(Schema.isPattern(parameterNamePattern))

/** Nested parameters are flat here: `optimizer.learning_rate`. */
export const Parameters = Schema.Record(Schema.String, ParameterValue)
export type Parameters = typeof Parameters.Type

/** Same parameters, same text, whatever the order of the keys: what duplicates are found by. */
export const canonicalText = (parameters: Parameters): string =>
  JSON.stringify(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
