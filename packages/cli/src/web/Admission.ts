// Who may ask the page for what. Owns the checks of a request's Host and Origin, the one-time links, and the session cookie.
// Without tokens the page serves this machine alone, by its loopback names. With tokens a browser shows a cookie that was
// given for a one-time link; the cookie names a token and ends with it, and outlives a restart of the coordinator.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import type { IncomingMessage } from "node:http"
import { join } from "node:path"
import { writePrivately } from "@sweep/access/privateFile"
import type { Tokens } from "@sweep/access/Tokens"
import { includes, type Role } from "@sweep/domain/Role"
import { isLoopback, parseAddress } from "@sweep/grpc/address"
import { anybody, type Caller } from "@sweep/protocol/Caller"

const linkMillis = 120_000
const sessionMillis = 7 * 86_400_000
/** A request for links that nobody opens does not fill the memory. */
const mostLinks = 256

export interface Refusal {
  readonly status: 401 | 403 | 421
  readonly message: string
}

export interface Guest {
  readonly caller: Caller
  readonly role: Role
}

const mac = (key: Buffer, text: string): string => createHmac("sha256", key).update(text).digest("base64url")

const keyIn = (directory: string): Buffer => {
  const path = join(directory, "page.key")
  if (!existsSync(path)) writePrivately(path, randomBytes(32).toString("hex"))
  return Buffer.from(readFileSync(path, "utf8").trim(), "hex")
}

const cookieOf = (request: IncomingMessage): string | undefined =>
  /(?:^|;\s*)__Host-sweep=([A-Za-z0-9_.-]+)/.exec(request.headers.cookie ?? "")?.[1]

export const isRefusal = (found: Guest | Refusal): found is Refusal => "status" in found

/** Without `secured`, everybody on this machine may do everything. */
export class Admission {
  readonly #tokens: Tokens | undefined
  readonly #key: Buffer
  readonly #links = new Map<string, { readonly token: string; readonly until: number }>()

  constructor(secured?: { readonly tokens: Tokens; readonly directory: string }) {
    this.#tokens = secured?.tokens
    this.#key = secured === undefined ? Buffer.alloc(32) : keyIn(secured.directory)
  }

  get secured(): boolean {
    return this.#tokens !== undefined
  }

  /** What is wrong with where the request says it goes to and comes from; of every request, before anything else. */
  addressed(request: IncomingMessage): Refusal | undefined {
    const text = request.headers.host ?? ""
    const host = parseAddress(text)
    if (host === undefined || host.port !== request.socket.localPort) {
      return { status: 421, message: "the Host of this request is not an address of this page" }
    }
    // A name that somebody made point here (DNS rebinding). With tokens the name does not matter: no cookie is sent to it.
    if (this.#tokens === undefined && !isLoopback(host.host)) {
      return {
        status: 421,
        message: "this page answers only to 127.0.0.1, [::1] and localhost; for other machines: sweep serve --host",
      }
    }
    const { origin } = request.headers
    const own = `${this.#tokens === undefined ? "http" : "https"}://${text}`
    if (origin !== undefined && origin !== own) return { status: 403, message: "requests of other pages are refused" }
    const site = request.headers["sec-fetch-site"]
    // Opening a link that stands on another page is no request of that page.
    if (site === "cross-site" && request.headers["sec-fetch-mode"] !== "navigate") {
      return { status: 403, message: "requests of other pages are refused" }
    }
    return undefined
  }

  /** Who asks, or why not. What changes something also has to say that it comes from the page itself. */
  admit(request: IncomingMessage, needed: Role): Guest | Refusal {
    if (needed === "submit" && request.headers.origin === undefined) {
      return { status: 403, message: "an action has to come from the page: the request names no Origin" }
    }
    if (this.#tokens === undefined) return { caller: anybody, role: "submit" }
    const guest = this.#guestOf(cookieOf(request))
    if (guest === undefined) {
      return { status: 401, message: "open the page by a link of its own, which this prints: sweep open" }
    }
    if (includes(guest.role, needed)) return guest
    return {
      status: 403,
      message: `the token '${guest.caller.name}' has the role ${guest.role}, and this needs ${needed}; the coordinator's owner makes one with: sweep tokens create NAME --role ${needed}`,
    }
  }

  #guestOf(cookie: string | undefined): Guest | undefined {
    const [id, until, seal] = cookie?.split(".") ?? []
    if (id === undefined || until === undefined || seal === undefined || Number(until) < Date.now()) return undefined
    const right = Buffer.from(mac(this.#key, `${id}.${until}`))
    const given = Buffer.from(seal)
    if (right.length !== given.length || !timingSafeEqual(right, given)) return undefined
    const record = this.#tokens!.find(id)
    if (record === undefined || record.revokedAt !== null) return undefined
    return {
      caller: { name: record.name, token: record.id, speaksFor: () => false, agents: "no agent" },
      role: record.role,
    }
  }

  /** A code that opens the page once within two minutes, for the holder of a token that may look. */
  link(authorization: string | undefined): string | Refusal {
    const token = /^Bearer (\S+)$/.exec(authorization ?? "")?.[1]
    const verdict = token === undefined ? undefined : this.#tokens?.verify(token)
    if (verdict?._tag !== "Valid") return { status: 401, message: "the coordinator does not know this token" }
    const { record } = verdict
    if (!includes(record.role, "read")) {
      return { status: 403, message: `the token '${record.name}' has the role ${record.role}, and the page needs read` }
    }
    const now = Date.now()
    for (const [code, { until }] of this.#links) if (until < now) this.#links.delete(code)
    if (this.#links.size >= mostLinks) return { status: 403, message: "too many links wait to be opened; try again" }
    const code = randomBytes(24).toString("base64url")
    this.#links.set(code, { token: record.id, until: now + linkMillis })
    return code
  }

  /** The cookie for a code that has not been used. */
  redeem(code: string): string | undefined {
    const link = this.#links.get(code)
    this.#links.delete(code)
    if (link === undefined || link.until < Date.now()) return undefined
    const body = `${link.token}.${Date.now() + sessionMillis}`
    return `__Host-sweep=${body}.${mac(this.#key, body)}; Path=/; Max-Age=${sessionMillis / 1_000}; Secure; HttpOnly; SameSite=Strict`
  }
}
