import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parseSweepFile } from "../src/parse/parseSweepFile.ts"

const parse = (text: string, path = "folder/file.yaml") => Effect.runPromise(parseSweepFile(text, path))
const refuse = async (text: string) => (await Effect.runPromise(Effect.flip(parseSweepFile(text, "x.yaml")))).problems

const native = "model: base\ndata: {train: train.json, eval: eval.json}\n"
const command = "program: train.py\nmethod: random\n"
const withRank = `${native}parameters: {rank: [4, 8]}\n`

describe("a native file", () => {
  it("says everything the example of the docs says", async () => {
    const docs = readFileSync(join(import.meta.dirname, "../../../docs/sweep-file.md"), "utf8")
    const example = /```yaml\n([^]*?)```/.exec(docs)![1]!
    const { draft, model, data } = await parse(example)
    expect(model?.value).toBe("Qwen/Qwen2.5-1.5B-Instruct")
    expect(data?.train.value).toBe("data/train.json")
    expect(data?.eval).toEqual({ fraction: 0.1, seed: 7 })
    expect(draft).toEqual({
      name: "qwen-lora",
      description: "",
      trainer: "peft",
      command: null,
      metric: { name: "eval/loss", goal: "minimize", summary: "best", target: null },
      method: "tpe",
      space: {
        dimensions: [
          {
            name: "variant",
            distribution: { _tag: "Categorical", values: ["lora", "qlora", "oft"], probabilities: null },
            when: null,
            prior: null,
          },
          {
            name: "rank",
            distribution: { _tag: "Categorical", values: [4, 8, 16, 32], probabilities: null },
            when: "variant != 'oft'",
            prior: null,
          },
          {
            name: "learning_rate",
            distribution: { _tag: "LogUniform", min: 1e-5, max: 5e-4 },
            when: null,
            prior: null,
          },
          { name: "epochs", distribution: { _tag: "IntUniform", min: 1, max: 3 }, when: null, prior: null },
        ],
        derived: [{ name: "alpha", expression: "2 * rank", when: null }],
        constraints: ["alpha <= 128"],
      },
      seed: 0,
      replicas: 2,
      earlyTerminate: {
        type: "asha",
        resource: "epoch",
        min_resource: 1,
        max_resource: null,
        eta: 3,
        mode: "promote",
        brackets: 1,
      },
      overfitting: { action: "stop" },
      budget: { trials: 64, gpuHours: 20, hours: null },
      resources: { gpus: 1 },
      probes: [],
      enqueue: [],
    })
  })

  it("has defaults for all but what to train", async () => {
    const { draft, data } = await parse("model: m\ndata: {train: t.json}\nparameters: {rank: 4}\n", "a/b/my sweep.yml")
    expect(data?.eval).toEqual({ fraction: 0.1, seed: 7 })
    expect(draft).toMatchObject({
      name: "my sweep",
      method: "gp",
      methodBecause: "model",
      metric: { name: "eval/loss", goal: "minimize", summary: "best", target: null },
      seed: 0,
      replicas: 1,
      earlyTerminate: null,
      overfitting: { action: "flag" },
      budget: { trials: null, gpuHours: null, hours: null },
      resources: { gpus: 1 },
    })
  })

  it.each([
    ["budget: {trials: 8}", "sobol", "few trials"],
    ["budget: {trials: 40}", "gp", "model"],
    ["budget: {trials: 5000}", "tpe", "many trials"],
    ["metrics: [eval/loss, eval/perplexity]", "ehvi", "objectives"],
    ["early_terminate: {type: bohb}", "tpe", "rule"],
  ])("chooses a method for %s", async (line, method, methodBecause) => {
    const { draft } = await parse(`model: m\ndata: {train: t.json}\nparameters: {rank: [4, 8]}\n${line}\n`)
    expect(draft).toMatchObject({ method, methodBecause })
    const named = await parse(`model: m\ndata: {train: t.json}\nparameters: {rank: [4, 8]}\nmethod: random\n`)
    expect(named.draft).not.toHaveProperty("methodBecause")
  })

  it.each<[string, Record<string, unknown>]>([
    ["name: 通义 LoRA, first try", { name: "通义 LoRA, first try" }],
    ["description: text", { description: "text" }],
    ["description:", { description: "" }],
    ["method: grid", { method: "grid" }],
    ["method: bayes", { method: "gp" }],
    ["method: sobol", { method: "sobol" }],
    ["method: cmaes", { method: "cmaes" }],
    ["seed: 12", { seed: 12 }],
    ["seeds: 3", { replicas: 3 }],
    ["overfitting: stop", { overfitting: { action: "stop" } }],
    ["overfitting: {action: flag}", { overfitting: { action: "flag" } }],
    ["budget: {trials: 3, hours: 0.5}", { budget: { trials: 3, gpuHours: null, hours: 0.5 } }],
    ["run_cap: 3", { budget: { trials: 3, gpuHours: null, hours: null } }],
    ["resources: {gpus: 2}", { resources: { gpus: 2 } }],
    ["metric: train/loss", { metric: { name: "train/loss", goal: "minimize", summary: "best", target: null } }],
    [
      "metric: {name: eval/token_accuracy, goal: maximize, summary: last, target: 0.9}",
      { metric: { name: "eval/token_accuracy", goal: "maximize", summary: "last", target: 0.9 } },
    ],
    [
      "method: nsga2\nmetrics: [eval/loss, {name: train/loss}]",
      {
        metric: { name: "eval/loss", goal: "minimize", summary: "best", target: null },
        metrics: [{ name: "eval/loss" }, { name: "train/loss" }],
      },
    ],
    ["constraints: [rank < 6]", { space: { constraints: ["rank < 6"] } }],
    [
      "outcome_constraints: [eval/loss<=1.3, 'memory/device_gib < 2e1', train/tokens_per_second >= 100]",
      {
        outcomes: [
          { metric: "eval/loss", comparison: "<=", limit: 1.3 },
          { metric: "memory/device_gib", comparison: "<", limit: 20 },
          { metric: "train/tokens_per_second", comparison: ">=", limit: 100 },
        ],
      },
    ],
    [
      "probes: [Who?, {instruction: Say, input: hi, system: Be brief., max_new_tokens: 8}]",
      {
        probes: [
          { instruction: "Who?", input: "", system: "", max_new_tokens: 48 },
          { instruction: "Say", input: "hi", system: "Be brief.", max_new_tokens: 8 },
        ],
      },
    ],
    ["enqueue: [{rank: 16}]", { enqueue: [{ rank: 16 }] }],
  ])("%s", async (lines, expected) => expect((await parse(`${withRank}${lines}\n`)).draft).toMatchObject(expected))

  it("keeps what a byte order mark and Windows lines say", async () => {
    const { draft } = await parse(`\ufeff${withRank}seed: 3\n`.replaceAll("\n", "\r\n"))
    expect(draft.seed).toBe(3)
  })

  it("fills constants and derived parameters into trials given by hand", async () => {
    const { draft, warnings } = await parse(`${native}
parameters:
  variant: [lora, oft]
  rank: {values: [4, 8], when: "variant != 'oft'"}
  alpha: {derive: "2 * rank"}
  epochs: 3
enqueue:
  - {rank: 16, variant: lora}
  - {variant: oft}
budget: {trials: 3}
`)
    expect(draft.enqueue).toEqual([
      { variant: "lora", rank: 16, alpha: 32, epochs: 3 },
      { variant: "oft", epochs: 3 },
    ])
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining("`rank` lies outside")])
  })

  it("orders derived parameters by what they read", async () => {
    const { draft } = await parse(`${command}parameters:
  alpha: {derive: "rank * 2"}
  rank: {derive: "batch_size / 2", when: "alpha_on"}
  batch_size: [8, 16]
  alpha_on: [true, false]
`)
    expect(draft.space.derived.map(({ name }) => name)).toEqual(["rank", "alpha"])
    expect(draft.space.dimensions.map(({ name }) => name)).toEqual(["batch_size", "alpha_on"])
  })

  it("gives a group's condition to each of its parameters", async () => {
    const { draft } = await parse(`${command}parameters:
  kind: [sgd, adam]
  sgd:
    when: kind == 'sgd'
    parameters:
      momentum: {min: 0.0, max: 0.9}
      nesterov: {values: [true, false], when: sgd.momentum > 0.5}
`)
    expect(draft.space.dimensions.map(({ name, when }) => [name, when])).toEqual([
      ["kind", null],
      ["sgd.momentum", "kind == 'sgd'"],
      ["sgd.nesterov", "(kind == 'sgd') && (sgd.momentum > 0.5)"],
    ])
    expect(draft.groups).toEqual(["sgd"])
  })

  it("warns of a sweep without an end", async () => {
    expect((await parse(withRank)).warnings.map(({ path }) => path)).toEqual(["budget"])
    expect((await parse(`${withRank}method: grid\n`)).warnings).toEqual([])
    expect((await parse(`${withRank}metric: {name: eval/loss, target: 1.5}\n`)).warnings).toEqual([])
  })

  it.each([
    ["2026 行 résumé – v1.2 (final)", true],
    ["x".repeat(200), true],
    ["..", true],
    ["a/b", false],
    ["a\\\\b", false],
    ["<b>", false],
    ["tab\\there", false],
    ["\\u2028", false],
    [" ", false],
    ["x".repeat(201), false],
  ])("name %j", async (name, good) => {
    const outcome = await Effect.runPromise(Effect.result(parseSweepFile(`${withRank}name: "${name}"\n`, "x.yaml")))
    expect(outcome._tag).toBe(good ? "Success" : "Failure")
  })
})

