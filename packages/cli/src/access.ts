// Which coordinator a command talks to: the one that is named, else the one that owns the state directory now, else
// one in this process for as long as the command takes. Whatever the case, the command holds a SweepApi.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type Address, formatAddress, parseAddress } from "@sweep/rpc/address"
import { NotFound, Refused, SweepApi, Unavailable } from "@sweep/rpc/SweepApi"
import { badInput, type Failure, unavailable } from "./exitCodes.ts"
import { home, readNote } from "./home.ts"

const readAddress = (text: string) => {
  const address = parseAddress(text)
  return address === undefined || address.port === 0
    ? Effect.fail(
        badInput(
          `'${text}' is not the address of a coordinator. Write HOST:PORT, such as 127.0.0.1:7733; 'sweep serve' prints its own.`,
        ),
      )
    : Effect.succeed(address)
}

/** The coordinator named by flag or SWEEP_COORDINATOR, else the running one of the state directory. */
export const findAddress = Effect.fn("findAddress")(function* (flag: Option.Option<string>) {
  const named = Option.getOrUndefined(flag) ?? process.env["SWEEP_COORDINATOR"]
  if (named !== undefined && named !== "") return { named: true, address: yield* readAddress(named) }
  const note = readNote(yield* home)
  return note === undefined ? undefined : { named: false, address: yield* readAddress(note.address) }
})

/** A remote coordinator's SweepApi. */
export const remoteApi = (address: Address) =>
  Layer.unwrap(
    Effect.promise(() => import("@sweep/rpc/grpcSweepApi")).pipe(
      Effect.map((m) => m.layer({ address: formatAddress(address) })),
    ),
  )

/** Runs `use` against the coordinator the flags lead to; failures become one sentence. */
export const withApi = <A, E, R>(flag: Option.Option<string>, use: Effect.Effect<A, E, R | SweepApi>) =>
  Effect.gen(function* () {
    const found = yield* findAddress(flag)
    if (found !== undefined) return yield* use.pipe(Effect.provide(remoteApi(found.address)))
    const { coordinator } = yield* Effect.promise(() => import("./embedded.ts"))
    return yield* use.pipe(Effect.provide(coordinator(yield* home)))
  })

const isApiFailure = (error: unknown): error is NotFound | Refused | Unavailable =>
  error instanceof NotFound || error instanceof Refused || error instanceof Unavailable

/** The failures of a SweepApi, as a person reads them. */
export const explainApi = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, Exclude<E, NotFound | Refused | Unavailable> | Failure, R> =>
  effect.pipe(
    Effect.mapError((error) =>
      isApiFailure(error)
        ? error._tag === "Unavailable"
          ? unavailable(error.message)
          : badInput(error.message)
        : (error as Exclude<E, NotFound | Refused | Unavailable>),
    ),
  )
