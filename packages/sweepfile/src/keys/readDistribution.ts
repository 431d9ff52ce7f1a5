// One parameter's distribution, in W&B's words. Owns the table of distributions and their keys, what may be left out,
// and the checks within one parameter; what trainers and methods can do with it is checked elsewhere.
import type { Distribution } from "@sweep/domain/Distribution"
import type { ParameterValue } from "@sweep/domain/Parameter"
import { didYouMean, describeNode, type Field, type Fields, oneOf } from "../parse/Field.ts"
import type { YamlNode } from "../parse/YamlTree.ts"

/** The keys of each distribution; those of `optional` have W&B's default. */
const keysOf = {
  constant: { required: ["value"], optional: [] },
  categorical: { required: ["values"], optional: ["probabilities"] },
  categorical_w_probabilities: { required: ["values"], optional: ["probabilities"] },
  int_uniform: { required: ["min", "max"], optional: [] },
  uniform: { required: ["min", "max"], optional: [] },
  q_uniform: { required: ["min", "max"], optional: ["q"] },
  log_uniform_values: { required: ["min", "max"], optional: [] },
  q_log_uniform_values: { required: ["min", "max"], optional: ["q"] },
  inv_log_uniform_values: { required: ["min", "max"], optional: [] },
  normal: { required: [], optional: ["mu", "sigma"] },
  q_normal: { required: [], optional: ["mu", "sigma", "q"] },
  log_normal: { required: [], optional: ["mu", "sigma"] },
  q_log_normal: { required: [], optional: ["mu", "sigma", "q"] },
  beta: { required: [], optional: ["a", "b"] },
  q_beta: { required: [], optional: ["a", "b", "q"] },
} as const satisfies Record<
  string,
  { readonly required: ReadonlyArray<string>; readonly optional: ReadonlyArray<string> }
>

type DistributionName = keyof typeof keysOf
const names = Object.keys(keysOf) as ReadonlyArray<DistributionName>

export const distributionKeys: ReadonlyArray<string> = [
  "distribution",
  ...new Set(Object.values(keysOf).flatMap(({ required, optional }) => [...required, ...optional])),
]

const round = (x: number): number => Number(x.toPrecision(6))

/** YAML's way to write a number that is no integer: always with a point, so that every YAML reader sees a number. */
const decimal = (x: number): string => {
  const text = String(x)
  return /^-?\d+e/.test(text) ? text.replace("e", ".0e") : text.includes(".") ? text : `${text}.0`
}

/** The bounds of a deprecated distribution, which were exponents of e, as values. */
const converted = (name: string, fields: Fields): { readonly min: number; readonly max: number } | undefined => {
  const bound = (which: "min" | "max"): number | undefined => {
    const node = fields.get(which)?.node
    return node?.kind === "scalar" && typeof node.value === "number" ? node.value : undefined
  }
  const [min, max] = [bound("min"), bound("max")]
  if (min === undefined || max === undefined) return undefined
  const inverse = name === "inv_log_uniform"
  const low = Math.exp(inverse ? -max : min)
  const high = Math.exp(inverse ? -min : max)
  return low > 0 && Number.isFinite(high) && low < high ? { min: low, max: high } : undefined
}

const lineOf = (key: string, name: string, bounds: { readonly min: number; readonly max: number }, fields: Fields) => {
  const q = fields.get("q")?.node
  const step = q?.kind === "scalar" ? `, q: ${q.source}` : ""
  const [min, max] = [decimal(round(bounds.min)), decimal(round(bounds.max))]
  return `${key}: {distribution: ${name}_values, min: ${min}, max: ${max}${step}}`
}

const deprecated: ReadonlyArray<string> = ["log_uniform", "inv_log_uniform", "q_log_uniform"]

/** Which distribution the keys mean when none is named. */
const inferred = (fields: Fields): DistributionName | undefined => {
  if (fields.has("value")) return "constant"
  if (fields.has("values")) return "categorical"
  const min = fields.get("min")?.node
  const max = fields.get("max")?.node
  const isInteger = (node: YamlNode | undefined) => node?.kind === "scalar" && node.integer
  if (min !== undefined || max !== undefined) return isInteger(min) && isInteger(max) ? "int_uniform" : "uniform"
  const hint = ["mu", "sigma"].some((key) => fields.has(key))
    ? "normal"
    : fields.has("a") || fields.has("b")
      ? "beta"
      : null
  return fields.of.report({
    message: `\`${fields.of.path}\` does not say which values it takes`,
    found: describeNode(fields.of.node),
    expected: "`value`, `values`, `min` and `max`, `distribution`, `derive` or `parameters`",
    hint: hint === null ? null : `add \`distribution: ${hint}\``,
  })
}