describe("distributions", () => {
  it.each<[string, object]>([
    ["3", { _tag: "Constant", value: 3 }],
    ["null", { _tag: "Constant", value: null }],
    ["text", { _tag: "Constant", value: "text" }],
    ["[1, 2.5, a, true, null]", { _tag: "Categorical", values: [1, 2.5, "a", true, null], probabilities: null }],
    ["{value: 3}", { _tag: "Constant", value: 3 }],
    ["{distribution: constant, value: a}", { _tag: "Constant", value: "a" }],
    ["{values: [1]}", { _tag: "Categorical", values: [1], probabilities: null }],
    ["{distribution: categorical, values: [1, 2]}", { _tag: "Categorical", values: [1, 2], probabilities: null }],
    [
      "{distribution: categorical_w_probabilities, values: [1, 2], probabilities: [0.25, 0.75]}",
      { _tag: "Categorical", values: [1, 2], probabilities: [0.25, 0.75] },
    ],
    [
      "{distribution: categorical_w_probabilities, values: [1, 2]}",
      { _tag: "Categorical", values: [1, 2], probabilities: null },
    ],
    [
      "{values: [1, 2, 3], probabilities: [0.1, 0.2, 0.7]}",
      { _tag: "Categorical", values: [1, 2, 3], probabilities: [0.1, 0.2, 0.7] },
    ],
    ["{min: 1, max: 3}", { _tag: "IntUniform", min: 1, max: 3 }],
    ["{min: -3, max: 0x10}", { _tag: "IntUniform", min: -3, max: 16 }],
    ["{min: 1, max: 3.0}", { _tag: "Uniform", min: 1, max: 3 }],
    ["{min: 1e0, max: 3}", { _tag: "Uniform", min: 1, max: 3 }],
    ["{distribution: int_uniform, min: 1, max: 3}", { _tag: "IntUniform", min: 1, max: 3 }],
    ["{distribution: uniform, min: 1, max: 3}", { _tag: "Uniform", min: 1, max: 3 }],
    ["{distribution: q_uniform, min: 1, max: 3, q: 0.5}", { _tag: "QUniform", min: 1, max: 3, q: 0.5 }],
    ["{distribution: q_uniform, min: 1, max: 3}", { _tag: "QUniform", min: 1, max: 3, q: 1 }],
    ["{distribution: log_uniform_values, min: 1e-5, max: 1}", { _tag: "LogUniform", min: 1e-5, max: 1 }],
    ["{distribution: q_log_uniform_values, min: 8, max: 64, q: 8}", { _tag: "QLogUniform", min: 8, max: 64, q: 8 }],
    ["{distribution: inv_log_uniform_values, min: 0.1, max: 1}", { _tag: "InvLogUniform", min: 0.1, max: 1 }],
    ["{distribution: normal}", { _tag: "Normal", mu: 0, sigma: 1 }],
    ["{distribution: normal, mu: -2, sigma: 0.5}", { _tag: "Normal", mu: -2, sigma: 0.5 }],
    ["{distribution: q_normal, mu: 5, q: 0.25}", { _tag: "QNormal", mu: 5, sigma: 1, q: 0.25 }],
    ["{distribution: log_normal, mu: -7}", { _tag: "LogNormal", mu: -7, sigma: 1 }],
    ["{distribution: q_log_normal, sigma: 2}", { _tag: "QLogNormal", mu: 0, sigma: 2, q: 1 }],
    ["{distribution: beta}", { _tag: "Beta", a: 1, b: 1 }],
    ["{distribution: beta, a: 2, b: 0.5}", { _tag: "Beta", a: 2, b: 0.5 }],
    ["{distribution: q_beta, q: 0.1}", { _tag: "QBeta", a: 1, b: 1, q: 0.1 }],
  ])("%s", async (text, expected) => {
    const { draft } = await parse(`${command}parameters: {x: ${text}}\n`)
    expect(draft.space.dimensions).toEqual([{ name: "x", distribution: expected, when: null, prior: null }])
  })

  it.each<[string, string]>([
    ["{distribution: q_uniform, min: 1, max: 3, q: 0}", "parameters.x.q"],
    ["{distribution: uniform, min: 1}", "parameters.x.max"],
    ["{distribution: uniform, min: a, max: 2}", "parameters.x.min"],
    ["{distribution: uniform, min: .inf, max: 2}", ""],
    ["{distribution: log_uniform_values, min: -1, max: 2}", "parameters.x.min"],
    ["{distribution: int_uniform, min: 1, max: 2.5}", "parameters.x.max"],
    ["{distribution: normal, sigma: -1}", "parameters.x.sigma"],
    ["{distribution: beta, a: 0}", "parameters.x.a"],
    ["{distribution: beta, q: 1}", "parameters.x.q"],
    ["{distribution: constant}", "parameters.x.value"],
    ["{distribution: categorical}", "parameters.x.values"],
    ["{min: 1, max: 3, mu: 1}", "parameters.x.mu"],
  ])("refuses %s", async (text, path) => {
    const problems = await refuse(`${command}parameters: {x: ${text}}\n`)
    expect(problems.map((problem) => problem.path)).toEqual([path])
  })

  it.each([
    ["{distribution: log_uniform, min: -6.907755278982137, max: 0}", "min: 0.001, max: 1.0}"],
    ["{distribution: inv_log_uniform, min: 0, max: 6.907755278982137}", "min: 0.001, max: 1.0}"],
    ["{distribution: q_log_uniform, min: 0, max: 6.907755278982137, q: 5}", "min: 1.0, max: 1000.0, q: 5}"],
    ["{distribution: log_uniform, min: -20, max: -10}", "min: 2.06115e-9, max: 0.0000453999}"],
    ["{distribution: log_uniform, min: -16.11809565095832, max: 0}", "min: 1.0e-7, max: 1.0}"],
  ])("converts %s, and the line decodes", async (text, bounds) => {
    const { warnings } = await parse(`${command}parameters: {x: ${text}}\n`)
    const line = warnings.find(({ message }) => /deprecated/.test(message))!.hint!.replace(/^write /, "")
    expect(line.endsWith(bounds)).toBe(true)
    const { draft } = await parse(`${command}parameters:\n  ${line}\n`)
    expect(draft.space.dimensions[0]!.distribution._tag).toMatch(/LogUniform$/)
  })
})

