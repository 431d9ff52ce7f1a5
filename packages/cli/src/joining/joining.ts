// How a host becomes an agent: it shows a join token over TLS and gets a token and a certificate of its own. Owns the
// answer to that one request, on the coordinator's port, and the line that a user copies. Whoever joins knows the
// coordinator by the fingerprint in that line, and the coordinator knows the host by its join token: neither needs
// anything else of the other before.
import { readFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:https"
import { join } from "node:path"
import type { Socket } from "node:net"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { AccessError } from "@sweep/access/AccessError"
import { admitAgent } from "@sweep/access/admitAgent"
import { authorityFiles, authorityFingerprint } from "@sweep/access/Authority"
import { makeInvite } from "@sweep/access/Invites"
import { formatJoin, joinProtocol } from "@sweep/access/joinAddress"
import { TokenName, type Tokens } from "@sweep/access/Tokens"
import type { AuditEntry } from "@sweep/protocol/Audit"
import { version } from "../version.ts"

/** Of a request: a token, a name and a public key. */
const mostBytes = 4_096
/** A name leaves room for a number behind it. */
const WantedName = TokenName.check(Schema.isMaxLength(48))

const Request = Schema.Struct({ token: Schema.String, name: WantedName, publicKey: Schema.String })
const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Request))

export const invitesOf = (authority: string): string => join(authority, "invites")

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > mostBytes) throw new AccessError({ message: "the request is too long" })
  }
  return text
}

/** Serves connections of hosts that join. */
export const joiningOf = (options: {
  readonly authority: string
  readonly tokens: Tokens
  readonly record: (entry: AuditEntry) => void
  readonly onProblem: (message: string) => void
}): { readonly protocol: string; readonly serve: (socket: Socket) => void } => {
  const { authority, tokens, record } = options
  const files = authorityFiles(authority)
  /** With the authority's own certificate, whose fingerprint the host compares; as it is now: it may have been renewed. */
  const context = () => ({
    key: readFileSync(files.server),
    cert: Buffer.concat([readFileSync(files.server), readFileSync(files.ca)]),
  })

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const peer = `${request.socket.remoteAddress ?? ""}:${request.socket.remotePort ?? 0}`
    const reply = (status: number, value: object) => {
      response.writeHead(status, { "content-type": "application/json", connection: "close" })
      response.end(JSON.stringify(value))
    }
    const written = (name: string, refused: string | null) =>
      record({ caller: { name: "join", token: null }, what: "join", peer, about: { agent: name }, refused })
    if (request.method !== "POST" || request.url !== "/join") return reply(404, { message: "there is nothing here" })
    const body = decode(await bodyOf(request))
    if (Result.isFailure(body)) {
      written("", "not a request to join")
      return reply(400, { message: "this is no request to join" })
    }
    const { token, name, publicKey } = body.success
    try {
      const invites = invitesOf(authority)
      const admitted = await admitAgent(tokens, { authority, invites, joinToken: token, wanted: name, publicKey })
      written(admitted.agent, null)
      return reply(200, admitted)
    } catch (error) {
      const message = error instanceof AccessError ? error.message : "the key cannot be certified: EC P-256 is expected"
      written(name, message)
      return reply(403, { message })
    }
  }

  const server = createServer(
    { ...context(), minVersion: "TLSv1.3", ALPNProtocols: [joinProtocol], requestTimeout: 10_000 },
    (request, response) => {
      answer(request, response).catch(() => response.destroy())
    },
  )
  server.on("tlsClientError", (_, socket) => socket.destroy())
  return {
    protocol: joinProtocol,
    serve: (socket) => {
      try {
        server.setSecureContext({ ...context(), minVersion: "TLSv1.3" })
      } catch (error) {
        options.onProblem(`a host that joins is shown the certificate from before: ${(error as Error).message}`)
      }
      server.emit("connection", socket)
    },
  }
}

export const defaultInvite = 3_600_000

/** A new join token, as the line to run on a GPU host. */
export const inviteLine = (options: {
  readonly authority: string
  /** As hosts reach it. */
  readonly coordinator: string
  readonly lastsMillis: number
  readonly service?: boolean
}): { readonly line: string; readonly join: string; readonly expiresAt: number } => {
  const { authority, coordinator, lastsMillis, service = false } = options
  const { token, expiresAt } = makeInvite(invitesOf(authority), lastsMillis)
  const address = formatJoin({ coordinator, token, fingerprint: authorityFingerprint(authority) })
  const flags = service ? " --service" : ""
  return {
    line: `pip install sweep-ft-agent==${version} && sweep agent --join ${address}${flags}`,
    join: address,
    expiresAt,
  }
}
