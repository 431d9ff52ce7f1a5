// What `sweep agent --join` does before the agent starts: joins, says so, and with `--service` leaves the agent to
// systemd. Owns where the identity lies and which flags the service gets.
import { userInfo } from "node:os"
import { resolve } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readAccessFile } from "@sweep/access/AccessFile"
import { note } from "../output.ts"
import { ensureHome, home, homeAt } from "../serving/home.ts"
import { installService, serviceHome } from "./installService.ts"
import { joinCoordinator } from "./joinCoordinator.ts"

export interface JoinHere {
  readonly line: string
  readonly service: boolean
  readonly serviceUser: Option.Option<string>
  readonly id: Option.Option<string>
  readonly slots: Option.Option<number>
  readonly allowCommands: boolean
  readonly allowMetrics: ReadonlyArray<string>
  readonly withhold: ReadonlyArray<string>
  readonly sharedDevices: boolean
  readonly onTerm: Option.Option<string>
  readonly notice: Option.Option<string>
  readonly python: Option.Option<string>
}

/** The flags that a service is to keep. */
const keptFlags = (options: JoinHere): ReadonlyArray<string> => {
  const of = (name: string, value: Option.Option<string | number>) =>
    Option.isNone(value) ? [] : [`--${name}`, String(value.value)]
  const each = (name: string, values: ReadonlyArray<string>) => values.flatMap((value) => [`--${name}`, value])
  return [
    ...of("slots", options.slots),
    ...(options.allowCommands ? ["--allow-commands"] : []),
    ...each(
      "allow-metrics",
      options.allowMetrics.map((directory) => resolve(directory)),
    ),
    ...each("withhold", options.withhold),
    ...(options.sharedDevices ? ["--shared-devices"] : []),
    ...of("on-term", options.onTerm),
    ...of("notice", options.notice),
  ]
}

/** Whether the agent is left to systemd now; otherwise it is to be started here. */
export const joinHere = Effect.fn("joinHere")(function* (options: JoinHere) {
  // A service of the system keeps its state where systemd makes it, whoever types this wherever.
  const system = options.service && userInfo().uid === 0 && process.env["SWEEP_HOME"] === undefined
  const at = system ? homeAt(serviceHome) : yield* home
  yield* ensureHome(at)
  const isNew = yield* joinCoordinator({ join: options.line, id: Option.getOrUndefined(options.id), file: at.joined })
  const { agent, coordinator } = readAccessFile(at.joined)
  yield* note(
    isNew
      ? `joined the coordinator at ${coordinator} as agent ${agent}; the identity is in ${at.joined}, and 'sweep agent' needs no flag from now on`
      : `this host has joined already, as agent ${agent}`,
  )
  if (!options.service) return false
  yield* installService({
    flags: keptFlags(options),
    home: at.directory,
    identity: at.joined,
    user: Option.getOrUndefined(options.serviceUser),
    python: Option.getOrUndefined(options.python),
  })
  return true
})
