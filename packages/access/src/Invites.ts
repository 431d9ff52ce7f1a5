// Join tokens: each lets one host become an agent, once and within a time. Owns the folder they are kept in, a file for
// each, of which the name says whether it was used: a rename is what uses it, so that of two hosts with the same token one
// wins, whatever processes are at work. Only hashes are kept.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { writePrivately } from "./privateFile.ts"

const Invite = Schema.Struct({
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
  /** Milliseconds since the Unix epoch. */
  createdAt: Schema.Finite,
  expiresAt: Schema.Finite,
})
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Invite))

/** How long after its end it is still known what became of a token, for the answer to whoever shows it. */
const remembered = 7 * 86_400_000

const form = /^join_([0-9a-f]{8})_[A-Za-z0-9_-]{43}$/

export const isJoinToken = (text: string): boolean => form.test(text)

export type Redeemed =
  | { readonly _tag: "Good" | "Unknown" | "Used" }
  | { readonly _tag: "Expired"; readonly at: number }

const openAt = (directory: string, id: string) => join(directory, `${id}.json`)
const usedAt = (directory: string, id: string) => join(directory, `${id}.used`)

/** A new join token; `directory` keeps its hash. */
export const makeInvite = (
  directory: string,
  lastsMillis: number,
): { readonly token: string; readonly expiresAt: number } => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  forgetOld(directory)
  const id = randomBytes(4).toString("hex")
  const token = `join_${id}_${randomBytes(32).toString("base64url")}`
  const now = Date.now()
  const expiresAt = now + lastsMillis
  const sha256 = createHash("sha256").update(token).digest("hex")
  writePrivately(openAt(directory, id), `${JSON.stringify({ sha256, createdAt: now, expiresAt })}\n`)
  return { token, expiresAt }
}

const forgetOld = (directory: string) => {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    try {
      if (decode(readFileSync(path, "utf8")).expiresAt + remembered < Date.now()) rmSync(path, { force: true })
    } catch {
      // Another process's, half written, or damaged: it lets nobody in.
    }
  }
}

const matches = (path: string, token: string) => {
  const invite = decode(readFileSync(path, "utf8"))
  const given = createHash("sha256").update(token).digest()
  return timingSafeEqual(given, Buffer.from(invite.sha256, "hex")) ? invite : undefined
}

/** What the token is worth now; it is not used by asking. */
export const lookAt = (directory: string, token: string): Redeemed => {
  const id = form.exec(token)?.[1]
  if (id === undefined) return { _tag: "Unknown" }
  try {
    if (existsSync(usedAt(directory, id))) {
      return { _tag: matches(usedAt(directory, id), token) === undefined ? "Unknown" : "Used" }
    }
    const invite = matches(openAt(directory, id), token)
    if (invite === undefined) return { _tag: "Unknown" }
    return invite.expiresAt <= Date.now() ? { _tag: "Expired", at: invite.expiresAt } : { _tag: "Good" }
  } catch {
    return { _tag: "Unknown" }
  }
}

/** Uses the token. Of all who try, one is told that it was good. */
export const useInvite = (directory: string, token: string): Redeemed => {
  const found = lookAt(directory, token)
  if (found._tag !== "Good") return found
  const id = form.exec(token)![1]!
  try {
    renameSync(openAt(directory, id), usedAt(directory, id))
    return found
  } catch {
    return { _tag: "Used" }
  }
}
