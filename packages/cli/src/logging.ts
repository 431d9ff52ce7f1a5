// The log of a long-running command (serve, agent) on standard error: a time, a word for what is not mere
// information, the message; under it the cause of a defect. For people and journald alike.
import { appendFileSync } from "node:fs"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { redactor, secretsIn } from "@sweep/domain/Secrets"
import { printable } from "./terminal/format.ts"

const redact = redactor(secretsIn(process.env))

/** `2026-11-24T22:01:02Z error: …`, and under it why: what a message calls "its log" has to say more than the message. */
const entryOf = ({ date, logLevel, message, cause }: Logger.Options<unknown>): string => {
  const text = (Array.isArray(message) ? message : [message])
    .map((part) => (typeof part === "string" ? part : part instanceof Error ? part.message : JSON.stringify(part)))
    .join(" ")
  const level = logLevel === "Info" ? "" : `${logLevel.toLowerCase()}: `
  const why = cause.reasons.length === 0 ? "" : `\n${Cause.pretty(cause).replace(/^/gm, "  ")}`
  return `${date.toISOString().slice(0, 19)}Z ${level}${redact(printable(text + why))}\n`
}

const line = Logger.make<unknown, void>((options) => {
  process.stderr.write(entryOf(options))
})

export const withLineLog = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.provide(Logger.layer([line])))

/**
 * For commands whose screen belongs to the board: warnings and errors go to a file, which is made with the first of them.
 * What matters of the others reaches the board as facts.
 */
export const withFileLog =
  (path: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) => {
    const file = Logger.make<unknown, void>((options) => {
      if (options.logLevel === "Info" || options.logLevel === "Debug" || options.logLevel === "Trace") return
      try {
        appendFileSync(path, entryOf(options), { mode: 0o600 })
      } catch {
        // A full disk is told by what cannot be stored.
      }
    })
    return effect.pipe(Effect.provide(Logger.layer([file])))
  }
