// The tokens a coordinator accepts. Owns the file they are listed in, of which it keeps hashes and never a token, and
// the comparison. The file is read again whenever it changes, so that a token made or revoked by another command counts
// at once. Who can write the file decides who gets in: there is no other way to make a token.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { Role } from "@sweep/domain/Role"
import * as Schema from "effect/Schema"
import { AccessError } from "./AccessError.ts"
import { withLock, writePrivately } from "./privateFile.ts"

export const TokenName = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/))

/** An agent's id, or the beginning of many with `*` behind it. */
export const AgentPattern = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,126}\*?$/))

/** Whether the agent is one of those that `pattern` stands for. */
export const isAgentOf = (pattern: string, agent: string): boolean =>
  pattern.endsWith("*") ? agent.length >= pattern.length && agent.startsWith(pattern.slice(0, -1)) : agent === pattern

const TokenRecord = Schema.Struct({
  /** Public: it names the token in lists, and the certificate that belongs to it. */
  id: Schema.String,
  name: TokenName,
  role: Role,
  /**
   * Of the role `agent`: the one agent whose id this is, or, with `*` at its end, any whose id begins so. Without it (a
   * token made before tokens were bound) any agent that no other token in use is bound to.
   */
  agent: Schema.optionalKey(AgentPattern),
  /** SHA-256 of the token, hexadecimal. A token is 256 random bits: there is nothing a slower hash would protect. */
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  /** Milliseconds since the Unix epoch. */
  createdAt: Schema.Finite,
  revokedAt: Schema.NullOr(Schema.Finite),
  /** Where its access file was written. */
  file: Schema.String,
})
export type TokenRecord = typeof TokenRecord.Type

const TokenList = Schema.fromJsonString(Schema.Struct({ tokens: Schema.Array(TokenRecord) }))
const decode = Schema.decodeUnknownSync(TokenList)

const hash = (token: string): Buffer => createHash("sha256").update(token).digest()

/** A new token: `sweep_ID_SECRET`. */
export const makeToken = (): { readonly id: string; readonly token: string } => {
  const id = randomBytes(4).toString("hex")
  return { id, token: `sweep_${id}_${randomBytes(32).toString("base64url")}` }
}

export const recordOf = (
  made: { readonly id: string; readonly token: string },
  about: { readonly name: string; readonly role: Role; readonly file: string; readonly agent?: string },
): TokenRecord => ({
  id: made.id,
  ...about,
  sha256: hash(made.token).toString("hex"),
  createdAt: Date.now(),
  revokedAt: null,
})

export type Verdict =
  | { readonly _tag: "Valid"; readonly record: TokenRecord }
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Revoked"; readonly record: TokenRecord }

export class Tokens {
  private readonly path: string
  private read: { readonly stamp: string; readonly tokens: ReadonlyArray<TokenRecord> } | undefined
  /** Good for as long as this process runs, and in no file. */
  private readonly own: Array<TokenRecord> = []

  constructor(path: string) {
    this.path = path
  }

  /** In the order they were made. Throws `AccessError` when the file is damaged. */
  list(): ReadonlyArray<TokenRecord> {
    let stamp: string
    try {
      const { ino, mtimeMs, size } = statSync(this.path)
      stamp = `${ino} ${mtimeMs} ${size}`
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
      throw new AccessError({ message: `the tokens cannot be read: ${(error as Error).message}` })
    }
    if (this.read?.stamp !== stamp) this.read = { stamp, tokens: this.parse() }
    return this.read.tokens
  }

  private parse(): ReadonlyArray<TokenRecord> {
    try {
      return decode(readFileSync(this.path, "utf8")).tokens
    } catch (error) {
      throw new AccessError({
        message: `${this.path} is damaged, so nobody is let in: ${(error as Error).message}\nMove it away and make new tokens with 'sweep tokens create'.`,
      })
    }
  }

  private write(tokens: ReadonlyArray<TokenRecord>): void {
    writePrivately(this.path, `${JSON.stringify({ tokens }, null, 2)}\n`)
  }

  /** Changes the list while no other process does: two that read it and write it would lose the first one's change. */
  private change<A>(use: (tokens: ReadonlyArray<TokenRecord>) => A): A {
    return withLock(`${this.path}.lock`, () => {
      // Not by its stamp: a change within the clock's grain would be missed.
      this.read = undefined
      return use(this.list())
    })
  }

  /** Throws `AccessError` when a token of that name is in use. */
  add(record: TokenRecord): void {
    this.change((tokens) => this.added(tokens, record))
  }

  private added(tokens: ReadonlyArray<TokenRecord>, record: TokenRecord): void {
    if (tokens.some(({ name, revokedAt }) => name === record.name && revokedAt === null)) {
      throw new AccessError({
        message: `there is a token named '${record.name}' already; 'sweep tokens revoke ${record.name}' ends it`,
      })
    }
    this.write([...tokens, record])
  }

  /** Whether the holder of the token may be this agent. */
  speaksFor(record: TokenRecord, agent: string): boolean {
    if (record.role !== "agent") return false
    if (record.agent !== undefined) return isAgentOf(record.agent, agent)
    return !this.list().some(
      (other) => other.revokedAt === null && other.agent !== undefined && isAgentOf(other.agent, agent),
    )
  }

  addOwn(record: TokenRecord): void {
    this.own.push(record)
  }

  /** By its public id, revoked ones included. */
  find(id: string): TokenRecord | undefined {
    return [...this.own, ...this.list()].find((record) => record.id === id)
  }

  /** By name or id. Throws `AccessError` when there is none in use. */
  revoke(which: string): TokenRecord {
    return this.change((tokens) => this.revoked(tokens, which))
  }

  private revoked(tokens: ReadonlyArray<TokenRecord>, which: string): TokenRecord {
    const found = tokens.find(({ id, name, revokedAt }) => revokedAt === null && (id === which || name === which))
    if (found === undefined) {
      throw new AccessError({ message: `no token in use is named '${which}'; 'sweep tokens ls' lists them` })
    }
    const revoked = { ...found, revokedAt: Date.now() }
    this.write(tokens.map((token) => (token === found ? revoked : token)))
    return revoked
  }

  /** The comparison takes the same time for every token that is wrong. */
  verify(token: string): Verdict {
    const given = hash(token)
    let found: TokenRecord | undefined
    for (const record of [...this.own, ...this.list()]) {
      if (timingSafeEqual(given, Buffer.from(record.sha256, "hex"))) found = record
    }
    if (found === undefined) return { _tag: "Unknown" }
    return found.revokedAt === null ? { _tag: "Valid", record: found } : { _tag: "Revoked", record: found }
  }
}
