// The top level of a sweep file, both dialects in one grammar: which keys there are, what each means and which of them
// need or exclude each other. Owns everything the file alone decides; what depends on other files is `resolveSweep`'s.
import { defaultCommand, unknownMacros, commandMacros } from "@sweep/domain/Command"
import { chooseMethod } from "@sweep/domain/chooseMethod"
import type { Distribution } from "@sweep/domain/Distribution"
import { Metric } from "@sweep/domain/Metric"
import type { Method } from "@sweep/domain/Method"
import { type Probe, type SweepSpec, Trainer } from "@sweep/domain/SweepSpec"
import { SweepId } from "@sweep/domain/Id"
import { checkTraining } from "./checkTraining.ts"
import { exampleParameters } from "./exampleParameters.ts"
import { type Field, type Fields, oneOf } from "../parse/Field.ts"
import { nearestName } from "@sweep/domain/nearestName"
import { isConfiguration, readConfiguration } from "../llamafactory/configuration.ts"
import { checkLlamaFactory } from "../llamafactory/checkParameters.ts"
import { readEarlyTerminate } from "./readEarlyTerminate.ts"
import { readEnqueue } from "./readEnqueue.ts"
import * as Schema from "effect/Schema"
import type { ReadParameter } from "./readParameters.ts"
import { readMetricsFrom } from "./readMetricsFrom.ts"
import type { YamlNode } from "../parse/YamlTree.ts"
import { readOutcomes } from "./readOutcomes.ts"
import { readSecrets } from "./readSecrets.ts"
import { readSpace, type ReadSpace } from "./readSpace.ts"
import { type GivenTaskMetrics, readTaskMetrics } from "./readTaskMetrics.ts"
import { checkMetricNames, checkOutcomeNames } from "./checkMetricNames.ts"

/** W&B's keys about its own service. */
const withoutEffect: Readonly<Record<string, string>> = {
  apiVersion: "the version of W&B's configuration",
  kind: "the kind of W&B's configuration",
  controller: "who runs W&B's scheduler",
  entity: "an account at W&B",
  project: "a project at W&B",
  job: "a W&B launch job",
  image_uri: "a W&B launch image",
  scheduler: "a W&B launch scheduler",
}

export const topLevelKeys = [
  "name",
  "description",
  "model",
  "data",
  "trainer",
  "base",
  "program",
  "command",
  "metric",
  "metrics",
  "method",
  "parameters",
  "constraints",
  "outcome_constraints",
  "seed",
  "seeds",
  "early_terminate",
  "overfitting",
  "budget",
  "run_cap",
  "resources",
  "probes",
  "artifacts",
  "task_metrics",
  "secrets",
  "enqueue",
  "warm_start",
  "reuse",
  "stand_ins",
  "metrics_from",
  "source",
  ...Object.keys(withoutEffect),
]

/** A path as the file gives it, with where it stands. */
export interface Given {
  readonly value: string
  readonly field: Field
}

/** What the file alone decides. */
type SweepDraft = Pick<
  typeof SweepSpec.Type,
  | "name"
  | "description"
  | "trainer"
  | "command"
  | "metric"
  | "metrics"
  | "outcomes"
  | "method"
  | "methodBecause"
  | "space"
  | "groups"
  | "seed"
  | "replicas"
  | "earlyTerminate"
  | "overfitting"
  | "budget"
  | "resources"
  | "probes"
  | "artifacts"
  | "secrets"
  | "enqueue"
  | "warmStart"
  | "reuse"
  | "structured"
  | "standIns"
  | "metricsFrom"
>

export interface ReadSweep {
  readonly draft: SweepDraft
  readonly model: Given | null
  readonly data: {
    readonly train: Given
    readonly eval: Given | { readonly fraction: number; readonly seed: number }
  } | null
  readonly program: Given | null
  /** The folder that is sent to agents; `"none"`: nothing is, `null`: the program says it. */
  readonly sourceFolder: Given | "none" | null
  readonly taskMetrics: GivenTaskMetrics | null
  /** For `trainer: llamafactory`: the configuration's file, and what of one stands in the sweep file itself. */
  readonly llamafactory: { readonly base: Given | null; readonly inline: Readonly<Record<string, Schema.Json>> } | null
  readonly read: ReadSpace
}

