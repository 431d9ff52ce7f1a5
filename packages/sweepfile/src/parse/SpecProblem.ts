// What is wrong with a sweep file, as facts: where, what was found, what was expected, what to try. Owns the shape and
// the error that carries them; finding problems and showing them is for others.
import * as Data from "effect/Data"

export interface SpecProblem {
  readonly file: string
  /** Counts from 1. */
  readonly line: number
  /** Counts from 1, in UTF-16 units, as editors do. */
  readonly column: number
  /** UTF-16 units the problem spans on its line, at least 1. */
  readonly length: number
  /** `parameters.rank.min`, `constraints[0]`; empty for the file as a whole. */
  readonly path: string
  /** One sentence without a full stop. */
  readonly message: string
  readonly found: string | null
  readonly expected: string | null
  readonly hint: string | null
}

/** Everything that is wrong with a file, in the order of its lines. */
export class SpecErrors extends Data.TaggedError("SpecErrors")<{
  readonly problems: readonly [SpecProblem, ...ReadonlyArray<SpecProblem>]
  /** The file's text, for `renderProblems`. */
  readonly text: string
}> {
  override get message(): string {
    return this.problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.message}`).join("\n")
  }
}

/** `problems` is not empty. */
export const specErrors = (problems: ReadonlyArray<SpecProblem>, text: string): SpecErrors =>
  new SpecErrors({ problems: problems as SpecErrors["problems"], text })
