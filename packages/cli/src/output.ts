// Where text goes: results to standard output, what goes on meanwhile to standard error when standard output is for a
// program.
import * as Effect from "effect/Effect"

export const print = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(`${text}\n`)
  })

export const printLines = (lines: ReadonlyArray<string>) => print(lines.join("\n"))

/** One line of JSON: `NaN` and the infinities become null, as JSON has none. */
export const printJson = (value: unknown) => print(JSON.stringify(value))

export const note = (text: string) =>
  Effect.sync(() => {
    process.stderr.write(`${text}\n`)
  })
