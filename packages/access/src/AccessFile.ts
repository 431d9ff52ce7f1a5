// What somebody needs to reach a coordinator, in one file: the authority to trust, a certificate and its key, a token.
// Owns its form. It is a secret as a whole.
import { X509Certificate } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { Role } from "@sweep/domain/Role"
import * as Schema from "effect/Schema"
import { AccessError } from "./AccessError.ts"
import { AgentPattern } from "./Tokens.ts"
import { timeLeft } from "./Authority.ts"
import { writePrivately } from "./privateFile.ts"
import { fileProblem } from "@sweep/domain/fileProblem"

const AccessFile = Schema.Struct({
  /** Of the file's form. */
  version: Schema.Literal(1),
  name: Schema.String,
  role: Role,
  /** Of the role `agent`: the id of the agent, or how it begins with `*` behind it. */
  agent: Schema.optionalKey(AgentPattern),
  /** Where its coordinator is reached, `host:port`: in the file of an agent that joined. */
  coordinator: Schema.optionalKey(Schema.String),
  token: Schema.String.check(Schema.isPattern(/^sweep_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/)),
  /** PEM, as all that follows. */
  ca: Schema.String,
  certificate: Schema.String,
  key: Schema.String,
})
export type AccessFile = typeof AccessFile.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(AccessFile))

export const writeAccessFile = (path: string, access: Omit<AccessFile, "version">): void =>
  writePrivately(path, `${JSON.stringify({ version: 1, ...access }, null, 2)}\n`)

/** Throws `AccessError` when it is missing, open to others, not such a file, or its certificate has ended. */
export const readAccessFile = (path: string): AccessFile => {
  let text: string
  try {
    const { mode } = statSync(path)
    if ((mode & 0o077) !== 0) {
      throw new AccessError({
        message: `${path}: others on this machine can read this access file, which is a secret. Do: chmod 600 ${path}`,
      })
    }
    text = readFileSync(path, "utf8")
  } catch (error) {
    if (error instanceof AccessError) throw error
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT"
    throw new AccessError({
      message: missing
        ? `${path}: there is no such access file; the coordinator's owner makes one with: sweep tokens create NAME --role ROLE`
        : `the access file cannot be read: ${fileProblem(Object.assign(error as object, { path }))}`,
    })
  }
  let access: AccessFile
  try {
    access = decode(text)
    void new X509Certificate(access.ca)
    void new X509Certificate(access.certificate)
  } catch {
    throw new AccessError({
      message: `${path}: this is not an access file of sweep; 'sweep tokens create', on the coordinator's host, makes one`,
    })
  }
  if (timeLeft(access.certificate) < 0) {
    throw new AccessError({
      message: `${path}: its certificate ended on ${new X509Certificate(access.certificate).validTo}; ask for a new access file ('sweep tokens create' on the coordinator's host)`,
    })
  }
  return access
}
