// The top level of a sweep file, both dialects in one grammar: which keys there are, what each means and which of them
// need or exclude each other. Owns everything the file alone decides; what depends on other files is `resolveSweep`'s.
import { chooseMethod } from "@sweep/domain/chooseMethod"
import type { Probe } from "@sweep/domain/SweepSpec"
import { checkTraining } from "./checkTraining.ts"
import { exampleParameters } from "./exampleParameters.ts"
import type { Field, Fields } from "../parse/Field.ts"
import { isConfiguration } from "../llamafactory/configuration.ts"
import { checkLlamaFactory } from "../llamafactory/checkParameters.ts"
import { readEarlyTerminate } from "./readEarlyTerminate.ts"
import { readEnqueue } from "./readEnqueue.ts"
import { readMetricsFrom } from "./readMetricsFrom.ts"
import { checkGrid } from "./search/checkGrid.ts"
import { readMethod, readWarmStart } from "./search/readMethod.ts"
import { readMetrics } from "./search/readMetrics.ts"
import type { ReadSweep, SweepDraft } from "./SweepDraft.ts"
import { topLevelKeys, withoutEffect } from "./topLevelKeys.ts"
import { readCommand, readTrainer } from "./training/readCommand.ts"
import {
  holdsStructures,
  readLlamaFactory,
  refuseConfiguration,
  reportConfiguration,
} from "./training/readConfiguration.ts"
import { given, readData } from "./training/readData.ts"
import { readOutcomes } from "./readOutcomes.ts"
import { readSecrets } from "./readSecrets.ts"
import { readSpace } from "./readSpace.ts"
import { readTaskMetrics } from "./readTaskMetrics.ts"
import { checkMetricNames, checkOutcomeNames } from "./checkMetricNames.ts"

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

const readWandbOnly = (top: Fields): void => {
  const kind = top.get("kind")
  kind?.word(["sweep"])
  top.get("controller")?.map(["type"])?.get("type")?.word(["local", "cloud"])
  for (const [key, what] of Object.entries(withoutEffect)) {
    top.get(key)?.warn({ message: `\`${key}\` (${what}) has no effect here` })
  }
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
