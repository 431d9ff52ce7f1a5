// `sweep agent --join`: exchanges a join token for an identity of this host's own. Owns the order: the coordinator is
// recognised by its fingerprint before anything is said, the key is made here and stays here, and what comes back is in a
// file of mode 0600 before the agent uses it. A host that has joined this coordinator needs no token a second time.
import { generateKeyPairSync, X509Certificate } from "node:crypto"
import { existsSync } from "node:fs"
import { request } from "node:https"
import { hostname } from "node:os"
import { connect, type ConnectionOptions } from "node:tls"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readAccessFile, writeAccessFile } from "@sweep/access/AccessFile"
import { fingerprintOf } from "@sweep/access/Authority"
import { type JoinAddress, joinProtocol, parseJoin } from "@sweep/access/joinAddress"
import { serverName } from "@sweep/domain/Role"
import { type Address, parseAddress } from "@sweep/grpc/address"
import { badInput, deniedFailure, Failure, unavailable } from "../exitCodes.ts"

const Admitted = Schema.Struct({
  name: Schema.String,
  agent: Schema.String,
  token: Schema.String,
  ca: Schema.String,
  certificate: Schema.String,
})
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Admitted))
const Refusal = Schema.fromJsonString(Schema.Struct({ message: Schema.String }))

/** Of each of the two connections. */
const patience = 15_000
const mostBytes = 64 * 1024

const optionsFor = ({ host, port }: Address): ConnectionOptions => ({
  host,
  port,
  servername: serverName,
  ALPNProtocols: [joinProtocol],
  minVersion: "TLSv1.3",
  timeout: patience,
})

const unreachable = (address: string, error: Error) =>
  unavailable(`the coordinator at ${address} cannot be reached, and the join token was not used: ${error.message}`)

/** The certificates that are shown at the address, PEM. Nothing is said to whoever shows them. */
const shownAt = (at: Address): Promise<ReadonlyArray<string>> =>
  new Promise((resolve, reject) => {
    // Not verified yet: what would verify it is among what is shown, and is known by its fingerprint alone.
    const socket = connect({ ...optionsFor(at), rejectUnauthorized: false }, () => {
      const shown: Array<string> = []
      let next: ReturnType<typeof socket.getPeerCertificate> | undefined = socket.getPeerCertificate(true)
      while (next?.raw !== undefined && shown.length < 8) {
        shown.push(new X509Certificate(next.raw).toString())
        const { issuerCertificate }: { issuerCertificate?: typeof next } = next as never
        next = issuerCertificate === next ? undefined : issuerCertificate
      }
      socket.destroy()
      resolve(shown)
    })
    socket.once("timeout", () => socket.destroy(new Error("it does not answer")))
    socket.once("error", reject)
  })

const ask = (at: Address, ca: string, body: object): Promise<{ readonly status: number; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { ...optionsFor(at), ca, method: "POST", path: "/join", agent: false, headers: { host: serverName } },
      (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString()
          if (text.length > mostBytes) response.destroy(new Error("the answer is too long"))
        })
        response.once("end", () => resolve({ status: response.statusCode ?? 0, text }))
        response.once("error", reject)
      },
    )
    asked.once("timeout", () => asked.destroy(new Error("it does not answer")))
    asked.once("error", reject)
    asked.end(JSON.stringify(body))
  })

/** A name for this host that a token may have. */
const nameOf = (text: string): string => {
  const name = text.replaceAll(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+/, "")
  return name === "" ? "agent" : name.slice(0, 48)
}

/** The identity in the file, if it is one of this coordinator. */
const joinedBefore = (file: string, { fingerprint }: JoinAddress) => {
  if (!existsSync(file)) return false
  try {
    return fingerprintOf(readAccessFile(file).ca) === fingerprint
  } catch {
    // Damaged, or its certificate has ended: the host joins again.
    return false
  }
}

/** Joins, or finds that this host has; returns whether it is new here. The identity is in `file` then. */
export const joinCoordinator = Effect.fn("joinCoordinator")(function* (options: {
  readonly join: string
  readonly id: string | undefined
  readonly file: string
}) {
  const { join, id, file } = options
  const address = parseJoin(join)
  const at = address === undefined ? undefined : parseAddress(address.coordinator)
  if (address === undefined || at === undefined || at.port === 0) {
    return yield* badInput(
      "--join: expected HOST:PORT/join_…/…, whole, as 'sweep serve' and 'sweep agents invite' print it",
    )
  }
  if (joinedBefore(file, address)) return false
  const shown = yield* Effect.tryPromise({
    try: () => shownAt(at),
    catch: (error) => unreachable(address.coordinator, error as Error),
  })
  const ca = shown.find((certificate) => fingerprintOf(certificate) === address.fingerprint)
  if (ca === undefined) {
    return yield* deniedFailure(
      `what listens at ${address.coordinator} is not the coordinator that made this join token: its certificates do not have the fingerprint ${address.fingerprint}. Nothing was sent to it. Ask the coordinator's owner for a new line ('sweep agents invite'); if the fingerprint is the same, somebody stands between`,
    )
  }
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  })
  const { status, text } = yield* Effect.tryPromise({
    try: () => ask(at, ca, { token: address.token, name: nameOf(id ?? hostname()), publicKey }),
    catch: (error) => unreachable(address.coordinator, error as Error),
  })
  if (status !== 200) {
    const said = Schema.decodeUnknownOption(Refusal)(text)
    return yield* deniedFailure(said._tag === "Some" ? said.value.message : `the coordinator answered ${status}`)
  }
  return yield* Effect.try({
    try: () => {
      const { name, agent, token, certificate } = decode(text)
      writeAccessFile(file, {
        name,
        role: "agent",
        agent,
        coordinator: address.coordinator,
        token,
        ca,
        certificate,
        key: privateKey,
      })
      return true
    },
    catch: (error) =>
      error instanceof Failure
        ? error
        : unavailable(`the identity cannot be stored in ${file}: ${(error as Error).message}`),
  })
})
