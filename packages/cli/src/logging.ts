// The log of a long-running command (serve, agent) on standard error: a time, a word for what is not mere information,
// the message. One line each, for people and journald alike.
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { redactor, secretsIn } from "@sweep/domain/Secrets"
import { printable } from "./terminal/format.ts"

const redact = redactor(secretsIn(process.env))

const line = Logger.make<unknown, void>(({ date, logLevel, message }) => {
  const text = (Array.isArray(message) ? message : [message])
    .map((part) => (typeof part === "string" ? part : part instanceof Error ? part.message : JSON.stringify(part)))
    .join(" ")
  const level = logLevel === "Info" ? "" : `${logLevel.toLowerCase()}: `
  process.stderr.write(`${date.toISOString().slice(11, 19)} ${level}${redact(printable(text))}\n`)
})

export const withLineLog = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.provide(Logger.layer([line])))

/** For commands whose screen belongs to the board: nothing. What matters reaches the board as facts. */
export const withQuietLog = <A, E, R>(effect: Effect.Effect<A, E, R>) => effect.pipe(Effect.provide(Logger.layer([])))
