// Arguments and flags that several commands share.
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { parseRef } from "@sweep/domain/Id"
import { badInput } from "./exitCodes.ts"

/** Which coordinator a command talks to, and what it shows there. */
export const coordinator = {
  address: Flag.String("coordinator").pipe(
    Flag.withMetavar("HOST:PORT"),
    Flag.withDescription(
      "The coordinator to talk to (or SWEEP_COORDINATOR); without it, the one of the state directory",
    ),
    Flag.optional,
  ),
  access: Flag.String("access").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Your access file, for a coordinator that asks for one (or SWEEP_ACCESS)"),
    Flag.optional,
  ),
}

/** Which Python trains here. */
export const python = Flag.String("python").pipe(
  Flag.withDescription("The Python that trains: one with torch, transformers and peft (also: SWEEP_PYTHON)"),
  Flag.optional,
)

/** Of the page that `serve` and `run` serve. */
export const webPort = Flag.Int("web-port").pipe(
  Flag.withDescription("Where the page for browsers is served; 7734, or a free port where that is taken"),
  Flag.optional,
)
export const noWeb = Flag.Boolean("no-web").pipe(Flag.withDescription("Serve no page"), Flag.withDefault(false))

export interface CoordinatorFlags {
  readonly address: Option.Option<string>
  readonly access: Option.Option<string>
}

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON for programs instead of text for people"),
  Flag.withDefault(false),
)

/** Fails before anything is done with the command's other arguments. */
export const atLeast = (name: string, least: number, value: number | undefined) =>
  value === undefined || value >= least
    ? Effect.void
    : Effect.fail(badInput(`--${name} ${value}: expected ${least} or more`))

/** Of a port that is listened on; 0 takes a free one. */
export const portNumber = (name: string, value: number | undefined) =>
  value === undefined || (value >= 0 && value <= 65_535)
    ? Effect.void
    : Effect.fail(badInput(`--${name} ${value}: expected a port, 0 to 65535`))

const byteUnits: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** `500MB`, `2GiB` or plain bytes; the units are those of memory, however they are written. */
export const byteCount = (name: string, text: string | undefined) => {
  if (text === undefined) return Effect.succeed(undefined)
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text) ?? []
  return number === undefined
    ? Effect.fail(badInput(`--${name} ${text}: expected a size such as 500MiB or 2GiB`))
    : Effect.succeed(Math.floor(Number(number) * byteUnits[unit!.toUpperCase()]!))
}

export const sweep = Argument.String("SWEEP").pipe(Argument.withDescription("The sweep's id, as 'sweep ls' shows it"))
export const sweepOrTrial = Argument.String("SWEEP[/N]").pipe(
  Argument.withDescription("A sweep's id, or one trial of it, such as quickstart/3"),
)
export const trial = Argument.String("SWEEP/N").pipe(Argument.withDescription("One trial, such as quickstart/3"))

export const sweepRef = (text: string) => {
  const ref = parseRef(text)
  return ref === undefined || ref.trial !== undefined
    ? Effect.fail(
        badInput(
          `'${text}' is not a sweep's id. Ids are lower-case letters, digits and '-', such as quickstart; 'sweep ls' lists them.`,
        ),
      )
    : Effect.succeed(ref.sweep)
}

export const sweepOrTrialRef = (text: string) => {
  const ref = parseRef(text)
  return ref === undefined
    ? Effect.fail(
        badInput(
          `'${text}' is neither a sweep nor a trial. Write SWEEP or SWEEP/N, such as quickstart or quickstart/3.`,
        ),
      )
    : Effect.succeed(ref)
}

export const trialRef = (text: string) => {
  const ref = parseRef(text)
  return ref === undefined || ref.trial === undefined
    ? Effect.fail(
        badInput(`'${text}' is not a trial. Write SWEEP/N, such as quickstart/3; 'sweep trials SWEEP' lists them.`),
      )
    : Effect.succeed({ sweep: ref.sweep, trial: ref.trial })
}
