// Which domain error a gRPC status stands for, and back. Owns this table; no other file looks at a status code.
import { Metadata, status } from "@grpc/grpc-js"
import { SessionBroken, SessionRefused } from "@sweep/protocol/AgentConnection"
import type { Denied } from "./Gate.ts"
import type { GrpcClientOptions } from "./grpcChannel.ts"
import { NotFound, Refused, Unavailable } from "@sweep/protocol/SweepApi"
import { protocolVersion } from "@sweep/protocol/versions"
import { WireError } from "./WireError.ts"

type Meaning = {
  /** What a person's request that ended so is told. */
  readonly api: "NotFound" | "Refused" | "Unavailable" | "Denied"
  /** Whether an agent opens a new session after it. */
  readonly session: "broken" | "refused"
}

const meanings: Readonly<Record<number, Meaning>> = {
  // A stream that ends with OK while more was expected was cut by the other side's shutdown.
  [status.OK]: { api: "Unavailable", session: "broken" },
  // By this side's own interruption, or a proxy between; the request may be repeated.
  [status.CANCELLED]: { api: "Unavailable", session: "broken" },
  // What a peer that is no sweep coordinator answers, or a handler's defect; perhaps gone next time.
  [status.UNKNOWN]: { api: "Unavailable", session: "broken" },
  // Not to be decoded: repeating the same bytes gives the same answer.
  [status.INVALID_ARGUMENT]: { api: "Refused", session: "refused" },
  // Too slow, or half-open: the connection is made again.
  [status.DEADLINE_EXCEEDED]: { api: "Unavailable", session: "broken" },
  // No sweep or trial of that name. Sessions never get it.
  [status.NOT_FOUND]: { api: "NotFound", session: "refused" },
  // An agent of the same name is connected from another machine.
  [status.ALREADY_EXISTS]: { api: "Refused", session: "refused" },
  // The token is good, but not for this.
  [status.PERMISSION_DENIED]: { api: "Denied", session: "refused" },
  // A message above the limit, or too many streams: for a session the next batch may be smaller.
  [status.RESOURCE_EXHAUSTED]: { api: "Refused", session: "broken" },
  // The domain's refusal: not in this state, not this version.
  [status.FAILED_PRECONDITION]: { api: "Refused", session: "refused" },
  // A newer session of the same agent took this one's place.
  [status.ABORTED]: { api: "Unavailable", session: "broken" },
  // Never sent by sweep.
  [status.OUT_OF_RANGE]: { api: "Refused", session: "refused" },
  // The peer is older than the call, or no sweep coordinator at all.
  [status.UNIMPLEMENTED]: { api: "Refused", session: "refused" },
  // A defect on the other side, or a broken HTTP/2 stream.
  [status.INTERNAL]: { api: "Unavailable", session: "broken" },
  // Nobody listens, or the connection broke.
  [status.UNAVAILABLE]: { api: "Unavailable", session: "broken" },
  // Never sent by sweep.
  [status.DATA_LOSS]: { api: "Unavailable", session: "broken" },
  // No token, an unknown or a revoked one.
  [status.UNAUTHENTICATED]: { api: "Denied", session: "refused" },
}

const unknown: Meaning = { api: "Unavailable", session: "broken" }

