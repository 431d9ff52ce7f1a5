// A mistake in a space that only the search room can see (constraints nothing satisfies, for one), placed in the file.
import type { ParsedSweep } from "./parseSweepFile.ts"
import { specErrors } from "./parseSweepFile.ts"
import type { SpecErrors } from "./SpecProblem.ts"

/** `where` is a parameter's name or ``constraint `TEXT` ``. */
export const spaceProblem = (
  parsed: ParsedSweep,
  mistake: { readonly where: string; readonly message: string },
): SpecErrors => {
  const { source } = parsed
  const constraint = /^constraint `([^]*)`$/.exec(mistake.where)?.[1]
  const path =
    constraint === undefined
      ? (parsed.parameters.find(({ name }) => name === mistake.where)?.field.path ?? "parameters")
      : `constraints[${parsed.draft.space.constraints.indexOf(constraint)}]`
  return specErrors([source.problemAt(source.spanOf(path), path, { message: mistake.message })], parsed.text)
}
