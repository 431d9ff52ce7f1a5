// Files a sweep file names: read from a real folder, mistakes reported at the line that names them.
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { loadSweep } from "../src/parse/loadSweep.ts"
import { renderProblems } from "../src/parse/renderProblems.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sweep-spec-"))
  mkdirSync(join(folder, "base"))
  writeFileSync(join(folder, "base", "config.json"), '{"model_type": "llama"}')
})
afterEach(() => rmSync(folder, { recursive: true }))

const records = (n: number) => Array.from({ length: n }, (_, i) => ({ instruction: `q${i}`, output: `a${i}` }))
const put = (name: string, content: string | Uint8Array | object) =>
  writeFileSync(
    join(folder, name),
    typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content),
  )

const load = (text: string) =>
  loadSweep(text, {
    path: "sweep.yaml",
    absolutePath: join(folder, "sweep.yaml"),
    workDirectory: join(folder, "work"),
  }).pipe(Effect.provide(NodeServices.layer))
const good = (text: string) => Effect.runPromise(load(text))
const bad = async (text: string) => {
  const error = await Effect.runPromise(Effect.flip(load(text)))
  if (error._tag !== "SpecErrors") throw error
  return { problems: error.problems, text: renderProblems(error.problems, error.text).replaceAll(folder, "FOLDER") }
}

const file = (data: string, model = "base") =>
  `model: ${model}\ndata: ${data}\nparameters: {rank: [4, 8]}\nbudget: {trials: 2}\n`

describe("prior: default", () => {
  it("follows the model's size and the number of records", async () => {
    put("train.json", records(3))
    mkdirSync(join(folder, "tiny-0.5B"))
    writeFileSync(join(folder, "tiny-0.5B", "config.json"), '{"model_type": "llama"}')
    const dimensions = async (model: string) => {
      const parameters =
        "{epochs: {prior: default}, learning_rate: {prior: default}, rank: {min: 2, max: 8, prior: default}}"
      const text = `model: ${model}\ndata: {train: train.json, eval: train.json}\nparameters: ${parameters}\nbudget: {trials: 2}\n`
      return (await good(text)).spec.space.dimensions
    }
    expect(await dimensions("base")).toMatchObject([
      { name: "epochs", distribution: { _tag: "IntUniform", min: 2, max: 15 }, prior: { center: 6 } },
      { name: "learning_rate", distribution: { _tag: "LogUniform", min: 2.5e-5, max: 2.5e-3 }, prior: { width: 0.5 } },
      { name: "rank", distribution: { _tag: "IntUniform", min: 2, max: 8 }, prior: { center: 8 } },
    ])
    expect((await dimensions("tiny-0.5B"))[1]).toMatchObject({ prior: { center: 5.1e-4 } })
  })
})

