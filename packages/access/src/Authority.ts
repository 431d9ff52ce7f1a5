// A coordinator's private certificate authority. Owns the folder of its files and what is in the certificates: one for
// the coordinator, one for each holder of a token. The coordinator is verified by a fixed name, not by the host it is
// reached at: only this authority signs for that name, so that a tunnel, a new address or a second network needs no new
// certificate. Files hold PEM.
import { createHash, X509Certificate } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { serverName } from "@sweep/domain/Role"
import { AccessError } from "./AccessError.ts"
import type { Identity } from "./Identity.ts"
import { writePrivately } from "./privateFile.ts"

/** A certificate with less than this left is made again by `sweep certs`; in milliseconds. */
export const renewBefore = 30 * 86_400_000

export interface AuthorityFiles {
  /** The authority's certificate, and its key. */
  readonly ca: string
  readonly caKey: string
  /** The coordinator's certificate and key in one file, so that no reader sees one without the other. */
  readonly server: string
}

export const authorityFiles = (directory: string): AuthorityFiles => ({
  ca: join(directory, "ca.pem"),
  caKey: join(directory, "ca.key"),
  server: join(directory, "server.pem"),
})

const readFile = (path: string, what: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    throw new AccessError({ message: `${what} cannot be read: ${(error as Error).message}` })
  }
}

const readAuthority = (files: AuthorityFiles): Identity => ({
  certificate: readFile(files.ca, "the certificate authority"),
  key: readFile(files.caKey, "the key of the certificate authority"),
})

/** Milliseconds until the certificate of a PEM text ends; negative when it has. Throws when there is none. */
export const timeLeft = (certificate: string): number =>
  Date.parse(new X509Certificate(certificate).validTo) - Date.now()

export interface Made {
  readonly authority: "made" | "kept"
  readonly server: "made" | "renewed" | "kept"
}

/**
 * Makes what is missing in `directory`, and the coordinator's certificate again when it ends soon or `renew` is set. The
 * authority itself is never replaced: every access file would be void.
 */
export const makeCertificates = async (directory: string, renew: boolean): Promise<Made> => {
  const files = authorityFiles(directory)
  const { makeAuthority, sign } = await import("./sign.ts")
  const known = existsSync(files.ca)
  if (!known) {
    const { certificate, key } = await makeAuthority()
    // The key first: an authority without its key could sign nothing, and would never be made again.
    writePrivately(files.caKey, key)
    writePrivately(files.ca, certificate)
  }
  const had = existsSync(files.server)
  if (had && known && !renew && timeLeft(readFileSync(files.server, "utf8")) > renewBefore) {
    return { authority: "kept", server: "kept" }
  }
  const { certificate, key } = await sign(readAuthority(files), "server", serverName)
  writePrivately(files.server, key + certificate)
  return { authority: known ? "kept" : "made", server: had ? "renewed" : "made" }
}

/** SHA-256 of the authority's certificate, base64url: what tells one coordinator from another. */
export const fingerprintOf = (certificate: string): string =>
  createHash("sha256").update(new X509Certificate(certificate).raw).digest("base64url")

export const authorityFingerprint = (directory: string): string =>
  fingerprintOf(readFile(authorityFiles(directory).ca, "the certificate authority"))

/** A certificate for the holder of the token `id`, of a key that stays with it. Throws `AccessError` without the authority's key. */
export const certifyKey = async (
  directory: string,
  id: string,
  publicKey: string,
): Promise<{ readonly ca: string; readonly certificate: string }> => {
  const { signKey } = await import("./sign.ts")
  const authority = readAuthority(authorityFiles(directory))
  return { ca: authority.certificate, certificate: await signKey(authority, id, publicKey) }
}

/** A certificate for the holder of the token `id`. */
export const makeClientIdentity = async (
  directory: string,
  id: string,
): Promise<Identity & { readonly ca: string }> => {
  const { sign } = await import("./sign.ts")
  const authority = readAuthority(authorityFiles(directory))
  return { ...(await sign(authority, "client", id)), ca: authority.certificate }
}
