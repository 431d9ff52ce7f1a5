// What effect/cli has to say: help, the version, and a command line that is wrong. Owns that a mistake comes first and
// in a few lines; the whole help is asked for.
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as CliOutput from "effect/cli/CliOutput"

const inOneLine = (message: string): string =>
  message
    .replace(
      /\s*Did you mean (?:this|one of these)\?\s*(.*)$/s,
      (_, names: string) =>
        `; did you mean ${names
          .trim()
          .split(/\s+/)
          .map((name) => `'${name}'`)
          .join(" or ")}?`,
    )
    .replace(/ (in command|for) "?sweep[^"]*"?(?=;|$)/, "")
    .replace(/a string representing a finite number/, "a number")
    .replace(/\s+/g, " ")
    .trim()

export const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const command = event.commandPath.join(" ")
    const mistakes = event.errors.map((error) => `${command}: ${inOneLine(error.message)}`)
    return Console.error(
      [...mistakes, `usage: ${event.helpDoc.usage}`, `All of it: ${command} --help`]
        .map((line) => line.trimEnd())
        .join("\n"),
    ).pipe(Effect.asVoid)
  },
}
