// Which coordinator a command talks to: the one that is named, else the one that owns the state directory now, else
// one in this process for as long as the command takes. Whatever the case, the command holds a SweepApi.
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AccessError } from "@sweep/access/AccessError"
import { readAccessFile } from "@sweep/access/AccessFile"
import { type Address, formatAddress, parseAddress } from "@sweep/grpc/address"
import type { GrpcClientOptions } from "@sweep/grpc/grpcChannel"
import { NotFound, Refused, SweepApi, Unavailable } from "@sweep/protocol/SweepApi"
import { badInput, deniedFailure, type Failure, unavailable } from "../exitCodes.ts"
import type { CoordinatorFlags } from "../flags.ts"
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

/** A coordinator that is there, and how it is reached. */
export interface Found {
  readonly address: Address
  /** The access file, as it is to be named on a command line. */
  readonly accessFile: string | undefined
  /** That it belongs to another `sweep run`, and ends with that one's sweep. */
  readonly passing: boolean
  readonly client: GrpcClientOptions
  /** The agents that the access file is for: an id, or how it begins with `*` behind it. */
  readonly agent?: string | undefined
}

const given = (flag: Option.Option<string>, variable: string): string | undefined => {
  const text = Option.getOrUndefined(flag) ?? process.env[variable]
  return text === "" ? undefined : text
}

const readNow = (file: string) =>
  Effect.try({
    try: () => readAccessFile(file),
    catch: (error) => (error instanceof AccessError ? deniedFailure(error.message) : badInput(String(error))),
  })

const found = Effect.fnUntraced(function* (address: Address, file: string | undefined, passing = false) {
  const accessFile = file === undefined ? undefined : resolve(file)
  // Read now, so that what is wrong with it is said before anything else is done.
  const access = accessFile === undefined ? undefined : yield* readNow(accessFile)
  return {
    agent: access?.agent,
    address,
    accessFile,
    passing,
    client: {
      address: formatAddress(address),
      access: accessFile === undefined ? undefined : () => readAccessFile(accessFile),
    },
  } satisfies Found
})

/** The running coordinator of the state directory. */
export const ownCoordinator = Effect.fn("ownCoordinator")(function* (access?: string) {
  const note = readNote(yield* home)
  if (note === undefined) return undefined
  // The note knows whether its coordinator asks for one at all.
  const file = note.access === undefined ? undefined : (access ?? note.access)
  return yield* found(yield* readAddress(note.address), file, note.passing)
})

/** The coordinator named by flag or SWEEP_COORDINATOR, else the running one of the state directory. */
export const findCoordinator = Effect.fn("findCoordinator")(function* (flags: CoordinatorFlags) {
  const named = given(flags.address, "SWEEP_COORDINATOR")
  const access = given(flags.access, "SWEEP_ACCESS")
  if (named !== undefined) return yield* found(yield* readAddress(named), access)
  // Not needed here, but a name that leads nowhere is a mistake.
  if (access !== undefined) yield* readNow(resolve(access))
  return yield* ownCoordinator(access)
})

/** The coordinator that an agent of this state directory joined. */
export const joinedCoordinator = Effect.fn("joinedCoordinator")(function* () {
  const { joined } = yield* home
  if (!existsSync(joined)) return undefined
  const { coordinator } = yield* readNow(joined)
  return coordinator === undefined ? undefined : yield* found(yield* readAddress(coordinator), joined)
})

/** A remote coordinator's SweepApi. */
export const remoteApi = ({ client }: Found) =>
  Layer.unwrap(Effect.promise(() => import("@sweep/grpc/grpcSweepApi")).pipe(Effect.map((m) => m.layer(client))))

/** Runs `use` against the coordinator the flags lead to; failures become one sentence. */
export const withApi = <A, E, R>(flags: CoordinatorFlags, use: Effect.Effect<A, E, R | SweepApi>) =>
  Effect.gen(function* () {
    const coordinator = yield* findCoordinator(flags)
    if (coordinator !== undefined) return yield* use.pipe(Effect.provide(remoteApi(coordinator)))
    const embedded = yield* Effect.promise(() => import("./embedded.ts"))
    return yield* use.pipe(Effect.provide(embedded.coordinator(yield* home)))
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
        ? error._tag !== "Unavailable"
          ? badInput(error.message)
          : error.reason === "denied"
            ? deniedFailure(error.message)
            : unavailable(error.message)
        : (error as Exclude<E, NotFound | Refused | Unavailable>),
    ),
  )
