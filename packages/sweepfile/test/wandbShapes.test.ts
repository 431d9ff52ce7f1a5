// The shapes of W&B sweep files that people keep in public repositories: `wandbShapes.json` says of each which keys, forms
// of parameters and arguments it has, and nothing of its contents. A file of each shape is written and has to be accepted.
import { NodeServices } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { loadSweep } from "../src/parse/loadSweep.ts"

interface Shape {
  readonly keys: ReadonlyArray<string>
  readonly method: string
  readonly program: boolean
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
    return [`${key}: ${negative && key === "min" ? "-9.5" : values[String(form)]!(key === "min" ? 0 : 3)}`]
  })
  return lines.map((line) => `${indent}${line}\n`).join("")
}

const extra: Readonly<Record<string, string>> = { run_cap: "20", controller: "{type: local}" }

const fileOf = (shape: Shape): string => {
  const name = (i: number) => (shape.dotted ? `group.p${i}` : `p${i}`)
  return [
    ...shape.keys.map((key) => `${key}: ${extra[key] ?? "some"}`),
    `method: ${shape.method}`,
    ...(shape.program ? ["program: src/train.py"] : []),
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

describe("W&B sweep files of public repositories", () => {
  const runnable = shapes.filter(({ program, command }) => program || command !== undefined)
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

  it("are enough", () => expect(runnable.length).toBeGreaterThanOrEqual(40))

  it.each(runnable.map((shape, i) => [i, shape] as const))("%i", async (_, shape) => {
    const read = await load(shape)
    const problems = read._tag === "Failure" ? read.failure.problems.map(({ message }) => message) : []
    expect(problems, fileOf(shape)).toEqual([])
    if (read._tag === "Success" && shape.program) expect(read.success.spec.workingDirectory).toBe(called)
  })

  it("without a program say what to do", async () => {
    const read = await load(shapes.find(({ program, command }) => !program && command === undefined)!)
    expect(read._tag === "Failure" ? read.failure.problems[0]!.hint : null).toMatch(/program: train\.py/)
  })
})