const methods = [
  "grid",
  "random",
  "sobol",
  "tpe",
  "gp",
  "cmaes",
  "nsga2",
  "ehvi",
] as const satisfies ReadonlyArray<Method>

const readName = (field: Field): string | undefined => {
  const name = field.text()
  if (name === undefined) return undefined
  const expected = "at most 200 characters without `/`, `\\`, `<`, `>` and control characters"
  const trimmed = name.trim()
  if (trimmed === "") return field.wrong("a name")
  const bad = /[/\\<>\p{Cc}\p{Cs}\u2028\u2029]/u.exec(name)?.[0]
  if (bad !== undefined) {
    const shown = /[/\\<>]/.test(bad)
      ? `\`${bad}\``
      : `the control character U+${bad.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`
    return field.report({
      message: `${shown} cannot stand in a sweep's name`,
      found: JSON.stringify(name.slice(0, 80)),
      expected,
    })
  }
  if (Array.from(name).length > 200) {
    return field.report({ message: `the name has ${Array.from(name).length} characters`, expected })
  }
  return trimmed
}

const nameFromPath = (path: string): string =>
  path
    .replace(/^.*[/\\]/, "")
    .replace(/\.(ya?ml|json)$/i, "")
    .replaceAll(/[<>\p{Cc}\p{Cs}]/gu, "")
    .slice(0, 200)
    .trim() || "sweep"

const readMethod = (field: Field): Method | undefined => {
  const { node } = field
  const given = node.kind === "scalar" ? node.value : undefined
  // W&B's is a Gaussian process, too.
  if (given === "bayes") return "gp"
  if (given === "custom") {
    return field.report({
      message: "`method: custom` leaves the trials to a program of yours",
      expected: oneOf(methods),
      hint: "take one of these with `trainer: external`: `sweep ask` and `sweep tell` serve a program that runs its own trials",
    })
  }
  return field.word(methods)
}

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

