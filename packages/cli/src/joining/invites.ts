// `sweep agents invite`: join tokens made from the files of the state directory, as `sweep tokens create` makes tokens:
// who can write there decides who gets in. Owns what is asked for before one is made.
import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import { authorityFiles } from "@sweep/access/Authority"
import { formatAddress, parseAddress } from "@sweep/grpc/address"
import { badInput, stateFailure } from "../exitCodes.ts"
import { home, readNote } from "../serving/home.ts"
import { inviteLine } from "./joining.ts"
import { reachedAt } from "./reachedAt.ts"

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `10m`, `1h` or `1d`. */
const lasting = (text: string): number | undefined => {
  const parts = /^(\d{1,4})(m|h|d)$/.exec(text)
  const millis = parts === null ? 0 : Number(parts[1]) * units[parts[2] as keyof typeof units]
  return millis >= units.m && millis <= units.d ? millis : undefined
}

export const invites = Effect.fn("invites")(function* (options: {
  readonly expires: string
  readonly address: string | undefined
  readonly count: number
}) {
  const lastsMillis = lasting(options.expires)
  if (lastsMillis === undefined) {
    return yield* badInput(`--expires ${options.expires}: expected a time from 1m to 1d, such as 10m or 2h`)
  }
  const at = yield* home
  const { ca } = authorityFiles(at.authority)
  const running = readNote(at)
  if (!existsSync(ca) || (running !== undefined && running.access === undefined)) {
    return yield* badInput(
      running !== undefined && running.access === undefined
        ? `the coordinator at ${running.address} asks nobody for a token: agents on this machine join with: sweep agent --coordinator ${running.address}`
        : "there is no certificate authority here that a host could join. First: sweep certs, then: sweep serve --host 0.0.0.0",
    )
  }
  const named = options.address === undefined ? undefined : parseAddress(options.address)
  if (options.address !== undefined && (named === undefined || named.port === 0)) {
    return yield* badInput(`--address ${options.address}: expected HOST:PORT, such as host.example:7733`)
  }
  const known = running?.reached ?? running?.address
  const coordinator = named ?? (known === undefined ? undefined : parseAddress(known))
  if (coordinator === undefined) {
    return yield* badInput("no coordinator runs here, so its address is not known: give --address HOST:PORT")
  }
  return yield* Effect.try({
    try: () =>
      Array.from({ length: options.count }, () =>
        inviteLine({ authority: at.authority, coordinator: formatAddress(reachedAt(coordinator)), lastsMillis }),
      ),
    catch: (error) => stateFailure(`no join token can be made: ${(error as Error).message}`),
  })
})
