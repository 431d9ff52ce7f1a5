// `sweep serve`: the coordinator and its door, until it is stopped. Agents and their trials go on without it.
import * as Effect from "effect/Effect"
import { formatAddress } from "@sweep/rpc/address"
import { serveGrpc } from "@sweep/rpc/grpcServer"
import { coordinator } from "./embedded.ts"
import { unavailable } from "./exitCodes.ts"
import { home, leaveNote } from "./home.ts"
import { withLineLog } from "./logging.ts"
import { print } from "./output.ts"
import { version } from "./version.ts"

export const serveCoordinator = Effect.fn("serveCoordinator")(function* (options: {
  readonly host: string
  readonly port: number
}) {
  const at = yield* home
  yield* Effect.gen(function* () {
    const address = formatAddress(yield* listen(options))
    yield* leaveNote(at, { pid: process.pid, address, version })
    yield* print(
      [
        `sweep ${version} serves ${at.directory} on ${address}`,
        `agents join with:  sweep agent --coordinator ${address}`,
        `sweeps start with: sweep run FILE --coordinator ${address}`,
        "Ctrl-C stops the coordinator; agents keep training and come back to it.",
      ].join("\n"),
    )
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(coordinator(at)), withLineLog)
})

/** Listens, or says in one sentence why not. */
export const listen = (options: { readonly host: string; readonly port: number }) =>
  serveGrpc(options).pipe(Effect.catchTag("CannotListen", (error) => Effect.fail(unavailable(error.message))))