describe("data", () => {
  it("is hashed and counted, with its absolute path", async () => {
    put("train.json", records(3))
    put(
      "eval.jsonl",
      '{"instruction": "q", "output": "a"}\n\n{"instruction": "", "input": "x", "output": "c", "history": [["a", "b"]]}\n',
    )
    const { spec, warnings } = await good(file("{train: train.json, eval: ./eval.jsonl}"))
    const bytes = readFileSync(join(folder, "train.json"))
    expect(spec.data.train).toEqual({
      path: join(folder, "train.json"),
      sha256: createHash("sha256").update(bytes).digest("hex"),
      bytes: bytes.length,
      records: 3,
    })
    expect(spec.data.eval).toMatchObject({ path: join(folder, "eval.jsonl"), records: 2 })
    expect(spec.model).toBe(join(folder, "base"))
    expect(spec.source.path).toBe("sweep.yaml")
    expect(warnings).toEqual([])
  })

  it("is split once, the same way every time, and loses nothing", async () => {
    const all = records(50).map((record, i) => ({ ...record, extra: { i } }))
    put("train data.json", all)
    const text = file("{train: train data.json, eval: {fraction: 0.1, seed: 7}}")
    const first = await good(text)
    const parts = {
      train: readFileSync(first.spec.data.train.path, "utf8"),
      eval: readFileSync(first.spec.data.eval.path, "utf8"),
    }
    const train = JSON.parse(parts.train) as typeof all
    const evaluation = JSON.parse(parts.eval) as typeof all
    expect([train.length, evaluation.length]).toEqual([45, 5])
    expect([first.spec.data.train.records, first.spec.data.eval.records]).toEqual([45, 5])
    expect([...train, ...evaluation].toSorted((a, b) => a.extra.i - b.extra.i)).toEqual(all)
    // What the split is must never change: sweeps are compared over years.
    expect(evaluation.map(({ extra }) => extra.i)).toEqual([4, 9, 17, 24, 44])
    expect(first.spec.data.eval.sha256).toBe(createHash("sha256").update(parts.eval).digest("hex"))
    expect(readdirSync(join(folder, "work")).length).toBe(2)

    rmSync(join(folder, "work"), { recursive: true })
    const second = await good(text)
    expect(second.spec).toEqual(first.spec)
    expect(readFileSync(second.spec.data.eval.path, "utf8")).toBe(parts.eval)

    const other = await good(file("{train: train data.json, eval: {fraction: 0.1, seed: 8}}"))
    expect(other.spec.data.eval.path).not.toBe(first.spec.data.eval.path)
    expect(other.spec.data.eval.sha256).not.toBe(first.spec.data.eval.sha256)
  })

  it("finds the files and functions of task metrics", async () => {
    put("train.json", records(4))
    const task = (metrics: string) => `${file("{train: train.json, eval: {fraction: 0.5}}")}task_metrics: ${metrics}\n`
    put("scoring.py", "def first_letter(predictions, references): return 1.0")
    const { spec } = await good(task("{metrics: [rouge_l, scoring.py:first_letter], samples: all}"))
    expect(spec.taskMetrics).toEqual({
      metrics: ["rouge_l", `${join(folder, "scoring.py")}:first_letter`],
      samples: null,
      max_new_tokens: 48,
    })
    const wrong = await bad(task("[scoring.py:first_leter, scorings.py:first_letter]"))
    expect(wrong.text).toContain("`scoring.py` has no function `first_leter`")
    expect(wrong.text).toContain("did you mean `first_letter`?")
    expect(wrong.text).toContain("the file `scorings.py` does not exist")
    expect(wrong.problems.map(({ line, column }) => [line, column])).toEqual([
      [5, 16],
      [5, 40],
    ])
  })

  it("keeps the paths of images right when it is split, and refuses what are none", async () => {
    const all = records(4).map((record, i) => ({ ...record, images: [`images/${i}.png`, "/elsewhere.png"] }))
    put("train.json", all)
    const { spec } = await good(file("{train: train.json, eval: {fraction: 0.5}}"))
    const parts = [spec.data.train, spec.data.eval].flatMap(
      ({ path }) => JSON.parse(readFileSync(path, "utf8")) as typeof all,
    )
    expect(parts.flatMap(({ images }) => images).toSorted()).toEqual(
      all.flatMap(({ images: [own] }) => [join(folder, own!), "/elsewhere.png"]).toSorted(),
    )
    put("train.json", [{ ...records(1)[0], images: "one.png" }, ...records(2)])
    expect((await bad(file("{train: train.json, eval: {fraction: 0.5}}"))).text).toContain(
      "train.json: record 1 has wrong `images`",
    )
  })

  it("gives at least one record to each part", async () => {
    put("train.json", records(2))
    for (const fraction of [0.01, 0.99]) {
      const { spec } = await good(file(`{train: train.json, eval: {fraction: ${fraction}}}`))
      expect([spec.data.train.records, spec.data.eval.records]).toEqual([1, 1])
    }
    put("train.json", records(1))
    expect((await bad(file("{train: train.json}"))).text).toContain("has one record")
  })

  it("warns where eval records are trained on", async () => {
    put("train.json", records(5))
    put("eval.json", records(2))
    const { warnings } = await good(file("{train: train.json, eval: eval.json}"))
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringMatching(/^2 of 2 eval records/)])
  })

  it.each<[string, string | Uint8Array | object]>([
    ["empty", ""],
    ["no-records", []],
    ["no-list", { instruction: "q", output: "a" }],
    ["broken-json", '[\n {"instruction": "q", "output": "a"},\n {"instruction": "q" "output": "a"}\n]\n'],
    ["cut-short", '[{"instruction": "q", "output": "a"}'],
    ["lines-in-json", '{"instruction": "q", "output": "a"}\n{"instruction": "q", "output": "a"}\n'],
    ["not-utf8", new Uint8Array([0x5b, 0xff, 0xfe, 0x5d])],
    ["missing-field", [...records(2), { instruction: "q", answer: "a" }]],
    ["missing-field-near", [{ instruction: "q", ouput: "a" }]],
    ["wrong-type", [...records(1), { instruction: "q", output: 42 }, { instruction: ["q"], output: "a" }]],
    ["wrong-input", [{ instruction: "q", input: { a: 1 }, output: "a" }]],
    ["wrong-history", [{ instruction: "q", output: "a", history: [["a", "b"], ["c"]] }]],
    ["record-text", ["q", ...records(1)]],
    ["asks-nothing", [{ instruction: " ", input: "", output: "a" }]],
    ["many", Array.from({ length: 9 }, () => ({ instruction: "q" }))],
    ["sharegpt", [{ conversations: [{ from: "human", value: "q" }] }]],
    ["openai", [{ messages: [{ role: "user", content: "q" }] }]],
  ])("%s", async (name, content) => {
    put("train.json", content)
    put("eval.json", [{ instruction: "other", output: "a" }])
    const { problems, text } = await bad(file("{train: train.json, eval: eval.json}"))
    for (const problem of problems) expect(problem).toMatchObject({ line: 2, column: 15, path: "data.train" })
    await expect(`${text}\n`).toMatchFileSnapshot(join(import.meta.dirname, "golden", "data", `${name}.txt`))
  })

  it("counts records and not lines in JSON lines", async () => {
    put("train.jsonl", '{"instruction": "q", "output": "a"}\n\n\n{"instruction": "q", "output": 1}\n')
    put("broken.jsonl", '{"instruction": "q", "output": "a"}\n\n{"instruction": \n')
    const { text } = await bad(file("{train: train.jsonl, eval: broken.jsonl}"))
    expect(text).toContain("train.jsonl: record 2 has a wrong `output`")
    expect(text).toContain("broken.jsonl: record 2 is not JSON")
  })
})