describe("a prior", () => {
  it.each([
    ["{min: 1, max: 9, prior: {center: 4, width: 2}}", { center: 4, width: 2 }],
    ["{values: [4, 8, 16], prior: {center: 8, width: 2}}", { center: 8, width: 2 }],
    [
      "{distribution: log_uniform_values, min: 1e-5, max: 1, prior: {center: 1e-4, width: 0.5}}",
      { center: 1e-4, width: 0.5 },
    ],
    ["{distribution: normal, prior: {center: -40, width: 1}}", { center: -40, width: 1 }],
  ])("%s", async (text, prior) => {
    const { draft } = await parse(`${command}parameters: {x: ${text}}\n`)
    expect(draft.space.dimensions[0]!.prior).toEqual(prior)
  })
})

describe("early_terminate", () => {
  const options = async (text: string, header = withRank) =>
    (await parse(`${header}early_terminate: ${text}\n`)).draft.earlyTerminate

  it.each<[string, object]>([
    [
      "{type: hyperband, min_iter: 3}",
      { type: "hyperband", min_iter: 3, max_iter: null, s: null, eta: 3, strict: true, action: "stop" },
    ],
    [
      "{type: hyperband, max_iter: 27, s: 2, eta: 2.5, strict: false, action: pause}",
      { type: "hyperband", min_iter: null, max_iter: 27, s: 2, eta: 2.5, strict: false, action: "pause" },
    ],
    [
      "{type: asha, resource: step, min_resource: 10, max_resource: 270, eta: 4, mode: promote, brackets: 3}",
      { type: "asha", resource: "step", min_resource: 10, max_resource: 270, eta: 4, mode: "promote", brackets: 3 },
    ],
    [
      "{type: median}",
      { type: "median", resource: "epoch", min_resource: 0, min_trials: 5, percentile: 50, action: "stop" },
    ],
    [
      "{type: patience, patience: 2, min_delta: 0.01, resource: seconds}",
      { type: "patience", resource: "seconds", min_resource: 0, patience: 2, min_delta: 0.01, action: "stop" },
    ],
    [
      "{type: threshold, upper: 3}",
      { type: "threshold", resource: "epoch", min_resource: 0, lower: null, upper: 3, action: "stop" },
    ],
    [
      "{type: pbt, parameters: [rank]}",
      {
        type: "pbt",
        resource: "epoch",
        interval: 1,
        population: 8,
        quantile: 0.25,
        resample_probability: 0.25,
        perturb: [0.8, 1.2],
        parameters: ["rank"],
      },
    ],
  ])("%s", async (text, expected) => expect(await options(text)).toEqual(expected))

  it("bohb goes with tpe", async () =>
    expect(await options("{type: bohb, max_resource: 9}", `${withRank}method: tpe\n`)).toEqual({
      type: "bohb",
      resource: "epoch",
      min_resource: 1,
      max_resource: 9,
      eta: 3,
      mode: "promote",
      brackets: null,
    }))

  it("counts steps where the trainer is a command", async () =>
    expect(await options("{type: asha}", `${command}parameters: {x: [1, 2]}\n`)).toMatchObject({ resource: "step" }))

  it("may be null", async () => expect(await options("null")).toBeNull())

  it.each([
    ["{min_iter: 1}", "early_terminate.type"],
    ["{type: hyperband, min_iter: 0}", "early_terminate.min_iter"],
    ["{type: hyperband, s: 2}", "early_terminate"],
    ["{type: asha, min_resource: 0}", "early_terminate.min_resource"],
    ["{type: asha, strict: true}", "early_terminate.strict"],
    ["{type: median, percentile: 100}", "early_terminate.percentile"],
    ["{type: patience, patience: 1.5}", "early_terminate.patience"],
    ["{type: threshold, lower: 2, upper: 1}", "early_terminate.lower"],
    ["{type: pbt, parameters: [rnak]}", "early_terminate.parameters[0]"],
    ["{type: pbt, perturb: [0]}", "early_terminate.perturb[0]"],
    ["asha", "early_terminate"],
  ])("refuses %s", async (text, path) => {
    const problems = await refuse(`${withRank}early_terminate: ${text}\n`)
    expect(problems.map((problem) => problem.path)).toEqual([path])
  })
})

