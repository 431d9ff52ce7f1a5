// What the sweep is judged by: one metric, or several for the methods that weigh several.
import { Metric } from "@sweep/domain/Metric"
import type { Method } from "@sweep/domain/Method"
import type { Field, Fields } from "../../parse/Field.ts"

const readMetric = (field: Field): Metric | undefined => {
  const short = field.node.kind === "scalar"
  const fields = short ? undefined : field.map(["name", "goal", "summary", "target", "impute", "impute_while_running"])
  if (!short && fields === undefined) return undefined
  const name = (short ? field : fields!.require("name"))?.text("the name of a metric, such as eval/loss")
  const goal =
    fields === undefined
      ? "minimize"
      : fields.optional("goal", "minimize" as const, (f) => f.word(["minimize", "maximize"]))
  const summary =
    fields === undefined ? "best" : fields.optional("summary", "best" as const, (f) => f.word(["best", "last"]))
  const target = fields === undefined ? null : fields.optional("target", null, (f) => f.number())
  const words = { impute: ["latest", "best", "worst"], impute_while_running: ["latest", "best", "worst", "false"] }
  for (const [key, allowed] of Object.entries(words)) {
    const impute = fields?.get(key)
    if (impute === undefined) continue
    if (impute.node.kind === "scalar" && impute.node.value === false && key === "impute_while_running") continue
    if (impute.word(allowed) === undefined || impute.node.kind !== "scalar") continue
    if (key === "impute" && impute.node.value === "worst") continue
    impute.warn({ message: `\`${key}\` has no effect: a failed trial counts as worse than every finished one` })
  }
  if (name === undefined || goal === undefined || summary === undefined || target === undefined) return undefined
  return new Metric({ name, goal, summary, target })
}

const defaultMetric = new Metric({ name: "eval/loss", goal: "minimize", summary: "best", target: null })

/** Methods for several objectives at once. */
const weighSeveral: ReadonlySet<Method> = new Set<Method>(["nsga2", "ehvi"])

export const readMetrics = (top: Fields, method: Method | undefined): ReadonlyArray<Metric> | undefined => {
  const one = top.get("metric")
  const several = top.get("metrics")
  if (several === undefined) {
    const metric = one === undefined ? defaultMetric : readMetric(one)
    if (method !== undefined && weighSeveral.has(method)) {
      return top.get("method")!.report({
        message: `\`${method}\` weighs several objectives, and there is one`,
        expected: "`metrics` with two or more entries",
        hint: "for one objective take `gp`",
      })
    }
    return metric === undefined ? undefined : [metric]
  }
  if (one !== undefined) several.report({ message: "`metric` and `metrics` exclude each other" })
  if (method !== undefined && !weighSeveral.has(method)) {
    return several.report({
      message: `\`${method}\` looks at one metric only`,
      expected: "`metric`, or `method: ehvi` or `nsga2` for several objectives",
    })
  }
  const items = several.list("a list of two or more metrics")?.map(readMetric)
  if (items === undefined || items.includes(undefined)) return undefined
  const metrics = items as ReadonlyArray<Metric>
  if (metrics.length < 2) return several.wrong("a list of two or more metrics")
  if (new Set(metrics.map(({ name }) => name)).size < metrics.length) {
    return several.report({ message: "a metric stands twice in `metrics`" })
  }
  return metrics
}
