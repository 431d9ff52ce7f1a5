// A token that a person writes into a sweep would be stored, shown and sent to every agent. Owns refusing it, with the
// place; the value itself is never repeated.
import * as Effect from "effect/Effect"
import { secretsIn } from "@sweep/domain/Secrets"
import { badInput } from "../exitCodes.ts"

const found = (text: string) =>
  secretsIn(process.env)
    .map(({ name, value }) => ({ name, at: text.indexOf(value) }))
    .find(({ at }) => at !== -1)

/** In a sweep file, at its line and column. */
export const refuseSecretsInFile = (path: string, text: string) => {
  const secret = found(text)
  if (secret === undefined) return Effect.void
  const { name, at } = secret
  const before = text.slice(0, at).split("\n")
  return Effect.fail(
    badInput(
      `${path}:${before.length}:${before.at(-1)!.length + 1}: this is the value of ${name}, and a sweep file is stored and sent to agents as it is. Leave it out: agents hand their own ${name} to trainers; a command can say \${envvar:${name}}.`,
    ),
  )
}

/** In what a flag gives. */
export const refuseSecretsIn = (flag: string, text: string) => {
  const secret = found(text)
  return secret === undefined
    ? Effect.void
    : Effect.fail(
        badInput(
          `${flag}: this holds the value of ${secret.name}, and what is said of a sweep is stored and shown. Leave it out.`,
        ),
      )
}