describe("W&B's keys", () => {
  const base = `${command}parameters: {x: [1, 2]}\nmetric: {name: loss}\nrun_cap: 3\n`

  it.each([
    ["apiVersion: v1", 1],
    ["kind: sweep", 1],
    ["controller: {type: local}", 1],
    ["controller: {type: cloud}", 1],
    ["entity: team", 1],
    ["project: p", 1],
    ["job: team/p/job:latest", 1],
    ["image_uri: image", 1],
    ["scheduler: {job: x, settings: {a: [1]}}", 1],
    ["description: text", 0],
    ["name: text", 0],
    ["command: ['${interpreter}', '${program}']", 1],
    ["command: ['${interpreter}', '${program}', '${args}']", 0],
    ["early_terminate: {type: hyperband, min_iter: 1}", 0],
  ])("%s", async (line, warnings) => {
    const parsed = await parse(`${base}${line}\n`)
    expect(parsed.draft.trainer).toBe("command")
    expect(parsed.warnings.length).toBe(warnings)
  })

  it.each([
    ["kind: job", "kind"],
    ["controller: {type: remote}", "controller.type"],
    ["metrics: [{name: a}, {name: b}]", "metrics"],
    ["sweep_id: abc", "sweep_id"],
  ])("refuses %s", async (line, path) =>
    expect((await refuse(`${base}${line}\n`)).map((problem) => problem.path)).toContain(path),
  )

  it.each([
    ["{name: a}", { name: "a", goal: "minimize" }, 0],
    ["{name: a, goal: maximize, target: 3}", { goal: "maximize", target: 3 }, 0],
    ["{name: a, impute: worst}", { name: "a" }, 0],
    ["{name: a, impute: best}", { name: "a" }, 1],
    ["{name: a, impute_while_running: latest}", { name: "a" }, 1],
    ["{name: a, impute_while_running: false}", { name: "a" }, 0],
  ])("metric: %s", async (metric, expected, warnings) => {
    const parsed = await parse(`${command}parameters: {x: [1]}\nrun_cap: 2\nmetric: ${metric}\n`)
    expect(parsed.draft.metric).toMatchObject(expected)
    expect(parsed.warnings.length).toBe(warnings)
  })

  it("keeps names with dots apart from groups", async () => {
    const { draft } = await parse(`${command}parameters: {a.b: 1, c: {parameters: {d: 2}}}\n`)
    expect(draft.groups).toEqual(["c"])
    expect(draft.space.dimensions.map(({ name }) => name)).toEqual(["a.b", "c.d"])
  })
})

