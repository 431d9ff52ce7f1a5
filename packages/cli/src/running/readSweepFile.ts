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
      return Effect.succeed(readFileSync(path, "utf8"))
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      return Effect.fail(
        badInput(
          code === "ENOENT"
            ? `${path}: no such file. Examples lie in sweeps/; start with sweep run sweeps/quickstart.yaml`
            : `${path}: ${message}`,
        ),
      )
    }
  })

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
    samplerFor(spec)
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
  const read = yield* loadSweep(text, { path, absolutePath: resolve(path), workDirectory: prepared }).pipe(
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