describe("paths", () => {
  it.each([
    ["missing", "{train: trian.json, eval: data/eval.json}", "base"],
    ["folder", "{train: base, eval: train.json}", "base"],
    ["model-missing", "{train: train.json, eval: train.json}", "./bse"],
    ["model-missing-below", "{train: train.json, eval: train.json}", "base/instruct"],
    ["model-bad-id", "{train: train.json, eval: train.json}", "a/b/c"],
    ["model-file", "{train: train.json, eval: train.json}", "train.json"],
    ["model-without-config", "{train: train.json, eval: train.json}", "bare"],
    ["model-bad-config", "{train: train.json, eval: train.json}", "broken"],
    ["model-quantised", "{train: train.json, eval: train.json}", "packed"],
    ["modelscope", "{train: train.json, eval: train.json}", "modelscope:qwen"],
  ])("%s", async (name, data, model) => {
    put("train.json", records(3))
    mkdirSync(join(folder, "bare"))
    mkdirSync(join(folder, "broken"))
    mkdirSync(join(folder, "packed"))
    put("broken/config.json", "[]")
    put("packed/config.json", { model_type: "llama", quantization_config: { quant_method: "awq", bits: 4 } })
    const { text } = await bad(file(data, model))
    await expect(`${text}\n`).toMatchFileSnapshot(join(import.meta.dirname, "golden", "paths", `${name}.txt`))
  })

  it.each(["Qwen/Qwen2.5-1.5B-Instruct", "gpt2", "modelscope:Qwen/Qwen2.5-0.5B"])("takes the id %s", async (id) => {
    put("train.json", records(3))
    expect((await good(file("{train: train.json}", id))).spec.model).toBe(id)
  })

  it("reports model and data together", async () => {
    const { problems } = await bad(file("{train: no.json, eval: no2.json}", "./no"))
    expect(problems.map(({ path }) => path)).toEqual(["model", "data.train", "data.eval"])
  })

  it("writes nothing when something is wrong with the data", async () => {
    put("train.json", [{ instruction: "q" }])
    await bad(file("{train: train.json}"))
    expect(existsSync(join(folder, "work"))).toBe(false)
  })

  it("says when the split cannot be written", async () => {
    put("train.json", records(3))
    put("work", "a file where the folder should be")
    expect((await bad(file("{train: train.json}"))).text).toContain("cannot be written")
  })
})

describe("a command", () => {
  const text = "program: train.py\nmethod: grid\nparameters: {lr: [1, 2]}\n"

  it("gets the absolute path of its program", async () => {
    put("train.py", "")
    const { spec } = await good(text)
    expect(spec.command).toEqual(["${env}", "${interpreter}", join(folder, "train.py"), "${args}"])
    expect(spec.model).toBe("")
    expect(spec.data.train).toEqual({ path: "", sha256: "", bytes: 0, records: 0 })
  })

  it("needs its program", async () => {
    put("trian.py", "")
    expect((await bad(text)).text).toContain("hint:     there is FOLDER/trian.py")
  })
})