describe("prior: default", () => {
  it("is a range, or a belief within the file's own, and for alpha a rule", async () => {
    const { draft } = await parse(`model: m
data: {train: t.json}
parameters:
  alpha: {prior: default}
  rank: {prior: default}
  learning_rate: {min: 1.0e-5, max: 1.0e-4, prior: default}
  variant: [lora, rslora]
`)
    expect(draft.space.derived).toMatchObject([{ name: "alpha", expression: "variant == 'rslora' ? 16 : 2 * rank" }])
    expect(draft.space.dimensions).toMatchObject([
      { name: "rank", distribution: { values: [4, 8, 16, 32, 64] }, prior: { center: 16 } },
      { name: "learning_rate", distribution: { min: 1e-5, max: 1e-4 }, prior: { center: 1e-4 } },
      { name: "variant", prior: null },
    ])
  })
})

describe("places", () => {
  it("name the parameter, the key and the entry", async () => {
    const problems = await refuse(`${native}parameters:
  rank:
    min: 0
    max: 8
constraints:
  - rank < 9
  - "rank ** 2"
`)
    expect(problems).toMatchObject([
      { file: "x.yaml", line: 5, column: 10, length: 1, path: "parameters.rank.min" },
      { line: 9, column: 12, path: "constraints[1]" },
    ])
  })

  it("are those of the alias, not of its anchor", async () => {
    const problems = await refuse(`${native}seed: &s text\nseeds: *s\nparameters: {rank: 4}\n`)
    expect(problems.map(({ line, column }) => [line, column])).toEqual([
      [3, 10],
      [4, 8],
    ])
  })
})

it("every sweep of the repository decodes", async () => {
  const folder = join(import.meta.dirname, "../../../sweeps")
  for (const name of readdirSync(folder).filter((entry) => /\.ya?ml$/.test(entry))) {
    await parse(readFileSync(join(folder, name), "utf8"), name)
  }
})
