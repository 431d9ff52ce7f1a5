// Makes a token with its certificate and writes both as one access file. Owns the order: the token counts only once its
// holder has something to hold.
import { existsSync, rmSync } from "node:fs"
import type { Role } from "@sweep/domain/Role"
import { AccessError } from "./AccessError.ts"
import { writeAccessFile } from "./AccessFile.ts"
import { makeClientIdentity } from "./Authority.ts"
import { makeToken, recordOf, type TokenRecord, type Tokens } from "./Tokens.ts"

export interface CreateToken {
  /** The authority's folder. */
  readonly authority: string
  readonly name: string
  readonly role: Role
  /** Of the role `agent`: whom the token is bound to (`TokenRecord.agent`); unless given, the agent of the token's name. */
  readonly agent?: string | undefined
  /** Where the access file goes. */
  readonly file: string
}

/** Throws `AccessError` when the file exists or the name is taken. */
export const createToken = async (tokens: Tokens, options: CreateToken): Promise<TokenRecord> => {
  const { authority, name, role, file } = options
  const bound = role === "agent" ? { agent: options.agent ?? name } : {}
  if (existsSync(file)) throw new AccessError({ message: `${file} exists already; it is not overwritten` })
  const made = makeToken()
  const { ca, certificate, key } = await makeClientIdentity(authority, made.id)
  const record = recordOf(made, { name, role, file, ...bound })
  writeAccessFile(file, { name, role, ...bound, token: made.token, ca, certificate, key })
  try {
    tokens.add(record)
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  }
  return record
}

/** One for commands of the coordinator's own host: good while this process runs, and known to it alone. */
export const createOwnToken = async (tokens: Tokens, options: CreateToken): Promise<void> => {
  const made = makeToken()
  const { ca, certificate, key } = await makeClientIdentity(options.authority, made.id)
  const { name, role, file } = options
  tokens.addOwn(recordOf(made, { name, role, file }))
  writeAccessFile(file, { name, role, token: made.token, ca, certificate, key })
}
