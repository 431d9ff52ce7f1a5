// Where text goes: results to standard output, what goes on meanwhile to standard error when standard output is for a
// program. Owns that nothing written steers the terminal: names, messages and logs come from files, trainers and other
// machines.
import * as Effect from "effect/Effect"
import { redactor, secretsIn } from "@sweep/domain/Secrets"
import { type Column, table, truncate, wrap } from "./terminal/table.ts"

/** All control characters but line ends, tabs and the colours that commands here put in. */
export const tame = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/\u001b\[[0-9;]*m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (found) =>
    found.length > 1 ? found : "",
  )

/**
 * Whoever reads standard output may stop at any time (`sweep trials x | head`): the command then ends without a word, as
 * a program that SIGPIPE ends does.
 */
export const leaveWhenNobodyReads = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error
      if (stream === process.stdout) process.exit(0)
    })
  }
}

const redact = redactor(secretsIn(process.env))

export const print = (text: string) =>
  Effect.sync(() => {
    process.stdout.write(`${tame(text)}\n`)
  })

const widthOf = (stream: NodeJS.WriteStream): number => (stream.isTTY ? stream.columns : Infinity)

/** Cut to the terminal's width, where there is one: a row that wraps is no row any more. */
export const printTable = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<ReadonlyArray<string>>) =>
  printLines(table(columns, rows).map((line) => truncate(line, widthOf(process.stdout))))

/** Lines of text, wrapped between words at the terminal's width. */
export const printText = (text: string) => print(wrap(text, widthOf(process.stdout)))

/** The same on standard error. */
export const noteText = (text: string) => note(wrap(text, widthOf(process.stderr)))

export const printLines = (lines: ReadonlyArray<string>) => print(lines.join("\n"))

/** What JSON leaves as it is and a terminal may obey. */
// oxlint-disable-next-line no-control-regex
const unescaped = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** One line of JSON: `NaN` and the infinities become null, as JSON has none. */
export const printJson = (value: unknown) =>
  Effect.sync(() => {
    const escaped = (found: string) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`
    process.stdout.write(`${JSON.stringify(value).replace(unescaped, escaped)}\n`)
  })

export const note = (text: string) =>
  Effect.sync(() => {
    process.stderr.write(`${redact(tame(text))}\n`)
  })
