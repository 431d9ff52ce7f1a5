// The text of a sweep file → everything it says by itself. Pure: no file is opened. Every mistake is reported at once.
import * as Effect from "effect/Effect"
import { Field } from "./Field.ts"
import { readSweep } from "../keys/readSweep.ts"
import type { ReadSweep } from "../keys/SweepDraft.ts"
import { Source } from "./Source.ts"
import { type SpecErrors, specErrors, type SpecProblem } from "./SpecProblem.ts"
import { maximumBytes, parseYaml } from "./YamlTree.ts"

export interface ParsedSweep extends ReadSweep {
  /** As the person wrote it; problems name it. */
  readonly path: string
  readonly text: string
  /** What is allowed but probably not meant. */
  readonly warnings: ReadonlyArray<SpecProblem>
  readonly source: Source
}

const read = (source: Source): ReadSweep | undefined => {
  const { text } = source
  const start = { start: 0, end: 1 }
  const bytes = Buffer.byteLength(text)
  if (bytes > maximumBytes) {
    return source.report(start, "", {
      message: "the file is too large for a sweep file",
      found: `${bytes} bytes`,
      expected: `at most ${maximumBytes} bytes`,
      hint: "data belongs into a file of its own, named by `data`",
    })
  }
  if (text.includes("\0")) return source.report(start, "", { message: "this is not a text file", expected: "YAML" })
  const { root, problems } = parseYaml(text, (offset) => source.lineOf(offset))
  for (const { start, end, message, expected, hint } of problems) {
    source.report({ start, end }, "", { message, expected, hint })
  }
  if (root === undefined) {
    if (problems.length > 0) return undefined
    return source.report(start, "", {
      message: "the file is empty",
      expected: "a sweep file: `model`, `data`, `parameters` …",
    })
  }
  return readSweep(new Field(source, root, ""))
}

/** `path` names the file in messages and, without its folder and ending, a sweep without a name. */
export const parseSweepFile = (text: string, path: string): Effect.Effect<ParsedSweep, SpecErrors> =>
  Effect.suspend(() => {
    // A byte order mark would shift the first line by one.
    const source = new Source(path, text.replace(/^\ufeff/, ""))
    const sweep = read(source)
    const { errors } = source
    if (sweep === undefined || errors.length > 0) return Effect.fail(specErrors(errors, source.text))
    return Effect.succeed({ ...sweep, path, text: source.text, warnings: source.warnings, source })
  })
