// The shapes of W&B sweep files that people keep in public repositories: `wandbShapes.json` says of each which keys, forms
// of parameters and arguments it has, and nothing of its contents. A file of each shape is written and has to be accepted.
// Of the files with a `program`, that was in the repository. Collected in November 2026: the first five different ones of each
// repository that had any; `schema` says whether the schema of W&B's package `sweeps` 0.2.0 accepts the file.
import { NodeServices } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { loadSweep } from "../src/parse/loadSweep.ts"

interface Shape {
  /** Numbered, not named. */
  readonly repository: number
  readonly schema: boolean
  /** How many more keys it has, which W&B does not know. */
  readonly other?: number
  readonly keys: ReadonlyArray<string>
  readonly method: string
  /** `module`: run with `python -m`. */
  readonly program: boolean | "module"
  readonly dotted: boolean
  readonly parameters: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly metric?: ReadonlyArray<string>
  readonly early_terminate?: Readonly<Record<string, unknown>>
  readonly command?: ReadonlyArray<string>
}

const shapes: ReadonlyArray<Shape> = JSON.parse(readFileSync(join(import.meta.dirname, "wandbShapes.json"), "utf8"))

const values: Readonly<Record<string, (n: number) => string>> = {
  int: (n) => String(4 + n),
  float: (n) => `0.${n + 1}5`,
  exp: (n) => `${n + 1}e-5`,
  bool: (n) => (n % 2 === 0 ? "true" : "false"),
  text: (n) => `word${n}`,
  null: () => "null",
  list: (n) => `[${n}, 2]`,
  map: (n) => `{a: ${n}}`,
}

const parameter = (shape: Shape["parameters"][number], indent: string): string => {
  if (Array.isArray(shape["parameters"])) {
    const inner = shape["parameters"].map((one, i) => `${indent}    n${i}:\n${parameter(one, `${indent}      `)}`)
    return `${indent}parameters:\n${inner.join("")}`
  }
  const negative = shape["negative"] === true
  const lines = Object.entries(shape).flatMap(([key, form]) => {
    if (key === "negative") return []
    if (Array.isArray(form)) return [`values: [${form.map((kind: string, i) => values[kind]!(i)).join(", ")}]`]
    if (key === "probabilities")
      return [
        `probabilities: [${Array(form)
          .fill(1 / Number(form))
          .join(", ")}]`,
      ]
    if (key === "distribution") return [`distribution: ${String(form)}`]
    return [
      `${key}: ${negative && key === "min" ? (form === "int" ? "-9" : "-9.5") : values[String(form)]!(key === "min" ? 0 : 3)}`,
    ]
  })
  return lines.map((line) => `${indent}${line}\n`).join("")
}

const extra: Readonly<Record<string, string>> = { run_cap: "20", controller: "{type: local}" }

const fileOf = (shape: Shape): string => {
  const name = (i: number) => (shape.dotted ? `group.p${i}` : `p${i}`)
  return [
    ...shape.keys.map((key) => `${key}: ${extra[key] ?? "some"}`),
    `method: ${shape.method}`,
    ...(shape.program === "module" ? ["program: src.train"] : shape.program ? ["program: src/train.py"] : []),
    ...(shape.other === undefined ? [] : ["count: 20"]),
    ...(shape.metric === undefined
      ? []
      : [
          `metric: {${shape.metric.map((key) => `${key}: ${key === "goal" ? "maximize" : key === "target" ? "0.9" : "val/acc"}`).join(", ")}}`,
        ]),
    ...(shape.early_terminate === undefined
      ? []
      : [
          `early_terminate: {${Object.entries(shape.early_terminate)
            .map(
              ([key, form]) =>
                `${key}: ${form === "int" ? (key === "max_iter" ? 27 : 3) : form === "float" ? 2.5 : String(form)}`,
            )
            .join(", ")}}`,
        ]),
    ...(shape.command === undefined
      ? []
      : [
          `command: [${shape.command.map((argument) => JSON.stringify(argument === "unknown macro" ? "dir=${now:%Y}" : argument)).join(", ")}]`,
        ]),
    "parameters:",
    ...shape.parameters.map((one, i) => `  ${name(i)}:\n${parameter(one, "    ")}`),
  ].join("\n")
}

/** Why a file of a repository is refused. Each of them W&B's own schema refuses, too. */
const refusals: ReadonlyArray<{
  readonly when: (shape: Shape) => boolean
  readonly message: RegExp
  readonly because: string
}> = [
  {
    when: ({ other }) => other !== undefined,
    message: /unknown key `count`/,
    because: "a key at the top that W&B does not know either: what it was to do would be left out without a word",
  },
  {
    when: ({ parameters }) => parameters.some((one) => "conditions" in one),
    message: /unknown key `conditions`/,
    because: "W&B has no conditional parameters: the file's author believes in a rule that nobody applies",
  },
]

describe("W&B sweep files of public repositories", () => {
  const runnable = shapes.filter(({ program, command }) => program !== false || command !== undefined)
  const withProgram = runnable.filter(({ program, schema }) => program !== false && schema)
  const called = mkdtempSync(join(tmpdir(), "sweep-shapes-"))
  const load = (shape: Shape) => {
    mkdirSync(join(called, "src"), { recursive: true })
    mkdirSync(join(called, "configs"), { recursive: true })
    writeFileSync(join(called, "src/train.py"), "")
    onTestFinished(() => rmSync(called, { recursive: true, force: true }))
    const options = {
      path: "s.yaml",
      absolutePath: join(called, "configs/s.yaml"),
      calledFrom: called,
      workDirectory: called,
    }
    return Effect.runPromise(Effect.result(loadSweep(fileOf(shape), options)).pipe(Effect.provide(NodeServices.layer)))
  }
  const refusalOf = (shape: Shape) => refusals.find(({ when }) => when(shape))

  it("are at least 60 that W&B's schema accepts and whose program exists, of many repositories", () => {
    expect(withProgram.length).toBeGreaterThanOrEqual(60)
    expect(new Set(withProgram.map(({ repository }) => repository)).size).toBeGreaterThanOrEqual(30)
  })

  it("are accepted where W&B's schema accepts them: 95 of 100 at least", async () => {
    let accepted = 0
    for (const shape of withProgram) if ((await load(shape))._tag === "Success") accepted++
    expect(accepted / withProgram.length).toBeGreaterThanOrEqual(0.95)
    expect(withProgram.filter((shape) => refusalOf(shape) !== undefined)).toEqual([])
  })

  it.each(runnable.map((shape, i) => [i, shape] as const))("%i", async (_, shape) => {
    const read = await load(shape)
    const problems = read._tag === "Failure" ? read.failure.problems.map(({ message }) => message) : []
    const refusal = refusalOf(shape)
    if (refusal !== undefined) {
      expect(shape.schema).toBe(false)
      return expect(problems, refusal.because).toContainEqual(expect.stringMatching(refusal.message))
    }
    expect(problems, fileOf(shape)).toEqual([])
    if (read._tag === "Success" && shape.program !== false) expect(read.success.spec.workingDirectory).toBe(called)
    if (read._tag === "Success" && shape.program === "module") expect(read.success.spec.command).toContain("src.train")
  })

  it("without a program say what to do", async () => {
    const without = shapes.filter(({ program, command }) => program === false && command === undefined)
    expect(without.length).toBeGreaterThan(5)
    for (const shape of without) {
      const read = await load(shape)
      expect(read._tag === "Failure" ? read.failure.problems[0]!.hint : null).toMatch(/program: train\.py/)
    }
  })
})
