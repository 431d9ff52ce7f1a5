// Key pairs and certificates as such: EC P-256, X.509. Owns what stands in a certificate and how long it is good; where
// they are kept is Authority's. Loaded only when something is signed: the library is large.
import "reflect-metadata"
import { randomBytes, webcrypto } from "node:crypto"
import * as x509 from "@peculiar/x509"
import type { Identity } from "./Identity.ts"

const day = 86_400_000
const lifetime = { authority: 3650 * day, server: 397 * day, client: 397 * day }

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

const pem = (label: string, bytes: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(bytes)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  pem("PRIVATE KEY", await webcrypto.subtle.exportKey("pkcs8", key))

const importKey = async (text: string): Promise<webcrypto.CryptoKey> => {
  const bytes = Buffer.from(text.replace(/-----[^-]+-----/g, ""), "base64")
  return await webcrypto.subtle.importKey("pkcs8", bytes, algorithm, true, ["sign"])
}

const makeKeys = async (): Promise<webcrypto.CryptoKeyPair> =>
  await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])

/** Positive and never the same twice. */
const serialNumber = (): string => `00${randomBytes(15).toString("hex")}`
/** A clock that is a little behind on another host must not make a new certificate one of the future. */
const validFrom = (): Date => new Date(Date.now() - 3_600_000)

/** A new authority that signs itself. */
export const makeAuthority = async (): Promise<Identity> => {
  const keys = await makeKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=sweep authority ${randomBytes(4).toString("hex")}`,
    notBefore: validFrom(),
    notAfter: new Date(Date.now() + lifetime.authority),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: `${certificate.toString("pem")}\n`, key: await exportKey(keys.privateKey) }
}

/** A certificate of `name`, for one end of a connection only. */
export const sign = async (authority: Identity, kind: "server" | "client", name: string): Promise<Identity> => {
  const keys = await makeKeys()
  return { certificate: await certify(authority, kind, name, keys.publicKey), key: await exportKey(keys.privateKey) }
}

/** The certificate of a client whose key stays where it was made. `publicKey`: PEM, EC P-256. Throws on any other. */
export const signKey = async (authority: Identity, name: string, publicKey: string): Promise<string> => {
  const bytes = Buffer.from(publicKey.replace(/-----[^-]+-----/g, ""), "base64")
  return await certify(
    authority,
    "client",
    name,
    await webcrypto.subtle.importKey("spki", bytes, algorithm, true, ["verify"]),
  )
}

const certify = async (
  authority: Identity,
  kind: "server" | "client",
  name: string,
  publicKey: webcrypto.CryptoKey,
): Promise<string> => {
  const ca = new x509.X509Certificate(authority.certificate)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [name] }],
    issuer: ca.subject,
    notBefore: validFrom(),
    notAfter: new Date(Math.min(Date.now() + lifetime[kind], ca.notAfter.getTime())),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // A client's certificate cannot be shown as the coordinator's, nor the other way round.
      new x509.ExtendedKeyUsageExtension(
        [kind === "server" ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth],
        true,
      ),
      ...(kind === "server" ? [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }])] : []),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  })
  return `${certificate.toString("pem")}\n`
}
