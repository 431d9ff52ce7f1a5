// Connections to the coordinator, before and after it is known whose they are. Owns how many there may be and how long
// one may take to show a good token: whoever reaches the port could otherwise hold every descriptor of the process without
// saying a word. The oldest unknown connection makes room for a new one, so that many idle ones keep nobody out.
import { readFileSync } from "node:fs"
import type { Socket } from "node:net"

export interface ConnectionLimits {
  /** Of all together, and of one token. */
  readonly most: number
  readonly mostOfToken: number
  /** Of those on which no call was admitted yet: of all together, and from one address. */
  readonly mostUnknown: number
  readonly mostUnknownOfAddress: number
  /** Milliseconds in which the first call has to be admitted. */
  readonly patience: number
}

/** Files that this process may have open. */
const descriptors = (): number => {
  try {
    const found = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))
    if (found !== null) return found[1] === "unlimited" ? Number.POSITIVE_INFINITY : Number(found[1])
  } catch {
    // No such file on this system.
  }
  return 1_024
}

export const defaultLimits = (available = descriptors()): ConnectionLimits => {
  // The other half is for the database, files of trials and whatever else is open.
  const most = Math.min(8_192, Math.floor(available / 2))
  return {
    most,
    mostOfToken: Math.floor(most / 4),
    mostUnknown: Math.min(256, Math.floor(most / 4)),
    mostUnknownOfAddress: Math.min(128, Math.floor(most / 8)),
    patience: 10_000,
  }
}

interface Held {
  readonly key: string
  readonly socket: Socket
  readonly address: string
  readonly timer: NodeJS.Timeout
  /** Of the token that was admitted on it; `undefined`: none was. */
  token?: string
}

export class Connections {
  readonly #limits: ConnectionLimits
  /** By address and port of the other side, in the order in which they came. */
  readonly #held = new Map<string, Held>()
  readonly #unknown = new Map<string, Held>()
  readonly #ofToken = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#held.size
  }

  /** Whether the new connection may stay, for now. */
  take(socket: Socket): boolean {
    const { remoteAddress: address, remotePort } = socket
    if (address === undefined) return false
    const { mostUnknown, mostUnknownOfAddress, most, patience } = this.#limits
    const fromThere = Array.from(this.#unknown.values()).filter((held) => held.address === address)
    if (fromThere.length >= mostUnknownOfAddress) this.#drop(fromThere[0]!)
    else if (this.#unknown.size >= mostUnknown) this.#drop(this.#unknown.values().next().value!)
    if (this.#held.size >= most) {
      const [oldest] = this.#unknown.values()
      if (oldest === undefined) return false
      this.#drop(oldest)
    }
    const key = `${address}:${remotePort ?? 0}`
    const held: Held = { key, socket, address, timer: setTimeout(() => this.#drop(held), patience).unref() }
    this.#held.set(key, held)
    this.#unknown.set(key, held)
    socket.once("close", () => this.#forget(held))
    return true
  }

  /** A call with this token was admitted on the connection of `peer`. False: the token has too many. */
  admitted(peer: string, token: string): boolean {
    const key = peer.replaceAll(/[[\]]/g, "")
    const held = this.#held.get(key)
    if (held === undefined || held.token !== undefined) return true
    const count = this.#ofToken.get(token) ?? 0
    if (count >= this.#limits.mostOfToken) return false
    clearTimeout(held.timer)
    held.token = token
    this.#ofToken.set(token, count + 1)
    this.#unknown.delete(key)
    return true
  }

  /** The coordinator goes: nobody is waited for who has said nothing. */
  closeUnknown(): void {
    for (const held of Array.from(this.#unknown.values())) this.#drop(held)
  }

  #drop(held: Held): void {
    held.socket.destroy()
    this.#forget(held)
  }

  #forget(held: Held): void {
    clearTimeout(held.timer)
    // Of two connections from one port, the second came after the first was closed.
    if (this.#held.get(held.key) === held) this.#held.delete(held.key)
    if (this.#unknown.get(held.key) === held) this.#unknown.delete(held.key)
    if (held.token === undefined) return
    const count = (this.#ofToken.get(held.token) ?? 1) - 1
    if (count === 0) this.#ofToken.delete(held.token)
    else this.#ofToken.set(held.token, count)
    delete held.token
  }
}