const readMetrics = (top: Fields, method: Method | undefined): ReadonlyArray<Metric> | undefined => {
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

const readTrainer = (top: Fields, inline: boolean): Trainer | undefined => {
  const field = top.get("trainer")
  if (field === undefined) {
    if (inline || top.has("base")) return "llamafactory"
    return top.has("program") || top.has("command") ? "command" : "peft"
  }
  if (field.node.kind === "scalar" && /^llama[-_ ]?factory$/i.test(String(field.node.value))) return "llamafactory"
  return field.word(Trainer.literals)
}

const macroHint = (macro: string): string | null => {
  const near = nearestName(macro, commandMacros)
  return near === undefined ? null : `did you mean \`\${${near}}\`?`
}

/** The macros that become parameters. */
const handsOver = new Set(commandMacros.filter((macro) => macro.startsWith("args")).map((macro) => `\${${macro}}`))

const readCommand = (top: Fields): ReadonlyArray<string> | undefined => {
  const field = top.get("command")
  if (field === undefined) return defaultCommand
  if (field.node.kind === "scalar" && typeof field.node.value === "string") {
    const parts = field.node.value.split(/\s+/).filter((part) => part !== "")
    return field.wrong(
      "a list of arguments; there is no shell",
      `write [${parts.map((part) => JSON.stringify(part)).join(", ")}]`,
    )
  }
  const items = field.list("a list of arguments")
  if (items === undefined) return undefined
  if (items.length === 0) return field.wrong("a list of arguments")
  const command = items.flatMap((item) => {
    const { node } = item
    if (node.kind !== "scalar" || node.value === null) return [item.wrong("an argument, that is text")]
    const text = typeof node.value === "string" ? node.value : node.source
    const macro = unknownMacros(text)[0]
    if (macro === undefined) return [text]
    // As W&B does: what has the form of a macro by itself and is none is left out; within a text it stays, for Hydra.
    // A name with other signs in it is a shell's or Hydra's, not a slip.
    const isSlip = /^\w+$/.test(macro) && nearestName(macro, commandMacros) !== undefined
    if (!commandMacros.includes(macro) && !isSlip) {
      const alone = text === `\${${macro}}`
      item.warn({
        message: `there is no macro \`\${${macro}}\`: it is ${alone ? "left out" : "passed on as it is"}`,
        hint: /^\w+$/.test(macro) ? `an environment variable is \`\${envvar:${macro}}\`` : null,
      })
      return alone ? [] : [text]
    }
    return item.report({
      message: commandMacros.includes(macro)
        ? `\`\${${macro}}\` has to be an argument by itself`
        : `there is no macro \`\${${macro}}\``,
      found: JSON.stringify(text),
      expected: oneOf([...commandMacros, "envvar:NAME"].map((name) => `\${${name}}`)),
      hint: commandMacros.includes(macro)
        ? null
        : (macroHint(macro) ?? `an environment variable is \`\${envvar:${macro}}\``),
    })
  })
  if (!command.some((argument) => argument !== undefined && handsOver.has(argument))) {
    field.warn({
      message: "`command` hands no parameter to the program",
      hint: "add `${args}`, unless the program reads them with `wandb.config` or `sweep.init()`",
    })
  }
  return command.includes(undefined) ? undefined : (command as ReadonlyArray<string>)
}

const given = (field: Field | undefined, expected: string): Given | undefined => {
  const value = field?.text(expected)
  return field === undefined || value === undefined ? undefined : { value, field }
}

const defaultSplit = { fraction: 0.1, seed: 7 }

const readData = (field: Field): ReadSweep["data"] | undefined => {
  if (field.node.kind === "scalar")
    return field.wrong("a map with `train` and `eval`", field.isNull ? null : `write {train: ${field.node.source}}`)
  const fields = field.map(["train", "eval"])
  if (fields === undefined) return undefined
  const train = given(fields.require("train"), "the path of a data file")
  const evalField = fields.get("eval")
  if (evalField === undefined) return train === undefined ? undefined : { train, eval: defaultSplit }
  if (evalField.node.kind === "scalar") {
    const { value } = evalField.node
    const path =
      typeof value === "number"
        ? evalField.wrong("a path or `{fraction, seed}`", `write {fraction: ${evalField.node.source}}`)
        : given(evalField, "the path of a data file")
    return train === undefined || path === undefined ? undefined : { train, eval: path }
  }
  const split = evalField.map(["fraction", "seed"], "a path or `{fraction, seed}`")
  const fraction = split?.require("fraction")?.number({ above: 0, below: 1 })
  const seed = split?.optional("seed", defaultSplit.seed, (f) => f.number({ integer: true, min: 0 }))
  if (train === undefined || fraction === undefined || seed === undefined) return undefined
  return { train, eval: { fraction, seed } }
}

const readBudget = (top: Fields): SweepDraft["budget"] | undefined => {
  const fields = top.get("budget")?.map(["trials", "gpu_hours", "hours"])
  if (fields === undefined && top.has("budget")) return undefined
  const count = (field: Field) => field.number({ integer: true, min: 1 })
  const hours = (field: Field) => field.number({ above: 0 })
  const trials = fields === undefined ? null : fields.optional("trials", null, count)
  const gpuHours = fields === undefined ? null : fields.optional("gpu_hours", null, hours)
  const wall = fields === undefined ? null : fields.optional("hours", null, hours)
  const cap = top.optional("run_cap", null, count)
  if (trials === undefined || gpuHours === undefined || wall === undefined || cap === undefined) return undefined
  if (trials !== null && cap !== null && trials !== cap) {
    return top.get("run_cap")!.report({
      message: "`run_cap` and `budget.trials` are the same thing and differ",
      found: `run_cap ${cap}, budget.trials ${trials}`,
      expected: "one of them",
    })
  }
  return { trials: trials ?? cap, gpuHours, hours: wall }
}

const readProbe = (field: Field): Probe | undefined => {
  const tokens = 48
  if (field.node.kind === "scalar") {
    const instruction = field.text("a question, or a map with `instruction`")
    return instruction === undefined ? undefined : { instruction, input: "", system: "", max_new_tokens: tokens }
  }
  const fields = field.map(
    ["instruction", "input", "system", "max_new_tokens"],
    "a question, or a map with `instruction`",
  )
  if (fields === undefined) return undefined
  const optional = (key: string) =>
    fields.optional(key, "", (f) => (f.node.kind === "scalar" && f.node.value === "" ? "" : f.text()))
  const instruction = fields.require("instruction")?.text()
  const input = optional("input")
  const system = optional("system")
  const max = fields.optional("max_new_tokens", tokens, (f) => f.number({ integer: true, min: 1, max: 4096 }))
  if (instruction === undefined || input === undefined || system === undefined || max === undefined) return undefined
  return { instruction, input, system, max_new_tokens: max }
}

const readOverfitting = (field: Field): { readonly action: "flag" | "stop" } | undefined => {
  const inner = field.node.kind === "map" ? field.map(["action"])?.require("action") : field
  const action = inner?.word(["flag", "stop"])
  return action === undefined ? undefined : { action }
}

const hasGrid = (distribution: Distribution): boolean =>
  ["Constant", "IntUniform", "QUniform"].includes(distribution._tag) ||
  (distribution._tag === "Categorical" && distribution.probabilities === null)

const checkGrid = (parameters: ReadonlyArray<ReadParameter>): void => {
  for (const { name, field, takes } of parameters) {
    if (takes._tag !== "Searched" || hasGrid(takes.distribution)) continue
    const weighted = takes.distribution._tag === "Categorical"
    field.report({
      message: weighted
        ? `a grid takes every value once; \`${name}\` has probabilities`
        : `a grid needs a list of values; \`${name}\` is continuous`,
      expected: weighted ? "`values` alone" : "`values`, integer `min` and `max`, or `q_uniform`",
      hint: "or take `method: random`",
    })
  }
}

const readWandbOnly = (top: Fields): void => {
  const kind = top.get("kind")
  kind?.word(["sweep"])
  top.get("controller")?.map(["type"])?.get("type")?.word(["local", "cloud"])
  for (const [key, what] of Object.entries(withoutEffect)) {
    top.get(key)?.warn({ message: `\`${key}\` (${what}) has no effect here` })
  }
}

/** What learns from results; the others would read them for nothing. */
const learners: ReadonlyArray<Method> = ["tpe", "gp", "cmaes", "nsga2", "ehvi"]

const readWarmStart = (field: Field, method: Method | undefined): ReadonlyArray<SweepId> => {
  const items = field.node.kind === "scalar" ? [field] : (field.list("the id of a sweep, or a list of them") ?? [])
  const ids = items.flatMap((item) => {
    const expected = "the id of a sweep, as `sweep ls` shows it"
    const text = item.text(expected)
    if (text === undefined) return []
    return Schema.is(SweepId)(text) ? [text] : (item.wrong(expected, null) ?? [])
  })
  if (method !== undefined && !learners.includes(method)) {
    field.report({
      message: `\`${method}\` does not learn from results, and \`warm_start\` gives it some`,
      expected: `a method that does: ${oneOf(learners)}`,
    })
  }
  return ids
}

/** Whether a parameter has a list or map among its values. */
const holdsStructures = (node: YamlNode): boolean => {
  if (node.kind === "list") return node.items.some(({ kind }) => kind !== "scalar")
  if (node.kind === "scalar") return false
  return node.entries.some(
    ({ key, value }) =>
      (key === "value" && value.kind !== "scalar") ||
      (key === "values" && value.kind === "list" && holdsStructures(value)),
  )
}

/** A LLaMA-Factory configuration alone says how one model is trained, and not what is varied. */
const reportConfiguration = (root: Field): undefined => {
  const at = root.source.path
  const name = at.replace(/^.*[/\\]/, "")
  return root.source.report({ start: root.node.start, end: root.node.start + 1 }, "", {
    message: "this is a LLaMA-Factory configuration: it says how one model is trained, not what the sweep varies",
    expected: "`parameters` with at least one range, for example {learning_rate: {min: 2.0e-5, max: 5.0e-4}}",
    hint: `add \`parameters\` to this file, or let 'sweep init --from ${at}' write a sweep file with \`trainer: llamafactory\` and \`base: ${name}\``,
  })
}

const readLlamaFactory = (top: Fields, inline: boolean): NonNullable<ReadSweep["llamafactory"]> => {
  const base = given(top.get("base"), "the path of a LLaMA-Factory configuration") ?? null
  const own = new Set(topLevelKeys)
  const entries = inline ? Array.from(top).filter(([key]) => !own.has(key)) : []
  return { base, inline: readConfiguration(entries) }
}

const refuseConfiguration = (top: Fields, trainer: Trainer, inline: boolean): void => {
  top.get("base")?.report({
    message: `\`base\` belongs to \`trainer: llamafactory\`, and this sweep's is \`${trainer}\``,
  })
  if (!inline) return
  top.get("model_name_or_path")?.report({
    message: `\`model_name_or_path\` belongs to \`trainer: llamafactory\`, and this sweep's is \`${trainer}\``,
    hint: "write `model`, or take `trainer: llamafactory`",
  })
}

export const readSweep = (root: Field): ReadSweep | undefined => {
  const inline = isConfiguration(root.node)
  const configured = inline && root.node.kind === "map" ? root.node.entries : []
  const has = (key: string) => configured.some((entry) => entry.key === key)
  if (inline && !has("parameters") && !has("trainer")) return reportConfiguration(root)
  const known = [...topLevelKeys, ...configured.map(({ key }) => key)]
  const top = root.map(known, "a map of keys such as `model`, `data` and `parameters`")
  if (top === undefined) return undefined
  const trainer = readTrainer(top, inline)
  const llamafactory = trainer === "llamafactory" ? readLlamaFactory(top, inline) : null
  if (trainer !== undefined && trainer !== "llamafactory") refuseConfiguration(top, trainer, inline)
  const wandb = !top.has("model") && !top.has("data") && !top.has("trainer") && llamafactory === null
  const peft = trainer === "peft"
  readWandbOnly(top)

  const name = top.optional("name", nameFromPath(root.source.path), readName)
  const description = top.optional("description", "", (f) =>
    f.isNull || (f.node.kind === "scalar" && f.node.value === "") ? "" : f.text(),
  )
  const methodField =
    wandb && trainer === "command" ? top.require("method", "for example `method: random`") : top.get("method")
  const givenMethod = methodField === undefined ? undefined : readMethod(methodField)
  const metrics = readMetrics(top, givenMethod)
  if (trainer === "external" && !top.has("metrics")) {
    top.require("metric", "which value will you tell? For example `metric: {name: loss, goal: minimize}`")
  }

  if (peft && wandb) {
    root.source.report({ start: root.node.start, end: root.node.start + 1 }, "", {
      message: "the file does not say what to train",
      expected: "`model` and `data`, or for a program of your own `program` or `command`",
      hint: "for a W&B file name the script that trains: `program: train.py`. One that calls `wandb.agent(…, function=…)` is named itself: the function runs once per trial",
    })
  }
  const modelField = peft && !wandb ? top.require("model", "for example `model: Qwen/Qwen2.5-0.5B`") : top.get("model")
  const model = given(modelField, "a folder, a hub id or modelscope:ID")
  const dataField =
    peft && !wandb
      ? top.require("data", "for example `data: {train: data/train.json, eval: data/eval.json}`")
      : top.get("data")
  const data = dataField === undefined ? null : readData(dataField)
  const program = given(top.get("program"), "the path of a script")
  if (trainer !== "command") {
    for (const key of ["program", "command"]) {
      top.get(key)?.report({
        message: `\`${key}\` belongs to \`trainer: command\`, and this sweep's is \`${trainer}\``,
      })
    }
  }
  const command = trainer === "command" ? readCommand(top) : null
  if (trainer === "command" && !top.has("program")) {
    if (!top.has("command")) top.require("program", "or `command`: which program does `trainer: command` run?")
    else if (command?.includes("${program}") === true) {
      top.get("command")!.report({ message: "`command` uses `${program}`, and there is no `program`" })
    }
  }

  const parametersField = top.require("parameters")
  const read =
    parametersField === undefined
      ? undefined
      : readSpace(parametersField, top.get("constraints"), !peft && llamafactory === null)
  if (read !== undefined) {
    if (givenMethod === "grid") checkGrid(read.parameters)
    if (!peft) {
      for (const { field, published } of read.parameters) {
        if (published === undefined) continue
        field.report({
          message: "`prior: default` belongs to `trainer: peft`, whose parameters the studies are about",
          hint: "write `prior: {center, width}`",
        })
      }
    }
    if (peft) checkTraining(read.parameters, exampleParameters(read))
    if (llamafactory !== null) checkLlamaFactory(read.parameters)
  }

  const seed = top.optional("seed", 0, (f) => f.number({ integer: true, min: 0 }))
  const replicas = top.optional("seeds", 1, (f) => f.number({ integer: true, min: 1, max: 1000 }))
  const names = read?.parameters.map((parameter) => parameter.name) ?? []
  const earlyTerminate = top.optional("early_terminate", null, (f) =>
    f.isNull ? null : readEarlyTerminate(f, { epochs: peft || llamafactory !== null, parameters: names }),
  )
  if (earlyTerminate?.["type"] === "bohb" && givenMethod !== undefined && givenMethod !== "tpe") {
    top.get("early_terminate")!.report({
      message: "`bohb` is `tpe` on top of successive halving",
      found: `method ${givenMethod}`,
      expected: "`method: tpe`",
      hint: "with another method take `type: asha`",
    })
  }
  const overfitting = top.optional("overfitting", { action: "flag" } as const, readOverfitting)
  const budget = readBudget(top)
  const chosen =
    methodField !== undefined || (wandb && trainer === "command") || budget === undefined
      ? undefined
      : chooseMethod({
          dimensions: read?.parameters.filter(({ takes }) => takes._tag === "Searched").length ?? 0,
          trials: budget.trials,
          objectives: metrics?.length ?? 1,
          earlyTerminate: (earlyTerminate?.["type"] as string | undefined) ?? null,
        })
  const method = givenMethod ?? chosen?.method
  const resourceFields = top.get("resources")?.map(["gpus"])
  const gpus =
    resourceFields === undefined
      ? 1
      : resourceFields.optional("gpus", 1, (f) => f.number({ integer: true, min: 1, max: 1024 }))
  const probes = (top.get("probes")?.list("a list of questions") ?? []).flatMap((f) => readProbe(f) ?? [])
  const artifacts = top.get("artifacts")?.word(["best", "last", "all", "none"])
  const taskMetrics = top.optional("task_metrics", null, (f) =>
    peft
      ? readTaskMetrics(f)
      : f.report({ message: "`task_metrics` belongs to `trainer: peft`; a program reports metrics of its own" }),
  )
  const outcomesField = top.get("outcome_constraints")
  const outcomes = outcomesField === undefined ? [] : readOutcomes(outcomesField, names)
  if (peft && metrics !== undefined && taskMetrics !== undefined) {
    const added = taskMetrics?.metrics.map(({ name }) => name) ?? []
    checkMetricNames(top, metrics, added)
    if (outcomesField !== undefined) checkOutcomeNames(outcomesField, outcomes ?? [], added)
  }
  if (trainer === "external") {
    top
      .get("secrets")
      ?.report({ message: "`secrets` are an agent's, and with `trainer: external` no agent runs trials" })
  }
  const secrets = top.optional("secrets", [], readSecrets)
  const enqueueField = top.get("enqueue")
  // With broken parameters every entry would look wrong, too.
  const enqueue =
    enqueueField === undefined || read === undefined || root.source.errors.length > 0
      ? []
      : readEnqueue(enqueueField, read, peft)

  const reuse = top.optional("reuse", false, (f) => f.boolean())
  if (reuse === true && !peft) {
    top.get("reuse")!.report({
      message: "`reuse` belongs to `trainer: peft`",
      hint: "whether a program of yours would do the same again, nobody here can know",
    })
  }
  for (const key of ["stand_ins", "metrics_from"]) {
    if (trainer !== "command") top.get(key)?.report({ message: `\`${key}\` belongs to \`trainer: command\`` })
  }
  const standIns = top.optional("stand_ins", true, (f) => f.boolean())
  const sourceField = top.get("source")
  const sourceName = sourceField?.text()
  if (sourceName !== undefined && sourceName !== "none" && trainer !== "command") {
    sourceField!.report({
      message: "a folder under `source` belongs to `trainer: command`",
      hint: "model and data are sent as the file names them; `source: none` sends nothing",
    })
  }
  const metricsFrom = top.optional("metrics_from", null, readMetricsFrom)
  const warmField = top.get("warm_start")
  const warmStart = warmField === undefined ? [] : readWarmStart(warmField, method)
  if (warmStart.length > 0 && earlyTerminate?.["type"] === "bohb") {
    warmField!.report({
      message: "`bohb` compares trials at rungs, and results of other sweeps have none here",
      hint: "take `type: asha` with `warm_start`",
    })
  }

  if (root.source.errors.length > 0) return undefined
  if (wandb && !top.has("metric")) {
    root.source.warn({ start: 0, end: 1 }, "metric", {
      message: "no `metric`: trials are compared by `eval/loss`, minimized",
    })
  }
  const structured = (trainer === "command" ? read!.parameters : [])
    .filter(({ field }) => holdsStructures(field.node))
    .map(({ name }) => name)
  const endless = budget !== undefined && budget.trials === null && budget.gpuHours === null && budget.hours === null
  if (endless && method !== "grid" && metrics?.[0]?.target === null) {
    root.source.warn({ start: 0, end: 1 }, "budget", {
      message: "no `budget`: the sweep continues until someone stops it",
      hint: "for example `budget: {trials: 30}`",
    })
  }
  return {
    draft: {
      name: name!,
      description: description!.trim(),
      trainer: trainer!,
      command: command!,
      metric: metrics![0]!,
      ...(metrics!.length > 1 ? { metrics: metrics! } : {}),
      ...(outcomes!.length > 0 ? { outcomes: outcomes! } : {}),
      method: method!,
      ...(chosen === undefined ? {} : { methodBecause: chosen.because }),
      space: read!.space,
      ...(read!.groups.length > 0 ? { groups: read!.groups } : {}),
      seed: seed!,
      replicas: replicas!,
      earlyTerminate: earlyTerminate!,
      overfitting: overfitting!,
      budget: budget!,
      resources: { gpus: gpus! },
      probes,
      ...(artifacts === undefined ? {} : { artifacts }),
      ...(secrets === undefined || secrets.length === 0 ? {} : { secrets }),
      enqueue,
      ...(warmStart.length > 0 ? { warmStart } : {}),
      ...(reuse === true ? { reuse } : {}),
      ...(structured.length > 0 ? { structured } : {}),
      ...(standIns === false ? { standIns } : {}),
      ...(metricsFrom === null || metricsFrom === undefined ? {} : { metricsFrom }),
    },
    model: model ?? null,
    data: data ?? null,
    program: program ?? null,
    sourceFolder:
      sourceField === undefined || sourceName === undefined
        ? null
        : sourceName === "none"
          ? "none"
          : { value: sourceName, field: sourceField },
    taskMetrics: taskMetrics ?? null,
    llamafactory,
    read: read!,
  }
}
