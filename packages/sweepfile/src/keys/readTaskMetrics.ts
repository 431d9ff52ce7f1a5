// What the trained models' answers are measured by: built-in metrics and functions of a user's Python file. Owns the
// key's grammar; whether a file is there and has the function is `resolveSweep`'s.
import { builtInTaskMetrics } from "@sweep/domain/SweepSpec"
import { didYouMean, type Field, oneOf } from "../parse/Field.ts"

/** A metric as the file gives it: a built-in one, or a function of a file whose path is still relative. */
interface GivenTaskMetric {
  readonly field: Field
  readonly name: string
  /** `null` for a built-in one. */
  readonly file: string | null
}

export interface GivenTaskMetrics {
  readonly metrics: ReadonlyArray<GivenTaskMetric>
  readonly samples: number | null
  readonly maxNewTokens: number
}

const defaults = { samples: 64, maxNewTokens: 48 }
/** What an evaluation reports by itself, as `eval/…`. */
const taken = ["loss", "perplexity", "token_accuracy"]
const expected = `${oneOf(builtInTaskMetrics)}, or \`path.py:function\``

const readOne = (field: Field): GivenTaskMetric | undefined => {
  const text = field.text(expected)
  if (text === undefined) return undefined
  if ((builtInTaskMetrics as ReadonlyArray<string>).includes(text)) return { field, name: text, file: null }
  const match = /^(.+\.py):([A-Za-z_]\w*)$/.exec(text)
  if (match === null) return field.wrong(expected, didYouMean(text, builtInTaskMetrics))
  return { field, name: match[2]!, file: match[1]! }
}

const readMetrics = (field: Field): ReadonlyArray<GivenTaskMetric> | undefined => {
  const items = field.list("a list of metrics")
  if (items === undefined) return undefined
  if (items.length === 0) return field.wrong("a list of one or more metrics")
  const metrics = items.flatMap((item) => readOne(item) ?? [])
  const seen = new Set(taken)
  for (const { name, field: at } of metrics) {
    if (seen.has(name)) {
      return at.report({
        message: `there is another metric \`eval/${name}\``,
        expected: "a function with a name of its own",
      })
    }
    seen.add(name)
  }
  return metrics.length === items.length ? metrics : undefined
}

/** A list of metrics, or a map with `metrics`, `samples` (a number or `all`) and `max_new_tokens`. */
export const readTaskMetrics = (field: Field): GivenTaskMetrics | undefined => {
  if (field.node.kind === "list") {
    const metrics = readMetrics(field)
    return metrics === undefined ? undefined : { metrics, ...defaults }
  }
  const fields = field.map(["metrics", "samples", "max_new_tokens"], "a list of metrics, or a map with `metrics`")
  if (fields === undefined) return undefined
  const list = fields.require("metrics")
  const metrics = list === undefined ? undefined : readMetrics(list)
  const samples = fields.optional("samples", defaults.samples, (f) =>
    f.node.kind === "scalar" && f.node.value === "all" ? null : f.number({ integer: true, min: 1 }),
  )
  const maxNewTokens = fields.optional("max_new_tokens", defaults.maxNewTokens, (f) =>
    f.number({ integer: true, min: 1, max: 4096 }),
  )
  if (metrics === undefined || samples === undefined || maxNewTokens === undefined) return undefined
  return { metrics, samples, maxNewTokens }
}
