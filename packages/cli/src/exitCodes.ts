// The exit codes of the command, documented in docs/cli.md. Owns the numbers and the error that carries one.
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

export const exitCodes = {
  ok: 0,
  /** The command line itself is wrong (effect/cli's own). */
  usage: 1,
  /** The sweep ran and no trial completed. */
  noResult: 2,
  /** No trial to give: the sweep has ended, or an open trial has to end first. */
  nothing: 3,
  /** A file, sweep, trial or query that is wrong or missing. */
  badInput: 65,
  /** The coordinator or a tool cannot be reached. */
  unavailable: 69,
  /** A bug of ours. */
  internal: 70,
  /** The state directory is in use, damaged or cannot be written. */
  state: 74,
  /** The coordinator does not let the caller in: no token, a wrong or revoked one, one of another role, a wrong certificate. */
  denied: 77,
  /** Ctrl-C. */
  interrupted: 130,
} as const

/** What a person did, or the world did, that ends the command: one message, no stack trace. */
export class Failure extends Data.TaggedError("Failure")<{ readonly text: string; readonly exitCode: number }> {
  override get message(): string {
    return this.text
  }
  override get [Runtime.errorExitCode](): number {
    return this.exitCode
  }
  override readonly [Runtime.errorReported] = false
}

export const badInput = (text: string) => new Failure({ text, exitCode: exitCodes.badInput })
export const unavailable = (text: string) => new Failure({ text, exitCode: exitCodes.unavailable })
export const stateFailure = (text: string) => new Failure({ text, exitCode: exitCodes.state })
export const deniedFailure = (text: string) => new Failure({ text, exitCode: exitCodes.denied })