const distributionName = (key: string, fields: Fields): DistributionName | undefined => {
  const field = fields.get("distribution")
  if (field === undefined) return inferred(fields)
  const { node } = field
  if (node.kind === "scalar" && typeof node.value === "string" && deprecated.includes(node.value)) {
    const bounds = converted(node.value, fields)
    if (bounds === undefined) {
      return field.report({
        message: `\`${node.value}\` is deprecated: its bounds are exponents of e, and these give no range`,
        expected: `\`${node.value}_values\`, with the values themselves`,
      })
    }
    const values = fields.get("min")!.node
    const meant = values.kind === "scalar" && typeof values.value === "number" && values.value > 0 && values.value < 1
    field.warn({
      message: `\`${node.value}\` is deprecated: its bounds are exponents of e, so it draws from ${round(bounds.min)} to ${round(bounds.max)}`,
      hint: meant
        ? `if you mean the values themselves, write \`distribution: ${node.value}_values\``
        : `write ${lineOf(key, node.value, bounds, fields)}`,
    })
    return `${node.value}_values` as DistributionName
  }
  return field.word(names)
}

/**
 * A value as a parameter holds it. A command may also get lists and maps, as the JSON text of them; the trainers' own
 * parameters have none.
 */
export const readValue = (field: Field, allowJson: boolean): ParameterValue | undefined => {
  const { node } = field
  if (node.kind === "scalar") return node.value
  if (!allowJson) return field.wrong("a number, text, true/false or null")
  const text = jsonText(node)
  field.warn({
    message: `\`${field.path}\` is passed on as the text ${text.length > 60 ? `${text.slice(0, 57)}…` : text}`,
  })
  return text
}

const jsonText = (node: YamlNode): string => {
  if (node.kind === "scalar") return JSON.stringify(node.value)
  if (node.kind === "list") return `[${node.items.map(jsonText).join(", ")}]`
  return `{${node.entries.map(({ key, value }) => `${JSON.stringify(key)}: ${jsonText(value)}`).join(", ")}}`
}

/** `values` of a categorical distribution. */
export const readValues = (
  field: Field,
  allowJson: boolean,
): readonly [ParameterValue, ...Array<ParameterValue>] | undefined => {
  const items = field.list("a list of values")
  if (items === undefined) return undefined
  if (items.length === 0) {
    return field.report({
      message: `\`${field.path}\` is empty: there is nothing to choose from`,
      expected: "at least one value",
    })
  }
  const values = items.map((item) => readValue(item, allowJson))
  const seen = new Set<unknown>()
  items.forEach((item, i) => {
    if (seen.has(values[i]) && values[i] !== undefined) {
      item.warn({ message: `${describeNode(item.node)} stands twice in \`${field.path}\`` })
    }
    seen.add(values[i])
  })
  return values.includes(undefined) ? undefined : (values as [ParameterValue, ...Array<ParameterValue>])
}

const readProbabilities = (field: Field, count: number): ReadonlyArray<number> | undefined => {
  const items = field.list("a list of numbers")
  if (items === undefined) return undefined
  const probabilities = items.map((item) => item.number({ min: 0, max: 1 }))
  if (probabilities.includes(undefined)) return undefined
  if (items.length !== count) {
    return field.report({
      message: `\`${field.path}\` has ${items.length} entries for ${count} values`,
      expected: "one probability for each value",
    })
  }
  const numbers = probabilities as ReadonlyArray<number>
  const sum = numbers.reduce((total, p) => total + p, 0)
  if (Math.abs(sum - 1) > 1e-6) {
    return field.report({ message: `\`${field.path}\` sums to ${round(sum)}`, expected: "probabilities that sum to 1" })
  }
  return numbers
}

/** `min` and `max`, in order. */
const readBounds = (fields: Fields, rule: { readonly integer?: true; readonly above?: 0 }) => {
  const named = fields.get("distribution")?.node
  if (named?.kind === "scalar" && deprecated.includes(String(named.value)))
    return converted(String(named.value), fields)
  const minField = fields.get("min")
  const min = minField?.number(rule)
  const max = fields.get("max")?.number(rule)
  if (min === undefined || max === undefined) return undefined
  if (min < max) return { min, max }
  return minField!.report({
    message: `\`min\` is ${min > max ? "greater than" : "equal to"} \`max\` in \`${fields.of.path}\``,
    found: `min ${min}, max ${max}`,
    expected: "min less than max",
    hint: min > max ? "swap them" : `for one value write \`value: ${min}\``,
  })
}

