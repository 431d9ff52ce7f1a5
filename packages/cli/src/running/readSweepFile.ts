// A sweep file from disk to a spec, with every problem printed where it is. Owns the wiring of the spec room to the
// file system; the rules are the spec room's.
import { readFileSync, statSync } from "node:fs"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import { unrunnable } from "@sweep/domain/Backend"
import { populationProblem } from "@sweep/domain/population"
import type { LoadedSweep } from "@sweep/sweepfile/loadSweep"
import { specErrors, type SpecProblem } from "@sweep/sweepfile/SpecProblem"
import { maximumBytes } from "@sweep/sweepfile/YamlTree"
import { badInput } from "../exitCodes.ts"
import { home } from "../serving/home.ts"
import { note } from "../output.ts"
import { refuseSecretsInFile } from "./refuseSecrets.ts"
import { fileProblem } from "@sweep/domain/fileProblem"
import { isUtf8 } from "node:buffer"

/** The text, or where the file stops being UTF-8: a Latin-1 letter would otherwise turn into a mark nobody wrote. */
const utf8Text = (path: string, bytes: Buffer) => {
  if (isUtf8(bytes)) return Effect.succeed(bytes.toString("utf8").replace(/^\uFEFF/, ""))
  const lines = bytes.toString("latin1").split("\n")
  const row = lines.findIndex((line) => !isUtf8(Buffer.from(line, "latin1")))
  const line = Buffer.from(lines[row] ?? "", "latin1")
  let column = 0
  while (column < line.length && isUtf8(line.subarray(0, column + 1) as Buffer)) column++
  const begun = line
    .subarray(0, column)
    .toString("utf8")
    .replace(/\uFFFD$/, "")
  return Effect.fail(
    badInput(
      `${path}:${row + 1}:${begun.length + 1}: this file is not UTF-8 (byte 0x${(line[column] ?? 0).toString(16)}). Save it as UTF-8, such as with: iconv -f latin1 -t utf-8`,
    ),
  )
}

const readText = (path: string) =>
  Effect.suspend(() => {
    try {
      const stat = statSync(path)
      if (stat.isDirectory())
        return Effect.fail(badInput(`${path}: this is a directory; expected a sweep file (YAML).`))
      if (stat.size > maximumBytes) {
        return Effect.fail(
          badInput(
            `${path}: ${stat.size} bytes; a sweep file has at most ${maximumBytes}. Data belongs into a file of its own.`,
          ),
        )
      }
      return utf8Text(path, readFileSync(path))
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      return Effect.fail(
        badInput(
          code === "ENOENT"
            ? `${path}: no such file. Examples lie in sweeps/; start with sweep run sweeps/quickstart.yaml`
            : fileProblem(Object.assign(cause as object, { path })),
        ),
      )
    }
  })

/** Of a grid without a budget; a hundred years at a trial an hour. */
const mostGridSets = 1_000_000

/** What drawing from the space shows, where it stands: constraints nothing satisfies, conditions that never hold. */
const tried = Effect.fnUntraced(function* (loaded: LoadedSweep) {
  const { samplerFor } = yield* Effect.promise(() => import("@sweep/search/samplerFor"))
  const { compileSpace, InvalidSpace, neverActive } = yield* Effect.promise(() => import("@sweep/search/Space"))
  const { spaceProblem } = yield* Effect.promise(() => import("@sweep/sweepfile/spaceProblem"))
  const { parsed, spec, warnings } = loaded
  const impossible = unrunnable(spec).map((message) => spaceProblem(parsed, { where: "variant", message }))
  const population = populationProblem(spec)
  if (population !== null) {
    const { where, message } = population
    impossible.push(parsed.source.problemAt(parsed.source.spanOf(where), where, { message }))
  }
  if (impossible.length > 0) return yield* specErrors(impossible, parsed.text)
  try {
    const { size } = samplerFor(spec)
    if (spec.method === "grid" && spec.budget.trials === null && size !== null && size > mostGridSets) {
      const message = `this grid has ${size.toLocaleString("en")} sets of parameters, more than can ever be run`
      const hint = "shorten the lists, take `method: random`, or say how many with `budget: {trials: 100}`"
      const problem = parsed.source.problemAt(parsed.source.spanOf("method"), "method", { message, hint })
      return yield* specErrors([problem], parsed.text)
    }
    const never = neverActive(compileSpace(spec.space))
    const problems = never.map((where) =>
      spaceProblem(parsed, { where, message: `no draw had \`${where}\`: its condition never seems to hold` }),
    )
    return { spec, neverActive: never, warnings: [...warnings, ...problems] }
  } catch (error) {
    if (error instanceof InvalidSpace) return yield* specErrors([spaceProblem(parsed, error)], parsed.text)
    throw error
  }
})

/** Fails with every problem of the file rendered; what is allowed but odd comes back as `warnings`. */
export const readSweepFile = Effect.fn("readSweepFile")(function* (path: string) {
  const text = yield* readText(path)
  yield* refuseSecretsInFile(path, text)
  const { loadSweep } = yield* Effect.promise(() => import("@sweep/sweepfile/loadSweep"))
  const { renderProblems } = yield* Effect.promise(() => import("@sweep/sweepfile/renderProblems"))
  const { prepared } = yield* home
  const read = yield* loadSweep(text, {
    path,
    absolutePath: resolve(path),
    calledFrom: process.cwd(),
    workDirectory: prepared,
  }).pipe(
    Effect.flatMap(tried),
    Effect.catchTag("SpecErrors", (error) => Effect.fail(badInput(renderProblems(error.problems, error.text)))),
  )
  return { ...read, text }
})

export const noteWarnings = Effect.fn("noteWarnings")(function* (read: {
  readonly warnings: ReadonlyArray<SpecProblem>
  readonly text: string
}) {
  const { renderProblems } = yield* Effect.promise(() => import("@sweep/sweepfile/renderProblems"))
  if (read.warnings.length > 0) yield* note(renderProblems(read.warnings, read.text))
})
