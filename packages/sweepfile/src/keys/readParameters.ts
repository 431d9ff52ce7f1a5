// `parameters` of a sweep file as a flat list, in the order of the file: nested groups become dotted names, shorthands
// become distributions. Owns names and forms; expressions are kept as fields for `readSpace` to compile, once every
// parameter is known.
import type { Distribution } from "@sweep/domain/Distribution"
import { parameterNamePattern } from "@sweep/domain/Parameter"
import { alphaRule, beliefWithin, publishedFor, publishedNames } from "@sweep/domain/published"
import type { Dimension } from "@sweep/domain/SearchSpace"
import { describeNode, didYouMean, Field, type Fields, oneOf } from "../parse/Field.ts"
import type { Span } from "../parse/Source.ts"
import type { MapEntry } from "../parse/YamlTree.ts"
import { distributionKeys, readDistribution, readValues } from "./readDistribution.ts"

export interface ReadParameter {
  readonly name: string
  /** Where its name stands. */
  readonly key: Span
  readonly field: Field
  readonly takes:
    | { readonly _tag: "Searched"; readonly distribution: Distribution; readonly prior: Dimension["prior"] }
    | { readonly _tag: "Derived"; readonly derive: Field }
    /** Its values could not be read; the name is known all the same. */
    | { readonly _tag: "Unread" }
  /** Its own and those of the groups around it; all have to hold. */
  readonly when: ReadonlyArray<Field>
  /** `prior: default`: of published studies it has its belief, or its range, too; known in full once the data are. */
  readonly published?: "belief" | "range"
}

export interface ReadParameters {
  readonly parameters: ReadonlyArray<ReadParameter>
  /** Dotted names of the nested groups. */
  readonly groups: ReadonlyArray<string>
}

const keys = [...distributionKeys, "parameters", "derive", "when", "prior"]

const badName = (name: string): boolean =>
  !parameterNamePattern.test(name) || name.endsWith(".") || name.includes("..") || name.split(".").includes("__proto__")

const readPrior = (field: Field, distribution: Distribution): Dimension["prior"] | undefined => {
  const fields = field.map(["center", "width"])
  if (fields === undefined) return undefined
  const listed = distribution._tag === "Categorical" ? distribution.values : []
  if (distribution._tag === "Constant" || listed.some((value) => typeof value !== "number")) {
    return field.report({
      message: `\`${field.path}\` is a belief about numbers, and this parameter has none to choose from`,
    })
  }
  const centerField = fields.require("center")
  const widthField = fields.require("width")
  const center = centerField?.number()
  const width = widthField?.number({ above: 0 })
  if (center === undefined || width === undefined) return undefined
  const [min, max] =
    "min" in distribution
      ? [distribution.min, distribution.max]
      : listed.length > 0
        ? [Math.min(...(listed as ReadonlyArray<number>)), Math.max(...(listed as ReadonlyArray<number>))]
        : "a" in distribution
          ? [0, 1]
          : /^Q?Log/.test(distribution._tag)
            ? [Number.MIN_VALUE, Infinity]
            : [-Infinity, Infinity]
  if (center < min || center > max) {
    return centerField!.report({
      message: `\`${centerField!.path}\` lies outside the parameter's range`,
      found: String(center),
      expected: `a number from ${min} to ${max}`,
    })
  }
  return { center, width }
}

