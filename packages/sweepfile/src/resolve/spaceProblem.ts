// What only the search package can see of a space (constraints nothing satisfies, conditions that never hold), placed in
// the file.
import type { ParsedSweep } from "../parse/parseSweepFile.ts"
import type { SpecProblem } from "../parse/SpecProblem.ts"

/** `where` is a parameter's name or ``constraint `TEXT` ``, as the search package names it. */
export const spaceProblem = (
  parsed: ParsedSweep,
  mistake: { readonly where: string; readonly message: string },
): SpecProblem => {
  const { source } = parsed
  const constraint = /^constraint `([^]*)`$/.exec(mistake.where)?.[1]
  const path =
    constraint === undefined
      ? (parsed.read.parameters.find(({ name }) => name === mistake.where)?.field.path ?? "parameters")
      : `constraints[${parsed.draft.space.constraints.indexOf(constraint)}]`
  return source.problemAt(source.spanOf(path), path, { message: mistake.message })
}