export interface Status {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

const isStatus = (error: unknown): error is Status =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "number" && "details" in error

const knownKey = "sweep-known-bin"

/** Header blocks are limited to 16 KiB by default; details are percent-encoded, up to nine bytes a character. */
const maxDetails = 1_500
const shorten = (text: string): string => (text.length <= maxDetails ? text : `${text.slice(0, maxDetails - 1)}…`)

const make = (code: number, details: string, known: ReadonlyArray<string> = []): Status => {
  const metadata = new Metadata()
  if (known.length > 0) metadata.set(knownKey, Buffer.from(JSON.stringify(known.slice(0, 20))))
  return { code, details: shorten(details), metadata }
}

export const statusOfApiError = (error: NotFound | Refused | Unavailable): Status => {
  switch (error._tag) {
    case "NotFound":
      return make(status.NOT_FOUND, error.message, error.known)
    case "Refused":
      return make(status.FAILED_PRECONDITION, error.message)
    case "Unavailable":
      return make(status.UNAVAILABLE, error.message)
  }
}

export const statusOfSessionError = (error: SessionBroken | SessionRefused): Status => {
  if (error._tag === "SessionBroken") return make(status.ABORTED, error.message)
  return make(error.denied === true ? status.PERMISSION_DENIED : status.FAILED_PRECONDITION, error.message)
}

export const statusOfDenied = (error: Denied): Status =>
  make(
    { unauthenticated: status.UNAUTHENTICATED, role: status.PERMISSION_DENIED, crowd: status.RESOURCE_EXHAUSTED }[
      error.reason
    ],
    error.message,
  )

/** What does not decode. */
export const invalidArgument = (message: string): Status => make(status.INVALID_ARGUMENT, message)

/** A defect of the server's: its words are for the server's log, not for the peer. */
export const internal = (): Status =>
  make(status.INTERNAL, "the coordinator failed in a way that is a defect of sweep; its log says more")

const knownOf = (metadata: Metadata): ReadonlyArray<string> => {
  const [value] = metadata.get(knownKey)
  if (!Buffer.isBuffer(value)) return []
  try {
    const names: unknown = JSON.parse(value.toString())
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : []
  } catch {
    return []
  }
}

/** What keeps two ends from a common TLS connection, in Node's and OpenSSL's words, and what it means for a person. */
const tlsProblems: ReadonlyArray<readonly [pattern: RegExp, (address: string) => string]> = [
  [
    /unable to verify|self.signed certificate|unable to get (local )?issuer|certificate signature failure/i,
    (address) =>
      `what listens at ${address} is not signed by the authority of your access file: it is another coordinator, or its certificates were made again; ask its owner for a new access file`,
  ],
  [
    /altnames|IP: .* is not in the cert/i,
    (address) => `what listens at ${address} shows a certificate of your authority, but not the coordinator's`,
  ],
  [
    /certificate has expired/i,
    (address) => `the certificate of the coordinator at ${address} has expired; its owner renews it with 'sweep certs'`,
  ],
  [
    /SSL alert number|alert (bad|unknown|certificate|handshake)/i,
    (address) =>
      `the coordinator at ${address} does not accept the certificate of your access file; ask its owner for a new one`,
  ],
  [
    /wrong version number|packet length too long|EPROTO/i,
    (address) => `what listens at ${address} does not speak TLS: leave the access file out, or check the address`,
  ],
]

const unreachable = ({ address, access }: GrpcClientOptions, details: string) => {
  const tls = access === undefined ? undefined : tlsProblems.find(([pattern]) => pattern.test(details))
  if (tls !== undefined) return { denied: true, message: tls[1](address) }
  if (/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|Name resolution|DNS address/i.test(details)) {
    return {
      denied: false,
      message: `no coordinator answers at ${address}; start one with \`sweep serve\`, or check the address`,
    }
  }
  // What a TLS server does with plain text is to close the connection without a word.
  if (access === undefined && /ECONNRESET|Failed to connect|Connection dropped|socket hang up/i.test(details)) {
    return {
      denied: false,
      message: `the coordinator at ${address} closed the connection; if it asks for TLS and a token, name your access file with --access FILE or SWEEP_ACCESS`,
    }
  }
  if (access !== undefined && /ECONNRESET|Failed to connect/i.test(details)) {
    return {
      denied: false,
      message: `the coordinator at ${address} closed the connection; if it does so every time, it does not accept the certificate of your access file`,
    }
  }
  return { denied: false, message: `the coordinator at ${address} broke off: ${details}` }
}

const describe = (
  error: Status,
  options: GrpcClientOptions,
): { readonly denied: boolean; readonly message: string } => {
  const { address } = options
  switch (error.code) {
    case status.UNAVAILABLE:
      return unreachable(options, error.details)
    case status.DEADLINE_EXCEEDED:
      return { denied: false, message: `the coordinator at ${address} did not answer in time` }
    case status.UNIMPLEMENTED:
      return {
        denied: false,
        message: `what listens at ${address} does not know this request: it is another version of sweep, or another program`,
      }
    case status.RESOURCE_EXHAUSTED:
      return { denied: false, message: `too large for one message: ${error.details}` }
    default:
      return {
        denied: false,
        message:
          error.details === "" ? `the coordinator at ${address} broke off (status ${error.code})` : error.details,
      }
  }
}

/** Versions that the window lets through agree on all they send: this is a defect, or a program in between. */
const unreadable = (address: string, error: WireError): string =>
  `sweep cannot read what the coordinator at ${address} sent (protocol version ${protocolVersion} here): run the same version of sweep on both sides. Not readable: ${error.message.split("\n", 1)[0]}`

/** The domain error of a call that failed. `options`: how the coordinator was reached, for its message. */
export const apiErrorOf = (error: unknown, options: GrpcClientOptions): NotFound | Refused | Unavailable => {
  if (error instanceof WireError) {
    return new Unavailable({ reason: "unreadable", message: unreadable(options.address, error) })
  }
  if (!isStatus(error)) {
    return new Unavailable({
      reason: "unreachable",
      message: `the coordinator at ${options.address} broke off: ${String(error)}`,
    })
  }
  const { denied, message } = describe(error, options)
  switch ((meanings[error.code] ?? unknown).api) {
    case "NotFound":
      return new NotFound({ message, known: knownOf(error.metadata) })
    case "Refused":
      return new Refused({ message })
    case "Denied":
      return new Unavailable({ reason: "denied", message })
    case "Unavailable":
      return new Unavailable({ reason: denied ? "denied" : "unreachable", message })
  }
}

export const sessionErrorOf = (error: unknown, options: GrpcClientOptions): SessionBroken | SessionRefused => {
  if (error instanceof WireError) return new SessionRefused({ message: unreadable(options.address, error) })
  if (!isStatus(error)) return new SessionBroken({ message: String(error) })
  const { denied, message } = describe(error, options)
  const meaning = meanings[error.code] ?? unknown
  if (denied || meaning.api === "Denied") return new SessionRefused({ message, denied: true })
  return meaning.session === "refused" ? new SessionRefused({ message }) : new SessionBroken({ message })
}
