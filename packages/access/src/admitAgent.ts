// Makes an agent of a host that shows a good join token: a name that is free, a token bound to it, a certificate of the
// host's own key. Owns the order: the join token is used before anything is given, and nothing is given twice.
import { randomBytes } from "node:crypto"
import { AccessError } from "./AccessError.ts"
import type { AccessFile } from "./AccessFile.ts"
import { certifyKey } from "./Authority.ts"
import { lookAt, type Redeemed, useInvite } from "./Invites.ts"
import { isAgentOf, makeToken, recordOf, type Tokens } from "./Tokens.ts"

export interface AdmitAgent {
  /** The authority's folder, and that of the join tokens. */
  readonly authority: string
  readonly invites: string
  readonly joinToken: string
  /** The name that the host asks for. */
  readonly wanted: string
  /** PEM, EC P-256. */
  readonly publicKey: string
}

/** What the host gets; its private key it has. */
export type Admitted = Pick<AccessFile, "name" | "role" | "token" | "ca" | "certificate"> & { readonly agent: string }

const refusals: Readonly<Record<Exclude<Redeemed["_tag"], "Good">, string>> = {
  Unknown: "the coordinator does not know this join token",
  Used: "this join token was used already: each lets one host join",
  Expired: "this join token has expired",
}

const remedy = "; 'sweep agents invite' at the coordinator prints a new one"

/** The name, or with something before or behind it the first that no token in use is for. */
const freeName = (tokens: Tokens, wanted: string): string => {
  const inUse = tokens.list().filter(({ revokedAt }) => revokedAt === null)
  const isTaken = (name: string) =>
    inUse.some((token) => token.name === name || (token.agent !== undefined && isAgentOf(token.agent, name)))
  // A token for many agents covers every name that begins as its own does, whatever stands behind it.
  const isCovered = (name: string) => inUse.some(({ agent }) => agent?.endsWith("*") === true && isAgentOf(agent, name))
  const base = [wanted, `host-${wanted}`].find((name) => !isCovered(name)) ?? randomBytes(8).toString("hex")
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`
    if (!isTaken(name)) return name
  }
}

/** Throws `AccessError` when the join token is no good, or the authority cannot sign. */
export const admitAgent = async (tokens: Tokens, options: AdmitAgent): Promise<Admitted> => {
  const { authority, invites, joinToken, wanted, publicKey } = options
  const refuse = (found: Redeemed) => {
    if (found._tag !== "Good") throw new AccessError({ message: refusals[found._tag] + remedy })
  }
  refuse(lookAt(invites, joinToken))
  const made = makeToken()
  // Before the join token is used: a host is not to lose it because the authority's key is elsewhere.
  const { ca, certificate } = await certifyKey(authority, made.id, publicKey)
  refuse(useInvite(invites, joinToken))
  for (;;) {
    const name = freeName(tokens, wanted)
    try {
      tokens.add(recordOf(made, { name, role: "agent", file: "", agent: name }))
    } catch (error) {
      // Another host took the name between the two; a list that cannot be written fails once more.
      if (freeName(tokens, wanted) !== name) continue
      throw error
    }
    return { name, role: "agent", agent: name, token: made.token, ca, certificate }
  }
}
