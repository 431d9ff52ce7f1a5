// What `sweep agent --join` is given: where the coordinator is, a join token and the fingerprint of its authority, as one
// word of a command line. Owns writing and reading it, and the protocol's name on the wire.
import { isJoinToken } from "./Invites.ts"

export interface JoinAddress {
  /** `host:port` */
  readonly coordinator: string
  readonly token: string
  /** SHA-256 of the authority's certificate, base64url. */
  readonly fingerprint: string
}

/** By this name, in the first bytes of a connection, a coordinator knows a host that joins from one that has a certificate. */
export const joinProtocol = "sweep-join/1"

export const formatJoin = ({ coordinator, token, fingerprint }: JoinAddress): string =>
  `${coordinator}/${token}/${fingerprint}`

/** `undefined` when it is none. */
export const parseJoin = (text: string): JoinAddress | undefined => {
  const parts = text.trim().split("/")
  const [coordinator, token, fingerprint] = parts
  if (parts.length !== 3 || coordinator === undefined || token === undefined || fingerprint === undefined)
    return undefined
  if (!isJoinToken(token) || !/^[A-Za-z0-9_-]{43}$/.test(fingerprint)) return undefined
  return { coordinator, token, fingerprint }
}