/** `allowJson`: lists and maps may stand as values, for commands. */
export const readParameters = (field: Field, allowJson: boolean): ReadParameters => {
  const parameters: Array<ReadParameter> = []
  const groups: Array<string> = []
  const taken = new Set<string>()
  /** Every part of a dotted name that is a group by that name. */
  const groupsTaken = new Map<string, string>()

  const add = (parameter: ReadParameter): void => {
    const { name } = parameter
    const inside = name.split(".").map((_, i, parts) => parts.slice(0, i + 1).join("."))
    const clash = inside.find((group) => taken.has(group)) ?? groupsTaken.get(name)
    if (clash !== undefined) {
      parameter.field.report({
        message:
          clash === name
            ? `the parameter \`${name}\` is given twice`
            : `\`${name}\` and \`${clash}\`: a parameter cannot be a value and a group at once`,
      })
      return
    }
    taken.add(name)
    for (const group of inside.slice(0, -1)) groupsTaken.set(group, name)
    parameters.push(parameter)
  }

  const readOne = (entry: MapEntry, name: string, field: Field, when: ReadonlyArray<Field>): void => {
    const { node } = field
    const key = entry.keySpan
    if (node.kind === "list") {
      const values = readValues(field, allowJson)
      const distribution: Distribution | undefined =
        values === undefined ? undefined : { _tag: "Categorical", values, probabilities: null }
      add({ name, key, field, when, takes: searched(distribution, null) })
      return
    }
    if (node.kind === "scalar") {
      if (node.value === null && node.source === "") {
        field.report({
          message: `\`${field.path}\` has no value`,
          expected: "a value, a list of values, or a map such as `{min: 1, max: 3}`",
          hint: "for a value that is null write `null`",
        })
        add({ name, key, field, when, takes: { _tag: "Unread" } })
      } else add({ name, key, field, when, takes: searched({ _tag: "Constant", value: node.value }, null) })
      return
    }
    const fields = field.map(keys)!
    const own = fields.get("when")
    const conditions = own === undefined ? when : [...when, own]
    const nested = fields.get("parameters")
    if (nested !== undefined) {
      refuseBeside(fields, "parameters", ["when"])
      groups.push(name)
      readMap(nested, `${name}.`, conditions)
      return
    }
    const derive = fields.get("derive")
    if (derive !== undefined) {
      refuseBeside(fields, "derive", ["when"])
      add({ name, key, field, when: conditions, takes: { _tag: "Derived", derive } })
      return
    }
    // A misspelt key has been reported; what is missing because of it needs no second report.
    const belief = fields.get("prior")
    if (belief !== undefined && belief.node.kind === "scalar" && belief.node.value === "default") {
      return readPublished(entry, name, field, fields, belief, conditions)
    }
    const allKnown = node.entries.every((entry) => keys.includes(entry.key))
    const hasForm = distributionKeys.some((known) => fields.has(known))
    const distribution = allKnown || hasForm ? readDistribution(entry.key, fields, allowJson) : undefined
    const priorField = fields.get("prior")
    const prior = priorField === undefined || distribution === undefined ? null : readPrior(priorField, distribution)
    add({ name, key, field, when: conditions, takes: searched(distribution, prior ?? null) })
  }

  /** `prior: default`, with a range of the file's own or without. */
  const readPublished = (
    entry: MapEntry,
    name: string,
    field: Field,
    fields: Fields,
    belief: Field,
    when: ReadonlyArray<Field>,
  ): void => {
    const own = distributionKeys.some((known) => fields.has(known))
    const of = { name, key: entry.keySpan, field, when }
    if (!publishedNames.includes(name)) {
      belief.report({
        message: `no default is known for \`${name}\``,
        expected: `\`prior: default\` at ${oneOf(publishedNames)}, or \`prior: {center, width}\``,
      })
      return add({ ...of, takes: { _tag: "Unread" } })
    }
    if (name === "alpha") {
      if (own) {
        belief.report({
          message: "`alpha` follows from the rank by default, and has no range of its own then",
          expected: "`alpha: {prior: default}`, or a range without `prior: default`",
        })
      }
      // Its rule depends on parameters that may stand further down.
      return add({ ...of, takes: { _tag: "Derived", derive: belief }, published: "range" })
    }
    const found = publishedFor(name, { size: null, records: null, trains: "adapter" })!
    const distribution = own ? readDistribution(entry.key, fields, allowJson) : found.distribution
    if (distribution === undefined) return add({ ...of, takes: { _tag: "Unread" } })
    add({
      ...of,
      takes: searched(distribution, own ? beliefWithin(found, distribution) : found.prior),
      published: own ? "belief" : "range",
    })
  }

  /** What alpha is by default, once rank and variants are known. */
  const withAlpha = (parameter: ReadParameter): ReadParameter => {
    if (parameter.published === undefined || parameter.takes._tag !== "Derived") return parameter
    const { derive } = parameter.takes
    const value = alphaRule(variantsOf(parameters), taken.has("rank"))
    const node = { ...derive.node, kind: "scalar", value, source: value } as typeof derive.node
    return { ...parameter, takes: { _tag: "Derived", derive: new Field(derive.source, node, derive.path) } }
  }

  const readMap = (map: Field, prefix: string, when: ReadonlyArray<Field>): void => {
    const fields = map.map(undefined, "a map of parameters")
    if (fields === undefined) return
    if (map.node.kind === "map" && map.node.entries.length === 0) {
      map.report({ message: `\`${map.path}\` is empty: there is nothing to set or to vary` })
    }
    if (map.node.kind !== "map") return
    for (const entry of map.node.entries) {
      const inner = fields.get(entry.key)!
      if (badName(entry.key)) {
        map.source.report(entry.keySpan, inner.path, {
          message: `\`${entry.key}\` cannot be a parameter's name`,
          expected: "a letter or `_`, then letters, digits, `_`, `.` and `-`",
        })
        continue
      }
      if (prefix === "" && entry.key === "parameters" && inner.node.kind === "map") {
        inner.warn({ message: "a parameter named `parameters`", hint: "is one level of nesting too many?" })
      }
      readOne(entry, `${prefix}${entry.key}`, inner, when)
    }
  }

  readMap(field, "", [])
  return { parameters: parameters.map(withAlpha), groups }
}

/** The variants that the file names; none: the trainer's default. */
export const variantsOf = (parameters: ReadonlyArray<ReadParameter>): ReadonlyArray<unknown> => {
  const takes = parameters.find(({ name }) => name === "variant")?.takes
  if (takes?._tag !== "Searched") return []
  const { distribution } = takes
  return distribution._tag === "Categorical"
    ? distribution.values
    : distribution._tag === "Constant"
      ? [distribution.value]
      : []
}

const searched = (distribution: Distribution | undefined, prior: Dimension["prior"]): ReadParameter["takes"] =>
  distribution === undefined ? { _tag: "Unread" } : { _tag: "Searched", distribution, prior }

const refuseBeside = (fields: Fields, form: string, allowed: ReadonlyArray<string>): void => {
  for (const [key, field] of fields) {
    if (key === form || allowed.includes(key)) continue
    field.report({
      message: `\`${key}\` cannot stand beside \`${form}\` in \`${fields.of.path}\``,
      found: describeNode(field.node),
      hint: form === "derive" ? "a derived parameter is not searched" : didYouMean(key, allowed),
    })
  }
}
