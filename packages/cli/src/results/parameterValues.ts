// Parameters as a person writes them after `--set`: each value is YAML, as in a sweep file.
import * as Effect from "effect/Effect"
import { parse } from "yaml"
import type { Parameters, ParameterValue } from "@sweep/domain/Parameter"
import { badInput } from "../exitCodes.ts"
import { refuseSecretsIn } from "../running/refuseSecrets.ts"

export const parameterValues = Effect.fnUntraced(function* (given: Readonly<Record<string, string>>) {
  const values: Record<string, ParameterValue> = {}
  for (const [name, text] of Object.entries(given)) {
    yield* refuseSecretsIn(`--set ${name}`, text)
    const value: unknown = yield* Effect.try({
      try: () => parse(text) as unknown,
      catch: () => badInput(`--set ${name}: '${text}' is no value; put quotes around a text.`),
    })
    if (value !== null && typeof value === "object") {
      return yield* badInput(`--set ${name}: a trial has one value; '${text}' is several.`)
    }
    if (typeof value === "number" && !Number.isFinite(value)) {
      return yield* badInput(`--set ${name}: ${text} is not a finite number.`)
    }
    values[name] = value as ParameterValue
  }
  return values satisfies Parameters
})