const tags = {
  int_uniform: "IntUniform",
  uniform: "Uniform",
  q_uniform: "QUniform",
  log_uniform_values: "LogUniform",
  q_log_uniform_values: "QLogUniform",
  inv_log_uniform_values: "InvLogUniform",
  normal: "Normal",
  q_normal: "QNormal",
  log_normal: "LogNormal",
  q_log_normal: "QLogNormal",
  beta: "Beta",
  q_beta: "QBeta",
} as const

/** `key` is the parameter's name within its map, for lines to paste. */
export const readDistribution = (key: string, fields: Fields, allowJson: boolean): Distribution | undefined => {
  const name = distributionName(key, fields)
  if (name === undefined) return undefined
  const { required, optional }: { readonly required: ReadonlyArray<string>; readonly optional: ReadonlyArray<string> } =
    keysOf[name]
  const quantized = name === "int_uniform" ? "q_uniform" : `q_${name}`
  let complete = true
  for (const [given, field] of fields) {
    if (!distributionKeys.includes(given) || given === "distribution") continue
    if (required.includes(given) || optional.includes(given)) continue
    const having = names.filter((other) =>
      ([...keysOf[other].required, ...keysOf[other].optional] as Array<string>).includes(given),
    )
    complete = false
    field.report({
      message: `\`${given}\` does not belong to ${fields.has("distribution") ? `the distribution \`${name}\`` : `\`${required.join("` and `")}\``}`,
      expected: oneOf([...required, ...optional]),
      hint:
        given === "q" && quantized in keysOf
          ? `\`distribution: ${quantized}\` has it`
          : `${oneOf(having)} ${having.length === 1 ? "has" : "have"} it`,
    })
  }
  for (const wanted of required) {
    const near = Array.from(fields, ([given]) => given).find((given) => didYouMean(given, [wanted]) !== null)
    if (fields.require(wanted, near === undefined ? null : `there is \`${near}\``) === undefined) complete = false
  }
  if (!complete) return undefined
  const positive = (name: "q" | "sigma" | "a" | "b") => fields.optional(name, 1, (field) => field.number({ above: 0 }))
  switch (name) {
    case "constant": {
      const value = readValue(fields.get("value")!, allowJson)
      return value === undefined ? undefined : { _tag: "Constant", value }
    }
    case "categorical":
    case "categorical_w_probabilities": {
      const values = readValues(fields.get("values")!, allowJson)
      if (values === undefined) return undefined
      const probabilities = fields.optional("probabilities", null, (field) => readProbabilities(field, values.length))
      return probabilities === undefined ? undefined : { _tag: "Categorical", values, probabilities }
    }
    case "int_uniform":
    case "uniform":
    case "inv_log_uniform_values":
    case "log_uniform_values": {
      const bounds = readBounds(
        fields,
        name === "int_uniform" ? { integer: true } : name === "uniform" ? {} : { above: 0 },
      )
      return bounds === undefined ? undefined : { _tag: tags[name], ...bounds }
    }
    case "q_uniform":
    case "q_log_uniform_values": {
      const bounds = readBounds(fields, name === "q_uniform" ? {} : { above: 0 })
      const q = positive("q")
      return bounds === undefined || q === undefined ? undefined : { _tag: tags[name], ...bounds, q }
    }
    case "normal":
    case "log_normal":
    case "q_normal":
    case "q_log_normal": {
      const mu = fields.optional("mu", 0, (field) => field.number())
      const sigma = positive("sigma")
      const q = positive("q")
      if (mu === undefined || sigma === undefined || q === undefined) return undefined
      return name === "normal" || name === "log_normal"
        ? { _tag: tags[name], mu, sigma }
        : { _tag: tags[name], mu, sigma, q }
    }
    case "beta":
    case "q_beta": {
      const a = positive("a")
      const b = positive("b")
      const q = positive("q")
      if (a === undefined || b === undefined || q === undefined) return undefined
      return name === "beta" ? { _tag: tags[name], a, b } : { _tag: tags[name], a, b, q }
    }
  }
}
