// `early_terminate`: which rule ends trials, with its options. Owns the options of each rule, their defaults and bounds
// (docs/sweep-file.md has the same table in words); the rules themselves are the search package's. The result holds every
// option, defaults filled in.
import type * as Schema from "effect/Schema"
import { describeNode, type Field, type Fields, type NumberRule } from "../parse/Field.ts"

type Json = typeof Schema.Json.Type
type Option = (field: Field | undefined, fields: Fields) => Json | undefined

const number =
  (fallback: number | null, rule: NumberRule): Option =>
  (field) =>
    field === undefined || (fallback === null && field.isNull) ? fallback : field.number(rule)

const word =
  (fallback: string, words: ReadonlyArray<string>): Option =>
  (field) =>
    field === undefined ? fallback : field.word(words)

const boolean =
  (fallback: boolean): Option =>
  (field) =>
    field === undefined ? fallback : field.boolean()

const list =
  (fallback: ReadonlyArray<Json> | null, what: string, read: (field: Field) => Json | undefined): Option =>
  (field) => {
    if (field === undefined) return fallback
    const items = field.list(what)?.map(read)
    if (items === undefined || items.includes(undefined)) return undefined
    return items.length === 0 ? field.wrong(what) : (items as ReadonlyArray<Json>)
  }

const action = word("stop", ["stop", "pause"])
const from = (min: 0 | 1): Option => (min === 0 ? number(0, { min: 0 }) : number(1, { above: 0 }))

/** `epoch` needs a trainer that reports epochs. */
const rules = (resource: Option): Readonly<Record<string, Readonly<Record<string, Option>>>> => {
  const rungs = {
    resource,
    min_resource: from(1),
    max_resource: number(null, { above: 0 }),
    eta: number(3, { above: 1 }),
  }
  return {
    hyperband: {
      min_iter: number(null, { integer: true, min: 1 }),
      max_iter: number(null, { integer: true, min: 1 }),
      s: number(null, { integer: true, min: 1 }),
      eta: number(3, { above: 1 }),
      strict: boolean(true),
      action,
    },
    asha: { ...rungs, mode: word("promote", ["stop", "promote"]), brackets: number(1, { integer: true, min: 1 }) },
    median: {
      resource,
      min_resource: from(0),
      min_trials: number(5, { integer: true, min: 1 }),
      percentile: number(50, { above: 0, below: 100 }),
      action,
    },
    patience: {
      resource,
      min_resource: from(0),
      patience: number(3, { integer: true, min: 1 }),
      min_delta: number(0, { min: 0 }),
      action,
    },
    threshold: { resource, min_resource: from(0), lower: number(null, {}), upper: number(null, {}), action },
    bohb: { ...rungs, mode: word("promote", ["stop", "promote"]), brackets: number(null, { integer: true, min: 1 }) },
    pbt: {
      resource,
      interval: number(1, { above: 0 }),
      population: number(8, { integer: true, min: 2 }),
      quantile: number(0.25, { above: 0, max: 0.5 }),
      resample_probability: number(0.25, { min: 0, max: 1 }),
      perturb: list([0.8, 1.2], "a list of factors", (field) => field.number({ above: 0 })),
      parameters: list(null, "a list of parameter names", (field) => field.text()),
    },
  }
}

/** What has to hold between the options of one rule; the first that does not is reported. */
const between = (
  type: string,
  options: Readonly<Record<string, Json>>,
  fields: Fields,
  dropped: Array<string>,
): boolean => {
  const { of } = fields
  const report = (key: string | null, message: string, expected: string) => {
    ;((key === null ? undefined : fields.get(key)) ?? of).report({ message, expected, found: found(fields) })
    return false
  }
  if (type === "hyperband") {
    const expected = "either `min_iter`, or `max_iter` with `s`"
    const given = (key: string) => options[key] !== null
    const fromAbove = given("max_iter") && given("s")
    if (!given("min_iter") && !fromAbove) return report(null, "hyperband does not say where its bands are", expected)
    // As W&B does: the bands are those of `max_iter` and `s` where both are there, else those of `min_iter`.
    for (const key of fromAbove ? ["min_iter"] : ["max_iter", "s"]) {
      if (!given("min_iter") || !given(key)) continue
      const bands = fromAbove ? "`max_iter` and `s`" : "`min_iter`"
      fields.get(key)!.warn({ message: `\`${key}\` has no effect: the bands of hyperband are those of ${bands}` })
      dropped.push(key)
    }
  }
  if (type === "threshold") {
    const { lower, upper } = options
    if (lower === null && upper === null) return report(null, "`threshold` has no bound", "`lower` or `upper`")
    if (typeof lower === "number" && typeof upper === "number" && lower >= upper) {
      return report("lower", "`lower` is not less than `upper`", "lower less than upper")
    }
  }
  const { min_resource: min, max_resource: max } = options
  if (typeof min === "number" && typeof max === "number" && max <= min) {
    return report("max_resource", "`max_resource` is not greater than `min_resource`", `a number greater than ${min}`)
  }
  return true
}

const found = (fields: Fields): string | null =>
  Array.from(fields)
    .filter(([key]) => key !== "type")
    .map(([key, field]) => `${key}: ${field.node.kind === "scalar" ? field.node.source : describeNode(field.node)}`)
    .join(", ") || null

/** `epochs`: whether the trainer is known to report epochs, so that they are the natural resource. */
export const readEarlyTerminate = (
  field: Field,
  context: { readonly epochs: boolean; readonly parameters: ReadonlyArray<string> },
): Readonly<Record<string, Json>> | undefined => {
  const known = rules(word(context.epochs ? "epoch" : "step", ["epoch", "step", "seconds"]))
  const typeField = field.map()?.require("type", "for example `type: asha`")
  const type = typeField?.word(Object.keys(known))
  if (type === undefined) return undefined
  const rule = known[type]!
  const fields = field.map(["type", ...Object.keys(rule)])!
  const options: Record<string, Json> = { type }
  let good = true
  for (const [key, option] of Object.entries(rule)) {
    const value = option(fields.get(key), fields)
    if (value === undefined) good = false
    else options[key] = value
  }
  const dropped: Array<string> = []
  if (!good || !between(type, options, fields, dropped)) return undefined
  for (const key of dropped) options[key] = null
  for (const name of fields.get("parameters")?.list() ?? []) {
    if (name.node.kind === "scalar" && !context.parameters.includes(String(name.node.value))) {
      name.word(context.parameters)
    }
  }
  return options
}
